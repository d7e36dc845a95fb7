package archive

import (
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// memoryLimit is the largest unpacked member that is held in memory; of a
// larger one the bytes go to a temporary file without a name in $TMPDIR.
var memoryLimit int64 = 64 << 20

// spill holds the first n bytes of a stream, in memory or on disk.
type spill struct {
	size    int64 // of the whole stream
	n       int64
	crc     uint32 // of the n bytes
	checked bool
	mem     []byte
	file    *os.File
}

func newSpill(size int64) *spill { return &spill{size: size} }

func (s *spill) close() {
	if s.file != nil {
		s.file.Close()
	}
	s.mem = nil
}

// fill takes from r until there are at least end bytes.
func (s *spill) fill(r io.Reader, end int64) error {
	if end > s.n && s.file == nil && end > memoryLimit {
		if err := s.toDisk(); err != nil {
			return err
		}
	}
	if s.file != nil {
		return s.fillFile(r, end)
	}
	if int64(cap(s.mem)) < end {
		grown := make([]byte, s.n, min(s.size, max(end, 2*int64(cap(s.mem)), 4<<10)))
		copy(grown, s.mem)
		s.mem = grown
	}
	if s.n >= end {
		return nil
	}
	got, err := io.ReadFull(r, s.mem[s.n:end])
	s.mem = s.mem[:s.n+int64(got)]
	s.took(s.mem[s.n:])
	return err
}

func (s *spill) took(p []byte) {
	s.crc = crc32.Update(s.crc, crc32.IEEETable, p)
	s.n += int64(len(p))
}

func (s *spill) toDisk() error {
	f, err := os.CreateTemp("", "omnimedfs-")
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	os.Remove(f.Name()) // the space returns with the last descriptor, also after a crash
	if _, err := f.Write(s.mem); err != nil {
		f.Close()
		return fmt.Errorf("spool: %w", err)
	}
	s.file, s.mem = f, nil
	return nil
}

func (s *spill) fillFile(r io.Reader, end int64) error {
	buf := make([]byte, 256<<10)
	for s.n < end {
		got, err := io.ReadFull(r, buf[:min(int64(len(buf)), s.size-s.n)])
		if _, werr := s.file.WriteAt(buf[:got], s.n); werr != nil {
			return fmt.Errorf("spool: %w", werr)
		}
		s.took(buf[:got])
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *spill) readAt(p []byte, off int64) (int, error) {
	if s.file != nil {
		return s.file.ReadAt(p, off)
	}
	return copy(p, s.mem[min(off, int64(len(s.mem))):]), nil
}

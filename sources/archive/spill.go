package archive

import (
	"hash/crc32"
	"io"
	"io/fs"
)

// memoryLimit is the largest unpacked member that is held in memory; of a
// larger one the bytes go to the spool.
var memoryLimit int64 = 64 << 20

// spill holds the first n bytes of a stream, in memory or on disk.
type spill struct {
	size    int64 // of the whole stream
	n       int64
	crc     uint32 // of the n bytes
	checked bool
	mem     []byte
	spool   *Spool
	disk    *spooled // once it is too large for memory
}

func newSpill(size int64, s *Spool) *spill { return &spill{size: size, spool: s} }

func (s *spill) close() {
	if s.disk != nil {
		s.disk.finish(fs.ErrClosed) // it is this member's alone
		s.disk.release()
		s.disk = nil
	}
	s.mem = nil
}

// fill takes from r until there are at least end bytes.
func (s *spill) fill(r io.Reader, end int64) error {
	if end > s.n && s.disk == nil && end > memoryLimit {
		if err := s.toDisk(); err != nil {
			return err
		}
	}
	if s.disk != nil {
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
	d, err := s.spool.create("")
	if err != nil {
		return err
	}
	if _, err := d.Write(s.mem); err != nil {
		d.finish(err)
		d.release()
		return err
	}
	s.disk, s.mem = d, nil
	return nil
}

func (s *spill) fillFile(r io.Reader, end int64) error {
	buf := make([]byte, 256<<10)
	for s.n < end {
		got, err := io.ReadFull(r, buf[:min(int64(len(buf)), s.size-s.n)])
		if _, werr := s.disk.Write(buf[:got]); werr != nil {
			return werr
		}
		s.took(buf[:got])
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *spill) readAt(p []byte, off int64) (int, error) {
	if s.disk != nil {
		return s.disk.file.ReadAt(p, off)
	}
	return copy(p, s.mem[min(off, int64(len(s.mem))):]), nil
}

package cache

import (
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// stageMemory is how many encoded bytes of a fill are kept in memory before
// they go to a file: most 2-D images never see it.
const stageMemory = 4 << 20

// stage holds the encoded chunks of a payload that is not committed yet, or of
// one that is too large to be kept. Its file has no name: it is gone with the
// process.
type stage struct {
	dir string

	mu    sync.Mutex
	held  []*[]byte // chunks in memory by index; nil once they are in the file
	spans []span
	file  *os.File
	end   int64 // of the file
	total int64 // encoded bytes
}

type span struct {
	off int64
	n   int
}

// put keeps chunk i, taking enc over.
func (s *stage) put(i int, enc *[]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.spans) <= i {
		s.spans = append(s.spans, span{})
		s.held = append(s.held, nil)
	}
	s.held[i] = enc
	s.spans[i].n = len(*enc)
	s.total += int64(len(*enc))
	if s.file == nil && s.total <= stageMemory {
		return nil
	}
	return s.spill()
}

// spill writes what is in memory to the file.
func (s *stage) spill() error {
	if s.file == nil {
		f, err := unnamed(s.dir)
		if err != nil {
			return err
		}
		s.file = f
	}
	if diskFree(s.dir) < s.total-s.end {
		return ErrFull
	}
	for i, b := range s.held {
		if b == nil {
			continue
		}
		if _, err := s.file.WriteAt(*b, s.end); err != nil {
			return err
		}
		s.spans[i].off = s.end
		s.end += int64(len(*b))
		s.held[i] = nil
		putBuf(b)
	}
	return nil
}

// unnamed opens a file in dir that no name leads to.
func unnamed(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return os.NewFile(uintptr(fd), dir+"/(unnamed)"), nil
	}
	f, err := os.CreateTemp(dir, "fill-*.tmp") // not every file system has O_TMPFILE
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// chunk implements source.
func (s *stage) chunk(_ *record, i int, fn func([]byte) error) error {
	s.mu.Lock()
	if i >= len(s.spans) {
		s.mu.Unlock()
		return fmt.Errorf("%w: chunk %d is not staged", errChunk, i)
	}
	if b := s.held[i]; b != nil {
		defer s.mu.Unlock()
		return fn(*b)
	}
	sp, f := s.spans[i], s.file
	s.mu.Unlock()
	if f == nil {
		return errGone
	}
	b := getBuf(sp.n)
	defer putBuf(b)
	if _, err := f.ReadAt(*b, sp.off); err != nil {
		return err
	}
	return fn(*b)
}

// close gives the memory and the file back.
func (s *stage) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, b := range s.held {
		if b != nil {
			putBuf(b)
			s.held[i] = nil
		}
	}
	if s.file != nil {
		s.file.Close() // nothing is kept, so nothing can be lost
		s.file = nil
	}
}

// onDisk returns the bytes of the unnamed file.
func (s *stage) onDisk() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return 0
	}
	st, err := s.file.Stat()
	if err != nil {
		return 0
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		return sys.Blocks * 512
	}
	return s.end
}

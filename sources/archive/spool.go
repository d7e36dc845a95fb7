package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
)

// Spool keeps unpacked streams on disk, in files without names, while there is
// room: what a format without random access was unpacked to once need not be
// unpacked for the next reader. It is safe for many goroutines.
type Spool struct {
	dir   string
	limit int64
	ctx   context.Context
	stop  context.CancelFunc
	wg    sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	used    int64
	clock   uint64
	entries map[string]*spooled
	idle    []*cursor // streams that stand where somebody may read on; oldest first
}

// NewSpool returns a spool of at most limit bytes in a folder ("": $TMPDIR).
func NewSpool(dir string, limit int64) *Spool {
	s := &Spool{dir: dir, limit: limit, entries: map[string]*spooled{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// sharedSpool is bounded by 16 GiB.
var sharedSpool = sync.OnceValue(func() *Spool { return NewSpool("", 16<<30) })

// Close ends what is under way and gives the space back. Blobs that read from
// the spool fail from then on.
func (s *Spool) Close() error {
	s.mu.Lock()
	s.closed = true
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	s.stop()
	s.wg.Wait()
	for _, c := range idle {
		c.close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		s.drop(e)
	}
	return nil
}

// Used is the number of bytes on disk.
func (s *Spool) Used() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// spooled is one stream: its first n bytes, and all of it once done.
type spooled struct {
	s      *Spool
	key    string
	file   *os.File
	size   int64 // on disk, of s.used; guarded by s.mu
	refs   int   // guarded by s.mu
	last   uint64
	cancel context.CancelFunc

	mu      sync.Mutex
	n       int64
	done    bool
	err     error
	changed chan struct{}
}

var errSpoolClosed = fmt.Errorf("spool: %w", fs.ErrClosed)

// create returns an entry that the caller fills by Write and ends by finish.
// It has one reference.
func (s *Spool) create(key string) (*spooled, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.createLocked(key)
}

func (s *Spool) createLocked(key string) (*spooled, error) {
	if s.closed {
		return nil, errSpoolClosed
	}
	f, err := os.CreateTemp(s.dir, "omnimedfs-")
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	os.Remove(f.Name()) // the space returns with the last descriptor, also after a crash
	return &spooled{s: s, key: key, file: f, refs: 1, changed: make(chan struct{}), cancel: func() {}}, nil
}

// find returns the complete or growing entry of a key, with a reference.
func (s *Spool) find(key string) *spooled {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[key]
	if e != nil {
		s.clock++
		e.refs, e.last = e.refs+1, s.clock
	}
	return e
}

// open returns the entry of a key, which fill begins to make where there is
// none. The work ends when nobody waits for it any more.
func (s *Spool) open(ctx context.Context, key string, fill func(ctx context.Context, w io.Writer) error) (*spooled, error) {
	if e := s.find(key); e != nil {
		return e, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil {
		e.refs++
		return e, nil
	}
	e, err := s.createLocked(key)
	if err != nil {
		return nil, err
	}
	s.entries[key] = e
	ctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	unbind := context.AfterFunc(s.ctx, e.cancel)
	s.wg.Go(func() {
		defer unbind()
		err := fill(ctx, e)
		if err != nil && s.ctx.Err() != nil {
			err = errSpoolClosed
		}
		e.finish(err)
	})
	return e, nil
}

// finish says that all has come, or that no more will. A failed entry is
// forgotten, so that the next reader tries anew.
func (e *spooled) finish(err error) {
	e.mu.Lock()
	e.done, e.err = true, err
	close(e.changed)
	e.mu.Unlock()
	s := e.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && !s.closed {
		if s.entries[e.key] == nil {
			s.entries[e.key] = e
		}
		s.clock++
		e.last = s.clock
	} else if s.entries[e.key] == e {
		delete(s.entries, e.key)
	}
	if e.refs == 0 && s.entries[e.key] != e {
		s.free(e)
	}
}

// release gives a reference back.
func (e *spooled) release() {
	s := e.s
	s.mu.Lock()
	defer s.mu.Unlock()
	e.refs--
	if e.refs > 0 {
		return
	}
	e.mu.Lock()
	done := e.done
	e.mu.Unlock()
	switch {
	case !done:
		e.cancel() // nobody waits for it
		if s.entries[e.key] == e {
			delete(s.entries, e.key)
		}
	case s.entries[e.key] != e:
		s.free(e)
	}
}

// drop takes an entry out of the spool; s.mu is held.
func (s *Spool) drop(e *spooled) {
	if s.entries[e.key] == e {
		delete(s.entries, e.key)
	}
	if e.refs == 0 {
		s.free(e)
	}
}

// free closes the file of an entry that nobody has; s.mu is held.
func (s *Spool) free(e *spooled) {
	if e.file != nil {
		e.file.Close()
		e.file = nil
		s.used -= e.size
		e.size = 0
	}
}

// reserve makes room for n more bytes of e.
func (s *Spool) reserve(e *spooled, n int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.used+n > s.limit {
		var oldest *spooled
		for _, o := range s.entries {
			if o.refs == 0 && (oldest == nil || o.last < oldest.last) {
				oldest = o
			}
		}
		if oldest == nil {
			return fmt.Errorf("spool of %d bytes is full: %w", s.limit, syscall.ENOSPC)
		}
		s.drop(oldest)
	}
	s.used += n
	e.size += n
	return nil
}

func (e *spooled) Write(p []byte) (int, error) {
	if err := e.s.reserve(e, int64(len(p))); err != nil {
		return 0, err
	}
	n, err := e.file.WriteAt(p, e.n) // only the writer changes n
	e.mu.Lock()
	defer e.mu.Unlock()
	e.n += int64(n)
	close(e.changed)
	e.changed = make(chan struct{})
	if err != nil {
		return n, fmt.Errorf("spool: %w", err)
	}
	return n, nil
}

// wait returns once there are n bytes, or all there will be.
func (e *spooled) wait(ctx context.Context, n int64) (have int64, err error) {
	for {
		e.mu.Lock()
		have, done, ch := e.n, e.done, e.changed
		err := e.err
		e.mu.Unlock()
		switch {
		case have >= n:
			return have, nil
		case done && err != nil:
			return have, err
		case done:
			return have, nil
		}
		select {
		case <-ch:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// readAt reads what must be there within size bytes.
func (e *spooled) readAt(ctx context.Context, p []byte, off int64) (int, error) {
	have, err := e.wait(ctx, off+int64(len(p)))
	if err != nil {
		return 0, err
	}
	if have < off+int64(len(p)) {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := e.file.ReadAt(p, off)
	if n == len(p) {
		err = nil
	}
	return n, err
}

// spoolFull tells that there was no room, which a reader may do without.
func spoolFull(err error) bool { return errors.Is(err, syscall.ENOSPC) }

package tree

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// RetryAfter is how long a failure to load is remembered, so that a program
// that tries again at once does not hammer a platform that is down.
const RetryAfter = 30 * time.Second

// LazyDir is a folder that is made on first touch. Make it with Lazy.
type LazyDir struct {
	mtime time.Time
	load  func(ctx context.Context) (Dir, error)
	now   func() time.Time

	dir atomic.Pointer[Dir]

	mu      sync.Mutex
	loading chan struct{} // closed when the load under way ends; nil when none is
	err     error         // of the last load
	until   time.Time     // err stands until then
}

// Lazy returns a folder whose Load calls load, once among its callers, and
// then is the Dir that load returned, already loaded. A failure is remembered
// for RetryAfter.
func Lazy(mtime time.Time, load func(ctx context.Context) (Dir, error)) *LazyDir {
	return &LazyDir{mtime: mtime, load: load, now: time.Now}
}

func (l *LazyDir) ModTime() time.Time { return l.mtime }

// Load implements Dir. The load runs under the ctx of the caller that began it;
// when that one gives up, a caller that still waits begins anew.
func (l *LazyDir) Load(ctx context.Context) error {
	for {
		if l.dir.Load() != nil {
			return nil
		}
		l.mu.Lock()
		if l.err != nil && l.now().Before(l.until) {
			defer l.mu.Unlock()
			return l.err
		}
		wait := l.loading
		if wait == nil {
			l.loading = make(chan struct{})
			l.mu.Unlock()
			return l.run(ctx)
		}
		l.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *LazyDir) run(ctx context.Context) (err error) {
	err = errors.New("loading panicked")
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.err, l.until = nil, time.Time{}
		// That the caller left says nothing about the folder.
		if err != nil && ctx.Err() == nil {
			l.err, l.until = err, l.now().Add(RetryAfter)
		}
		close(l.loading)
		l.loading = nil
	}()
	var d Dir
	if d, err = l.load(ctx); err != nil {
		return err
	}
	if err = d.Load(ctx); err != nil {
		return err
	}
	l.dir.Store(&d)
	return nil
}

// loaded returns the folder behind l, or an empty one before Load succeeded.
func (l *LazyDir) loaded() Dir {
	if d := l.dir.Load(); d != nil {
		return *d
	}
	return &StaticDir{}
}

func (l *LazyDir) Len() int                     { return l.loaded().Len() }
func (l *LazyDir) Total() int                   { return l.loaded().Total() }
func (l *LazyDir) Entry(i int) Entry            { return l.loaded().Entry(i) }
func (l *LazyDir) Find(name string) (int, bool) { return l.loaded().Find(name) }
func (l *LazyDir) Child(i int) Node             { return l.loaded().Child(i) }

package fs

import (
	"context"
	"sync"
)

// workers counts the goroutines that belong to the mount, so that the unmount
// can wait for them.
type workers struct {
	mu      sync.Mutex
	n       int
	closing bool
	idle    chan struct{} // closed when closing and n is 0
}

func newWorkers() *workers { return &workers{idle: make(chan struct{})} }

// start counts one more, or returns false when the mount is going.
func (w *workers) start() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closing {
		return false
	}
	w.n++
	return true
}

func (w *workers) done() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n--; w.n == 0 && w.closing {
		close(w.idle)
	}
}

// wait lets no more start and waits for those that run, or for ctx.
func (w *workers) wait(ctx context.Context) error {
	w.mu.Lock()
	if !w.closing {
		w.closing = true
		if w.n == 0 {
			close(w.idle)
		}
	}
	w.mu.Unlock()
	select {
	case <-w.idle:
		return nil
	default: // also when ctx has ended before: taking a million inodes away takes seconds
	}
	select {
	case <-w.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

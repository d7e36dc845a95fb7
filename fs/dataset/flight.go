package dataset

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// failureTime is how long a failure is remembered before the work is tried
// again, so that a thousand readers of a broken file make one attempt.
const failureTime = 30 * time.Second

// flights runs work once among all who want it. The work belongs to the mount:
// a caller that gives up leaves, the work goes on.
type flights[K comparable] struct {
	env    *Env
	mu     sync.Mutex
	under  map[K]*flight
	failed map[K]failure
}

type flight struct {
	done chan struct{}
	err  error
}

type failure struct {
	err   error
	until time.Time
}

// maxFailed bounds the failures remembered; past it they are dropped, which
// costs only an early second attempt.
const maxFailed = 4096

func newFlights[K comparable](env *Env) *flights[K] {
	return &flights[K]{env: env, under: map[K]*flight{}, failed: map[K]failure{}}
}

// do waits for the work named key, starting it where it is not under way.
func (f *flights[K]) do(ctx context.Context, key K, work func(ctx context.Context) error) error {
	w, err := f.start(key, work)
	if err != nil {
		return err
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// start starts the work named key where it is not under way.
func (f *flights[K]) start(key K, work func(ctx context.Context) error) (*flight, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fail, ok := f.failed[key]; ok {
		if time.Now().Before(fail.until) {
			return nil, fail.err
		}
		delete(f.failed, key)
	}
	w, ok := f.under[key]
	if !ok {
		if err := f.env.ctx.Err(); err != nil {
			return nil, err
		}
		w = &flight{done: make(chan struct{})}
		f.under[key] = w
		f.env.work.Add(1)
		go f.run(key, w, work)
	}
	return w, nil
}

func (f *flights[K]) run(key K, w *flight, work func(ctx context.Context) error) {
	defer f.env.work.Done()
	defer func() {
		// A decoder that panics on hostile input costs one file, not the mount.
		if p := recover(); p != nil {
			w.err = fmt.Errorf("conversion panicked: %v", p)
			f.env.Log.Error("conversion panicked", "panic", p)
		}
		f.mu.Lock()
		delete(f.under, key)
		if w.err != nil && f.env.ctx.Err() == nil {
			if len(f.failed) >= maxFailed {
				clear(f.failed)
			}
			f.failed[key] = failure{w.err, time.Now().Add(failureTime)}
		}
		f.mu.Unlock()
		close(w.done)
	}()
	w.err = work(f.env.ctx)
}

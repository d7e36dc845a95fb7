// Package dataset joins a recipe, its raw files, its converter and the cache:
// one Dataset knows its cases, the exact size of every file it serves, and
// opens them, converting each once.
package dataset

import (
	"context"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/omnimedseg/omnimedfs/fs/cache"
	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/archive"
)

// Env is what all datasets of a mount share.
type Env struct {
	Client   *sources.Client
	Cache    *cache.Cache
	Failures *Failures
	Log      *slog.Logger
	Spool    *archive.Spool                 // of archives without random access; nil: one of its own in $TMPDIR
	Index    func(id string) ([]byte, bool) // a dataset's shipped raw.Index; nil: none
	Accepted func(id string) bool           // the user accepts what a dataset's platform asks; nil: of none
	Errno    func(error) string             // the name of an error's errno; nil: "EIO" for all

	now    func() time.Time // another clock in tests
	ctx    context.Context
	cancel context.CancelFunc
	memory *semaphore.Weighted // bytes of decoded pixels in work at one time
	limit  int64
	derive chan struct{} // one place a Derived at work
	work   sync.WaitGroup

	done struct{ files, bytes, waiting atomic.Int64 }

	mu      sync.Mutex
	closers []io.Closer
}

// NewEnv returns an Env whose conversions hold at most memory bytes of decoded
// pixels at a time (a single bigger one runs alone).
func NewEnv(client *sources.Client, c *cache.Cache, memory int64, log *slog.Logger) *Env {
	ctx, cancel := context.WithCancel(context.Background())
	return &Env{
		Client: client, Cache: c, Log: log, Failures: NewFailures(c.Facts()),
		now: time.Now, ctx: ctx, cancel: cancel,
		memory: semaphore.NewWeighted(memory), limit: memory,
		derive: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
}

// age is how long ago something was asked for; a time to come is long ago.
func (e *Env) age(asked time.Time) time.Duration {
	if d := e.now().Sub(asked); d >= 0 {
		return d
	}
	return 1 << 62
}

// Close stops the conversions under way and waits for them. It closes neither
// the client nor the cache.
func (e *Env) Close() {
	e.cancel()
	e.work.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.closers {
		if err := c.Close(); err != nil {
			e.Log.Warn("close", "error", err)
		}
	}
	e.closers = nil
}

// failed keeps a failure that nobody's read has met.
func (e *Env) failed(path string, err error) {
	errno := "EIO"
	if e.Errno != nil {
		errno = e.Errno(err)
	}
	e.Failures.Add(path, errno, err)
}

func (e *Env) closeLater(c io.Closer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closers = append(e.closers, c)
}

// Work is how much was converted, and how much waits for memory.
type Work struct {
	Files   int64 // images and masks converted
	Bytes   int64 // of their pixels
	Waiting int64 // conversions that wait
}

// Work returns the counts since the start.
func (e *Env) Work() Work {
	return Work{e.done.files.Load(), e.done.bytes.Load(), e.done.waiting.Load()}
}

// reserve waits until n bytes of decoded pixels may be held.
func (e *Env) reserve(ctx context.Context, n int64) (release func(), err error) {
	n = max(1, min(n, e.limit))
	e.done.waiting.Add(1)
	defer e.done.waiting.Add(-1)
	if err := e.memory.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return func() { e.memory.Release(n) }, nil
}

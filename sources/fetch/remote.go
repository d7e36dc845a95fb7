package fetch

import (
	"context"
	"fmt"
	"net/http"
	"sync"
)

// remote is one URL, shared by all blobs that were opened on it.
type remote struct {
	c    *Client
	url  string
	same string // names the file
	safe string // without secrets
	name string
	auth string
	made bool // anew for each request

	refs  int      // under c.mu
	key   [16]byte // under c.mu: of the blocks; of this remote alone until the version is known
	spool *spool   // under c.mu: all of a large file whose server has no ranges

	mu     sync.Mutex
	asked  bool // Facts were asked for the pin
	pinned bool // pin holds what an answer said
	whole  bool // the server has no ranges
	pin    pin

	seqEnd, seqRun int64 // under mu: where the last read ended, how long they were in order
}

// flight is one transfer of neighbouring blocks that several readers may wait
// for. It is cancelled when all of them have left.
type flight struct {
	r       *remote
	key     [16]byte // of the remote when the flight began
	first   int64
	n       int64
	cold    bool
	blocks  [][]byte // complete once done is closed and err is nil
	src     *body    // instead of blocks, for a flight of the whole file
	err     error
	done    chan struct{}
	waiters int // under c.mu
	ctx     context.Context
	cancel  context.CancelFunc
}

// blocks returns blocks [lo, hi) from the cache, from flights under way, and
// from new flights for the missing ones.
func (r *remote) blocks(ctx context.Context, lo, hi int64, cold bool) ([][]byte, error) {
	out, flights, err := r.claim(ctx, lo, hi, cold)
	if err != nil {
		return nil, err
	}
	return out, r.collect(ctx, lo, out, flights)
}

// collect waits for flights that were claimed and takes from them what is
// missing of the blocks from lo on.
func (r *remote) collect(ctx context.Context, lo int64, out [][]byte, flights []*flight) error {
	for i, f := range flights {
		if err := r.c.await(ctx, f); err != nil {
			r.c.leave(flights[i+1:])
			return err
		}
		for j, b := range f.blocks {
			if at := f.first + int64(j) - lo; at >= 0 && at < int64(len(out)) {
				out[at] = b
			}
		}
	}
	return nil
}

// claim takes what is cached and joins or starts a flight for the rest.
func (r *remote) claim(ctx context.Context, lo, hi int64, cold bool) ([][]byte, []*flight, error) {
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, errClosed
	}
	out := make([][]byte, hi-lo)
	var flights []*flight
	var run *flight // the newest one of ours
	for i := lo; i < hi; i++ {
		k := blockKey{r.key, i}
		if f := c.flights[k]; f != nil {
			if len(flights) == 0 || flights[len(flights)-1] != f {
				f.waiters++
				flights = append(flights, f)
			}
			run = nil
			continue
		}
		if out[i-lo] = c.cache.get(k); out[i-lo] != nil {
			continue
		}
		if run == nil || i-(run.first+run.n) > mergeBlocks {
			run = &flight{r: r, first: i, cold: cold, done: make(chan struct{}), waiters: 1}
			flights = append(flights, run)
		}
		run.n = i + 1 - run.first
	}
	for _, f := range flights {
		if f.ctx == nil {
			c.start(ctx, f, f.run)
		}
	}
	return out, flights, nil
}

// start lets a flight go; c.mu is held. It lives as long as somebody waits,
// not as long as ctx, which only lends its values.
func (c *Client) start(ctx context.Context, f *flight, run func() error) {
	f.key = f.r.key
	f.ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(c.ctx, f.cancel)
	for i := f.first; i < f.first+f.n; i++ {
		if k := (blockKey{f.key, i}); c.flights[k] == nil {
			c.flights[k] = f
		}
	}
	c.wg.Go(func() {
		f.err = run()
		stop()
		f.cancel()
		c.land(f)
	})
}

// land puts what a flight brought into the cache, under the version that its
// answer has shown.
func (c *Client) land(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(f)
	if f.err == nil && !c.closed {
		for i, b := range f.blocks {
			c.cache.put(blockKey{f.r.key, f.first + int64(i)}, b, f.cold)
		}
	}
	close(f.done)
}

func (c *Client) forget(f *flight) {
	for i := f.first; i < f.first+f.n; i++ {
		if k := (blockKey{f.key, i}); c.flights[k] == f {
			delete(c.flights, k)
		}
	}
}

// await waits for a flight that the caller has joined, and leaves it.
func (c *Client) await(ctx context.Context, f *flight) error {
	defer c.leave([]*flight{f})
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctxError(context.Cause(ctx))
	case <-c.ctx.Done():
		return errClosed
	}
}

func (c *Client) leave(flights []*flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range flights {
		if f.waiters--; f.waiters == 0 {
			c.forget(f) // nobody may join what is about to be cancelled
			f.cancel()
		}
	}
}

// run brings the flight's blocks, from the keeper where it has them.
func (f *flight) run() (err error) {
	f.blocks, err = f.bring(f.ctx, f.r.kept(f.first, f.n))
	return err
}

// fetchBlocks brings blocks [lo, hi) over the network, fewer where the file
// ends.
func (r *remote) fetchBlocks(ctx context.Context, lo, hi int64) (blocks [][]byte, err error) {
	var cur []byte
	err = r.transfer(ctx, lo*blockSize, hi*blockSize, func(p []byte) error {
		for len(p) > 0 {
			if cur == nil {
				cur = make([]byte, 0, blockSize)
			}
			n := min(len(p), blockSize-len(cur))
			cur, p = append(cur, p[:n]...), p[n:]
			if len(cur) == blockSize {
				blocks, cur = append(blocks, cur), nil
			}
		}
		return nil
	})
	if err == nil && len(cur) > 0 {
		blocks = append(blocks, cur)
	}
	return blocks, err
}

// do sends a GET for the file, with its token.
func (r *remote) do(ctx context.Context, h http.Header) (*answer, error) {
	if r.auth != "" {
		var err error
		if ctx, err = WithAuth(ctx, r.url, r.auth); err != nil {
			return nil, err
		}
	}
	return r.c.do(ctx, r.url, h)
}

// size is known once learn has succeeded.
func (r *remote) size() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pin.Size
}

func (r *remote) isWhole() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.whole
}

// sequential notes a read and says whether it belongs to one that is longer
// than an eighth of the cache: such a file must not push out all others.
func (r *remote) sequential(off, end int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if off != r.seqEnd {
		r.seqRun = 0
	}
	r.seqRun += end - off
	r.seqEnd = end
	return r.seqRun > r.c.opt.Memory/8
}

func (r *remote) identity() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%s %d %s %s", pinKey(r.same), r.pin.Size, r.pin.ETag, r.pin.Modified)
}

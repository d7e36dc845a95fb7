package fetch

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// slowRate is the speed of one connection below which the rest of a long read
	// is split: 128 Mbit/s, a choice and not a measure. Servers that hold back do
	// so for each connection.
	slowRate = 16 << 20 // bytes a second
	// slowAfter is how much one connection brings before it is judged, and the
	// least that is worth a connection of its own.
	slowAfter = 2 << 20
	// maxSplit is how many connections one read has at most.
	maxSplit = 4
)

var errSlow = errors.New("one connection is slow")

// stream reads a long span in one request, into p and past the cache; in
// several at a time where one is slow.
func (f *file) stream(p []byte, off int64) (int, error) {
	ctx, cancel := context.WithCancel(f.ctx)
	defer cancel()
	defer context.AfterFunc(f.r.c.ctx, cancel)()
	parts := min(maxSplit, f.r.c.opt.PerHost-1) // one is left to others
	n, start := 0, time.Now()
	err := f.r.transfer(ctx, off, off+int64(len(p)), func(b []byte) error {
		n += copy(p[n:], b)
		if parts > 1 && n >= slowAfter && len(p)-n >= 2*slowAfter && !f.r.isWhole() {
			if time.Since(start).Seconds()*slowRate > float64(n) {
				return errSlow
			}
			parts = 1 // it was fast
		}
		return nil
	})
	if errors.Is(err, errSlow) {
		return f.split(ctx, p, off, n, parts)
	}
	return n, err
}

// split reads p[n:] with several connections.
func (f *file) split(ctx context.Context, p []byte, off int64, n, parts int) (int, error) {
	parts = min(parts, (len(p)-n)/slowAfter)
	g, ctx := errgroup.WithContext(ctx)
	for i := range parts {
		lo, hi := n+(len(p)-n)*i/parts, n+(len(p)-n)*(i+1)/parts
		g.Go(func() error {
			at := lo
			return f.r.transfer(ctx, off+int64(lo), off+int64(hi), func(b []byte) error {
				at += copy(p[at:hi], b)
				return nil
			})
		})
	}
	if err := g.Wait(); err != nil {
		return n, err
	}
	return len(p), nil
}

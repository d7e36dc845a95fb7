package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// flight is a fill under way.
type flight struct {
	done    chan struct{} // closed when at and err are set
	at      place
	spool   *spool // where the payload is too large to be kept
	err     error
	waiters int // guarded by Cache.mu
}

// Fill makes the payload of k with fill, unless it is there already or being
// made, and opens it. All or nothing: when fill fails, nothing is kept and all
// who wait get its error. The work is the cache's: fill's context has the
// values of ctx but ends only with the cache, so a caller whose ctx ends leaves
// with its error and the fill goes on. A panic in fill is an error.
//
// A payload too large for the limit is served from an unnamed file while it is
// open.
func (c *Cache) Fill(ctx context.Context, k Key, fill func(context.Context, *Writer) error) (*Payload, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if p, err := c.lookup(k); err == nil || errors.Is(err, ErrClosed) {
		return p, err
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	f := c.flights[k]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		c.flights[k] = f
		c.fills.Go(func() { c.fly(ctx, k, f, fill) })
	}
	f.waiters++
	c.mu.Unlock()
	select {
	case <-f.done:
	case <-ctx.Done():
		c.leave(f)
		return nil, ctx.Err()
	}
	if f.err != nil {
		return nil, f.err
	}
	return newPayload(c, k, f.at, f.spool), nil
}

// leave gives up what f holds for one waiter.
func (c *Cache) leave(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.waiters--
	select {
	case <-f.done:
		if f.spool != nil {
			f.spool.release()
		}
	default:
	}
}

// fly runs one fill to its end.
func (c *Cache) fly(ctx context.Context, k Key, f *flight, fill func(context.Context, *Writer) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	at, sp, err := c.make(ctx, k, fill)
	if err != nil {
		c.count.failures.Add(1)
		if c.ctx.Err() != nil {
			err = errors.Join(ErrClosed, err)
		}
	} else {
		c.count.fills.Add(1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if sp != nil {
		sp.refs += f.waiters
		c.keep(k, sp)
	}
	f.at, f.spool, f.err = at, sp, err
	delete(c.flights, k)
	close(f.done)
}

// make fills a stage and commits it.
func (c *Cache) make(ctx context.Context, k Key, fill func(context.Context, *Writer) error) (place, *spool, error) {
	// Another flight may have landed between the caller's look and this one.
	if at, err := c.find(k); err == nil {
		return at, nil, nil
	}
	w := newWriter(ctx, c)
	err := guarded(ctx, w, fill)
	rec, err := w.finish(k, err)
	if err != nil {
		w.stage.close()
		return place{}, nil, err
	}
	if err := c.facts.set(metaKey(k), rec.meta); err != nil {
		w.stage.close()
		return place{}, nil, err
	}
	if !c.keeps(rec) {
		return place{rec, w.stage}, &spool{stage: w.stage, rec: rec}, nil
	}
	defer w.stage.close()
	g, err := c.write(k, rec, w.stage)
	if err != nil {
		return place{}, nil, fmt.Errorf("keep payload: %w", err)
	}
	return place{rec, g}, nil, nil
}

// guarded turns a panic into an error.
func guarded(ctx context.Context, w *Writer, fill func(context.Context, *Writer) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("conversion panicked: %v\n%s", r, debug.Stack())
		}
	}()
	return fill(ctx, w)
}

// write commits a payload to the newest generation: its chunks in a few
// transactions, the record in the last of them.
func (c *Cache) write(k Key, r *record, src source) (*generation, error) {
	c.commit.Lock()
	defer c.commit.Unlock()
	g, err := c.room(need(r))
	if err != nil {
		return nil, err
	}
	var (
		pairs []pair
		held  []*[]byte
		bytes int
	)
	flush := func() error {
		err := g.put(pairs...)
		for _, b := range held {
			putBuf(b)
		}
		pairs, held, bytes = pairs[:0], held[:0], 0
		return err
	}
	for i := range r.chunks() {
		if len(r.inline) > 0 {
			break
		}
		err := src.chunk(r, i, func(enc []byte) error {
			b := getBuf(len(enc))
			copy(*b, enc)
			held = append(held, b)
			pairs = append(pairs, pair{chunkKey(r.serial, i), *b})
			bytes += len(enc)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if bytes > 1<<20 || len(pairs) >= 64 {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	pairs = append(pairs, pair{recordKey(k), r.marshal(k)})
	return g, flush()
}

package cache

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

// chunkOverhead is what one chunk or record costs beside its bytes: keys in the
// value log, the write-ahead log and the table.
const chunkOverhead = 256

// need returns the bytes that a payload will take in a generation.
func need(r *record) int64 {
	return r.stored + int64(len(r.meta)+recordHead) + int64(r.chunks()+1)*chunkOverhead
}

// keeps reports whether a payload is small enough to be kept: one that would
// push out half of all others is not.
func (c *Cache) keeps(r *record) bool { return need(r) <= c.payloadLimit()/2 }

// payloadLimit is what facts leave of the limit.
func (c *Cache) payloadLimit() int64 {
	return max(c.opt.Limit-c.facts.disk(), c.opt.Limit/4)
}

// used returns the bytes that generations and unnamed files take.
func (c *Cache) used() int64 { return c.payloadUsed() + c.rawUsed() }

// payloadUsed is used without raw blocks.
func (c *Cache) payloadUsed() (n int64) {
	for _, g := range c.generations() {
		n += g.size.Load()
	}
	return n + c.spooled()
}

// room returns the generation to write n bytes to, having made room for them.
// The caller holds commit.
func (c *Cache) room(n int64) (*generation, error) {
	if c.shut {
		return nil, ErrClosed
	}
	limit := c.payloadLimit()
	if err := c.clearRaw(n, limit); err != nil {
		return nil, err
	}
	for diskFree(c.dir) < n {
		// Others fill the disk too: a cache gives way.
		if len(c.generations()) == 0 {
			return nil, ErrFull
		}
		if err := c.evict(); err != nil {
			return nil, err
		}
	}
	if g := c.newest(); g != nil && g.size.Load()+n > c.target {
		g.size.Store(diskUse(g.dir))
	}
	for len(c.generations()) > 1 && c.used()+n > limit {
		if err := c.evict(); err != nil {
			return nil, err
		}
	}
	g := c.newest()
	if g != nil && (c.used()+n > limit || g.size.Load()+n > c.target) && g.holds() {
		var err error
		if g, err = c.rotate(); err != nil {
			return nil, err
		}
		if err := c.clearRaw(n, limit); err != nil {
			return nil, err
		}
		for len(c.generations()) > 1 && c.used()+n > limit {
			if err := c.evict(); err != nil {
				return nil, err
			}
		}
	}
	if g == nil {
		return c.rotate()
	}
	return g, nil
}

// newest returns the generation that is written to, or nil.
func (c *Cache) newest() *generation {
	gens := c.generations()
	if len(gens) == 0 {
		return nil
	}
	return gens[len(gens)-1]
}

// rotate begins a new generation.
func (c *Cache) rotate() (*generation, error) {
	gens := c.generations()
	id := uint32(1)
	if g := c.newest(); g != nil {
		g.size.Store(diskUse(g.dir))
		id = g.id + 1
	}
	g, err := openGeneration(filepath.Join(c.dir, genPrefix), id, c.target, c.log)
	if err != nil {
		return nil, err
	}
	gens = append(slices.Clone(gens), g)
	c.gens.Store(&gens)
	c.markDanger()
	return g, nil
}

// evict removes the oldest generation; there is one.
func (c *Cache) evict() error {
	gens := c.generations()
	g := gens[0]
	rest := slices.Clone(gens[1:])
	c.gens.Store(&rest)
	c.count.evictions.Add(1)
	c.log.Debug("evicting a cache generation", "id", g.id, "bytes", g.size.Load())
	if err := g.remove(); err != nil {
		return fmt.Errorf("evict %s: %w", g.dir, err)
	}
	c.markDanger()
	return nil
}

// markDanger marks the oldest generation once less than two generations are
// left to write before it goes.
func (c *Cache) markDanger() {
	gens := c.generations()
	if len(gens) >= 3 && c.payloadUsed()+2*c.target > c.payloadLimit() {
		gens[0].danger.Store(true)
	}
}

// Trim removes raw blocks, then the oldest generations, until the cache takes at
// most n bytes on disk, or holds no payload.
func (c *Cache) Trim(ctx context.Context, n int64) error {
	c.dropSpools()
	c.commit.Lock()
	defer c.commit.Unlock()
	for len(c.generations())+len(c.raws()) > 0 && diskUse(c.dir) > n {
		if c.shut {
			return ErrClosed
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		oldest := c.evict
		if len(c.raws()) > 0 {
			oldest = c.evictRaw
		}
		if err := oldest(); err != nil {
			return err
		}
	}
	return nil
}

// Clear removes every payload and every fact.
func (c *Cache) Clear(ctx context.Context) error {
	return errors.Join(c.Trim(ctx, 0), c.facts.clear())
}

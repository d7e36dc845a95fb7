package cache

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

type Key [32]byte
type Layout struct{ Row, Elem int }

var ErrMiss = errors.New("miss")
var ErrDamaged = errors.New("damaged")
var ErrEvicted = errors.New("evicted")
var ErrFull = errors.New("full")

type Cache struct {
	mu    sync.Mutex
	m     map[Key]*ent
	facts memFacts
}
type ent struct{ data, meta []byte }
type memFacts struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (f *memFacts) Get(k string) ([]byte, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.m[k]
	return v, ok
}
func (f *memFacts) Set(k string, v []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.m[k] = v
	return nil
}

type Options struct {
	Limit, Memory int64
	Log           *slog.Logger
}

func Open(ctx context.Context, dir string, o Options) (*Cache, error) {
	return &Cache{m: map[Key]*ent{}, facts: memFacts{m: map[string][]byte{}}}, nil
}

type Payload struct {
	blob.Blob
	meta []byte
}

func (p *Payload) Meta() []byte { return p.meta }

func (c *Cache) Get(ctx context.Context, k Key) (*Payload, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.m[k]
	if e == nil {
		return nil, ErrMiss
	}
	return &Payload{blob.Bytes(e.data), e.meta}, nil
}

type Writer struct {
	bytes.Buffer
	meta []byte
}

func (w *Writer) Layout(Layout)    {}
func (w *Writer) SetMeta(b []byte) { w.meta = b }

func (c *Cache) Fill(ctx context.Context, k Key, fill func(context.Context, *Writer) error) (*Payload, error) {
	var w Writer
	if err := fill(ctx, &w); err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.m[k] = &ent{w.Bytes(), w.meta}
	c.mu.Unlock()
	return c.Get(ctx, k)
}
func (c *Cache) Meta(k Key) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.m[k]; e != nil {
		return e.meta, true
	}
	return nil, false
}
func (c *Cache) Has(k Key) bool   { _, ok := c.Meta(k); return ok }
func (c *Cache) Facts() *memFacts { return &c.facts }
func (c *Cache) Close() error     { return nil }

func (c *Cache) FactsEach() {}
func (f *memFacts) Each(prefix string, fn func(string, []byte) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, v := range f.m {
		if len(k) >= len(prefix) && k[:len(prefix)] == prefix && !fn(k, v) {
			return
		}
	}
}

type GenerationStats struct{}
type Stats struct {
	Disk, Payload, Entries, Hits, Misses, Damaged int64
	Generations                                   []GenerationStats
}

func (c *Cache) Stats() Stats                            { return Stats{Entries: int64(len(c.m))} }
func (c *Cache) Trim(ctx context.Context, n int64) error { return nil }
func (c *Cache) Clear(ctx context.Context) error         { return nil }

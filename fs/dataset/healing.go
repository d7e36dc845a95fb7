package dataset

import (
	"context"
	"errors"
	"sync"

	"github.com/omnimedseg/omnimedfs/fs/cache"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// healing is a blob over a cached payload that is made again when a read finds
// it damaged or evicted.
type healing struct {
	ctx  context.Context
	open func(ctx context.Context) (blob.Blob, error)
	size int64

	mu  sync.RWMutex
	cur blob.Blob
	gen int
}

func openHealing(ctx context.Context, open func(ctx context.Context) (blob.Blob, error)) (blob.Blob, error) {
	b, err := open(ctx)
	if err != nil {
		return nil, err
	}
	return &healing{ctx: ctx, open: open, size: b.Size(), cur: b}, nil
}

func (h *healing) Size() int64 { return h.size }

func (h *healing) ReadAt(p []byte, off int64) (int, error) {
	for try := 0; ; try++ {
		h.mu.RLock()
		gen := h.gen
		n, err := h.cur.ReadAt(p, off)
		h.mu.RUnlock()
		lost := errors.Is(err, cache.ErrDamaged) || errors.Is(err, cache.ErrEvicted)
		if !lost || try == 2 {
			return n, err
		}
		if err := h.reopen(gen); err != nil {
			return 0, err
		}
	}
}

// reopen replaces the payload of generation gen, once among readers.
func (h *healing) reopen(gen int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gen != gen {
		return nil
	}
	b, err := h.open(h.ctx)
	if err != nil {
		return err
	}
	if b.Size() != h.size {
		b.Close()
		return errors.New("content made again has another size")
	}
	h.cur.Close()
	h.cur, h.gen = b, gen+1
	return nil
}

func (h *healing) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cur.Close()
}

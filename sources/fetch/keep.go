package fetch

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Keeper keeps blocks of remote files for longer than the client lives. A file
// is named by a hash of its version: blocks of two versions never meet.
type Keeper interface {
	// Get returns n blocks from the first on; those that it does not have are nil.
	Get(file [16]byte, first int64, n int) [][]byte
	// Put keeps blocks from the first on, or does not.
	Put(file [16]byte, first int64, blocks [][]byte)
}

// version returns the keeper and the name that it knows the file by. There is
// none for a file whose server tells no version, since another of the same
// size could not be told from it.
func (r *remote) version() (Keeper, [16]byte) {
	r.mu.Lock()
	known := r.pinned && !r.made && (r.pin.ETag != "" || r.pin.Modified != "")
	r.mu.Unlock()
	if r.c.opt.Keep == nil || !known {
		return nil, [16]byte{}
	}
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	return r.c.opt.Keep, r.key
}

// kept returns the n blocks of the file from the first on, nil where the keeper
// has none.
func (r *remote) kept(first, n int64) [][]byte {
	k, file := r.version()
	if k == nil {
		return make([][]byte, n)
	}
	return k.Get(file, first, int(n))
}

func (r *remote) keepBlocks(first int64, blocks [][]byte) {
	if k, file := r.version(); k != nil {
		k.Put(file, first, blocks)
	}
}

// keepWhole keeps all of a file whose server has no ranges.
func (r *remote) keepWhole(b *body) error {
	k, file := r.version()
	if k == nil {
		return nil
	}
	for off := int64(0); off < b.size; off += flightBytes {
		p := make([]byte, min(flightBytes, b.size-off))
		if n, err := b.ReadAt(p, off); n < len(p) {
			return err
		}
		var blocks [][]byte
		for i := 0; i < len(p); i += blockSize {
			blocks = append(blocks, p[i:min(i+blockSize, len(p))])
		}
		k.Put(file, off/blockSize, blocks)
	}
	return nil
}

// pieces reads a long span as blocks, several flights at a time, so that they
// come from the keeper and go there.
func (f *file) pieces(p []byte, off int64) (int, error) {
	g, ctx := errgroup.WithContext(f.ctx)
	g.SetLimit(max(1, min(maxSplit, f.r.c.opt.PerHost-1)))
	v := &file{r: f.r, ctx: ctx}
	for lo := 0; lo < len(p); {
		at := off + int64(lo)
		hi := min(len(p), lo+flightBytes-int(at%blockSize))
		part := p[lo:hi]
		g.Go(func() error {
			_, err := v.readBlocks(part, at, true)
			return err
		})
		lo = hi
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	return len(p), nil
}

// bring fills in what is missing of the blocks [f.first, f.first+f.n): what lies
// close together in one request.
func (f *flight) bring(ctx context.Context, blocks [][]byte) ([][]byte, error) {
	var missing []run
	for i := range blocks {
		if blocks[i] == nil {
			missing = append(missing, run{int64(i), int64(i) + 1})
		}
	}
	for _, m := range merge(missing) {
		got, err := f.r.fetchBlocks(ctx, f.first+m.lo, f.first+m.hi)
		if err != nil {
			return nil, err
		}
		f.r.keepBlocks(f.first+m.lo, got)
		copy(blocks[m.lo:], got)
		if m.lo+int64(len(got)) < m.hi {
			return blocks[:m.lo+int64(len(got))], nil // the file ends here
		}
	}
	return blocks, nil
}

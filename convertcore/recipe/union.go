package recipe

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// unionMemory bounds the selections of one union, beyond one a class: each
// worker fills its own, because selectors only ever add.
const unionMemory = 256 << 20

// selections recycles the workers' selections; a case of DSB2018 needs one of
// 64 KiB and more for each of its some forty masks.
var selections sync.Pool

func takeSelection(n int64) []byte {
	if p, ok := selections.Get().(*[]byte); ok && int64(cap(*p)) >= n {
		s := (*p)[:n]
		clear(s)
		return s
	}
	return make([]byte, n)
}

func giveSelection(s []byte) { selections.Put(&s) }

// union makes masks of many files, such as one an instance, by decoding them
// side by side. One class at a time where several would need too much memory.
func (g *group) union(ctx context.Context, emit func(*convertcore.Part, convertcore.Image) error) error {
	grid := g.grid
	if grid.Form == convertcore.NIfTI { // the image may have a time axis that labels have not
		var err error
		if grid, err = g.rawHeader(ctx, g.raw, g.paths[:1]); err != nil {
			return err
		}
	}
	n := pixels(grid)
	if int64(len(g.parts))*n <= unionMemory {
		return g.unite(ctx, g.parts, n, emit)
	}
	for i := range g.parts {
		if err := g.unite(ctx, g.parts[i:i+1], n, emit); err != nil {
			return err
		}
	}
	return nil
}

func (g *group) unite(ctx context.Context, parts []*convertcore.Part, n int64, emit func(*convertcore.Part, convertcore.Image) error) error {
	total := make([][]byte, len(parts))
	for k := range total {
		total[k] = make([]byte, n)
	}
	like, err := g.gather(ctx, parts, total)
	if err != nil {
		return err
	}
	for k, p := range parts {
		m, err := g.mask(like, total[k])
		if err != nil {
			return err
		}
		if err := emit(p, m); err != nil {
			return err
		}
	}
	return nil
}

// gather adds the selections of all files to total. In 3-D it returns the
// first file's image, whose header the masks take.
func (g *group) gather(ctx context.Context, parts []*convertcore.Part, total [][]byte) (convertcore.Image, error) {
	n := int64(len(total[0]))
	spare := max(1, unionMemory/(n*int64(len(parts))))
	workers := int(min(int64(runtime.GOMAXPROCS(0)), int64(len(g.paths)), spare))
	var (
		next atomic.Int64
		mu   sync.Mutex // guards total and like
		like convertcore.Image
	)
	eg, ctx := errgroup.WithContext(ctx)
	for range workers {
		eg.Go(func() error {
			own := make([][]byte, len(parts))
			for k := range own {
				own[k] = takeSelection(n)
				defer giveSelection(own[k])
			}
			for {
				i := int(next.Add(1) - 1)
				if i >= len(g.paths) {
					break
				}
				src, err := g.selectFile(ctx, i, parts, own)
				if err != nil {
					return err
				}
				if i == 0 && g.grid.Form == convertcore.NIfTI {
					mu.Lock()
					like = src
					mu.Unlock()
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for k := range own {
				or(total[k], own[k])
			}
			return nil
		})
	}
	err := eg.Wait()
	return like, err
}

// selectFile adds one file's selections to dst.
func (g *group) selectFile(ctx context.Context, i int, parts []*convertcore.Part, dst [][]byte) (convertcore.Image, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	src, err := g.label(ctx, i)
	if err != nil {
		return nil, err
	}
	if n := pixels(src.Header()); n != int64(len(dst[0])) {
		return nil, fmt.Errorf("%w: %s has %d voxels, %s %d", convertcore.ErrMismatch, g.paths[i], n, g.paths[0], len(dst[0]))
	}
	for k, p := range parts {
		if err := p.Select.Mask(dst[k], src); err != nil {
			return nil, fmt.Errorf("%s: %w", g.paths[i], err)
		}
	}
	return src, nil
}

// or adds src to dst, eight pixels at a time. The lengths are equal.
func or(dst, src []byte) {
	i := 0
	for ; i+8 <= len(dst); i += 8 {
		w := binary.LittleEndian.Uint64(dst[i:]) | binary.LittleEndian.Uint64(src[i:])
		binary.LittleEndian.PutUint64(dst[i:], w)
	}
	for ; i < len(dst); i++ {
		dst[i] |= src[i]
	}
}

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

// selections recycles the workers' selections; a case of DSB2018 needs them for
// some forty masks of 64 KiB and more.
var selections sync.Pool

func takeSelection(n int) []byte {
	if p, ok := selections.Get().(*[]byte); ok && cap(*p) >= n {
		s := (*p)[:n]
		clear(s)
		return s
	}
	return make([]byte, n)
}

func giveSelection(s []byte) { selections.Put(&s) }

// union makes masks of many files, such as one an instance. Where the
// selections of all classes are too much memory, it makes one class at a time.
func (g *group) union(ctx context.Context, emit func(*convertcore.Part, convertcore.Image) error) error {
	if int64(len(g.parts))*g.grid.Pixels() <= unionMemory {
		return g.unite(ctx, g.parts, emit)
	}
	for i := range g.parts {
		if err := g.unite(ctx, g.parts[i:i+1], emit); err != nil {
			return err
		}
	}
	return nil
}

// unite decodes the first file alone: what it holds proves the size that all
// selections are then allocated with, and its header becomes the masks'.
func (g *group) unite(ctx context.Context, parts []*convertcore.Part, emit func(*convertcore.Part, convertcore.Image) error) error {
	first, err := g.label(ctx, 0)
	if err != nil {
		return err
	}
	total := make([][]byte, len(parts))
	for k := range total {
		total[k] = make([]byte, first.Header().Pixels())
	}
	if err := g.add(first, 0, parts, total); err != nil {
		return err
	}
	if err := g.addRest(ctx, parts, total); err != nil {
		return err
	}
	for k, p := range parts {
		m, err := convertcore.NewMask(first, total[k])
		if err != nil {
			return err
		}
		if err := emit(p, m); err != nil {
			return err
		}
	}
	return nil
}

// addRest adds the selections of all files but the first, decoded side by side.
func (g *group) addRest(ctx context.Context, parts []*convertcore.Part, total [][]byte) error {
	spare := max(1, unionMemory/(len(total[0])*len(parts)))
	workers := min(runtime.GOMAXPROCS(0), len(g.paths)-1, spare)
	var next atomic.Int64 // the last file that was taken
	var mu sync.Mutex     // guards total
	eg, ctx := errgroup.WithContext(ctx)
	for range workers {
		eg.Go(func() error {
			own := make([][]byte, len(parts))
			for k := range own {
				own[k] = takeSelection(len(total[k]))
				defer giveSelection(own[k])
			}
			for i := int(next.Add(1)); i < len(g.paths); i = int(next.Add(1)) {
				if err := g.addFile(ctx, i, parts, own); err != nil {
					return err
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
	return eg.Wait()
}

// addFile adds one file's selections to dst.
func (g *group) addFile(ctx context.Context, i int, parts []*convertcore.Part, dst [][]byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	src, err := g.label(ctx, i)
	if err != nil {
		return err
	}
	return g.add(src, i, parts, dst)
}

// add adds what src, decoded from file i, holds of each class to dst.
func (g *group) add(src convertcore.Image, i int, parts []*convertcore.Part, dst [][]byte) error {
	if n := src.Header().Pixels(); n != int64(len(dst[0])) {
		return fmt.Errorf("%w: %s has %d voxels, %s %d", convertcore.ErrMismatch, g.paths[i], n, g.paths[0], len(dst[0]))
	}
	for k, p := range parts {
		if err := p.Select.Mask(dst[k], src); err != nil {
			return fmt.Errorf("%s: %w", g.paths[i], err)
		}
	}
	return nil
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

package recipe

import (
	"context"
	"fmt"
	"math"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// placed makes masks whose label lies on the image's grid by the recipe's
// word: flipped, without a geometry of its own, resampled, or several raters'.
func (g *group) placed(ctx context.Context, emit func(*convertcore.Part, convertcore.Image) error) error {
	like, err := g.decodeImage(ctx, g.raw, g.cs, g.image)
	if err != nil {
		return err
	}
	n := len(g.paths)
	if g.reading.Series {
		n = 1
	}
	if n > math.MaxUint16 {
		return fmt.Errorf("%w: %d raters", convertcore.ErrUnsupported, n)
	}
	votes := make([][]uint16, len(g.parts))
	var notes []string
	for i := range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		src, err := g.decode(ctx, i)
		if err != nil {
			return err
		}
		pl, note, err := g.placement(src.Header())
		if err != nil {
			return fmt.Errorf("image %s and label %s: %w", g.image.Raw[0], g.paths[i], err)
		}
		for _, w := range append(src.Warnings(), note...) {
			notes = append(notes, g.paths[i]+": "+w)
		}
		for k, p := range g.parts {
			sel := make([]byte, src.Header().Pixels())
			if err := p.Select.Mask(sel, src); err != nil {
				return fmt.Errorf("%s: %w", g.paths[i], err)
			}
			if votes[k] == nil {
				votes[k] = make([]uint16, like.Header().Pixels())
			}
			pl.vote(votes[k], sel)
		}
	}
	least := map[string]int{"": 1, "union": 1, "intersection": n, "majority": n/2 + 1}[g.consensus]
	if n > 1 && g.consensus != "" {
		notes = append(notes, fmt.Sprintf("%s of %d files", g.consensus, n))
	}
	for k, p := range g.parts {
		sel := make([]byte, len(votes[k]))
		for i, v := range votes[k] {
			if int(v) >= least {
				sel[i] = 1
			}
		}
		m, err := convertcore.NewMask(like, sel)
		if err != nil {
			return err
		}
		if err := emit(p, warned(m, notes...)); err != nil {
			return err
		}
	}
	return nil
}

// placement maps voxels of the image to those of a label.
type placement struct {
	from, to [4]int // dimensions of the label and the image
	m        geom.Affine
	same     bool
	flip     [3]bool
}

// placement relates a label's grid to the image's, and notes what is not as
// the files say.
func (g *group) placement(h convertcore.Header) (*placement, []string, error) {
	p := &placement{from: h.Dims, to: g.grid.Dims, same: true, flip: g.flip}
	var notes []string
	if g.flip != [3]bool{} {
		notes = append(notes, fmt.Sprintf("label turned round along %v", g.cl().Flip))
	}
	switch err := geom.SameGrid(g.grid, h); {
	case err == nil:
		return p, notes, nil
	case g.resample:
		p.same = false
		m, mapErr := between(g.grid, h)
		if mapErr != nil {
			return nil, nil, mapErr
		}
		p.m = m
		return p, append(notes, "label resampled (nearest) onto the image: "+err.Error()), nil
	case !g.byImage:
		return nil, nil, err
	}
	if [3]int(h.Dims[:3]) != [3]int(g.grid.Dims[:3]) || h.Dims[3] != 1 && h.Dims[3] != g.grid.Dims[3] {
		return nil, nil, mismatch("label of %v on an image of %v", h.Dims, g.grid.Dims)
	}
	return p, append(notes, "label takes the image's geometry"), nil
}

// cl is the class as the recipe has it.
func (g *group) cl() *Class {
	for i := range g.recipe.Classes {
		if g.recipe.Classes[i].Name == g.class.name {
			return &g.recipe.Classes[i]
		}
	}
	return &Class{}
}

// between maps voxels of the image to voxels of the label: in 2-D by pixel
// centres of images of one extent, else by both affines.
func between(image, label convertcore.Header) (geom.Affine, error) {
	if image.Form != label.Form {
		return geom.Affine{}, mismatch("one is 2-D (PNG), the other 3-D (NIfTI)")
	}
	if image.Form == convertcore.PNG {
		sx, sy := float64(label.Dims[0])/float64(image.Dims[0]), float64(label.Dims[1])/float64(image.Dims[1])
		return geom.Affine{{sx, 0, 0, sx/2 - 0.5}, {0, sy, 0, sy/2 - 0.5}, {0, 0, 1, 0}, {0, 0, 0, 1}}, nil
	}
	inv, ok := geom.Inverse(label.Affine)
	if !ok {
		return inv, mismatch("the label's affine has no inverse")
	}
	var m geom.Affine
	for i := range 4 {
		for j := range 4 {
			for k := range 4 {
				m[i][j] += inv[i][k] * image.Affine[k][j]
			}
		}
	}
	return m, nil
}

// vote adds a selection on the label's grid to counts on the image's.
func (p *placement) vote(votes []uint16, sel []byte) {
	w, h, d := p.to[0], p.to[1], p.to[2]
	volume := w * h * d
	for i := range votes {
		k := i % volume
		v := [3]int{k % w, k / w % h, k / w / h}
		if !p.same {
			pos := geom.Apply(p.m, [3]float64{float64(v[0]), float64(v[1]), float64(v[2])})
			for a := range v {
				v[a] = int(math.Floor(pos[a] + 0.5))
			}
		}
		inside := true
		for a := range v {
			if p.flip[a] {
				v[a] = p.from[a] - 1 - v[a]
			}
			inside = inside && v[a] >= 0 && v[a] < p.from[a]
		}
		if inside {
			at := (v[2]*p.from[1]+v[1])*p.from[0] + v[0]
			if t := i / volume; p.from[3] > 1 {
				at += min(t, p.from[3]-1) * p.from[0] * p.from[1] * p.from[2]
			}
			votes[i] += uint16(sel[at])
		}
	}
}

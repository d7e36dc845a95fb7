package model

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/robot"
)

func init() { Register("region-grow", newRegionGrow) }

// regionGrow is the smallest model that uses both image and prompts: it floods
// from the points within a tolerance of their intensity, splits boxes in two
// by intensity and fills polygons.
type regionGrow struct{ tolerance float64 }

// growTolerance is the default tolerance in standard deviations of the image.
const growTolerance = 0.5

func newRegionGrow(option string) (Model, error) {
	g := regionGrow{growTolerance}
	if option != "" {
		t, err := strconv.ParseFloat(option, 64)
		if err != nil || !(t >= 0) {
			return nil, fmt.Errorf("model region-grow: tolerance %q, want a number of standard deviations", option)
		}
		g.tolerance = t
	}
	return g, nil
}

func (g regionGrow) Name() string { return "region-grow" }
func (g regionGrow) Close() error { return nil }

func (g regionGrow) Open(_ context.Context, c *Case) (Session, error) {
	im, err := c.Load()
	if err != nil {
		return nil, err
	}
	return &growing{c, im, g.tolerance * deviation(im)}, nil
}

// deviation is the standard deviation of about 100,000 evenly spaced voxels.
func deviation(im *data.Image) float64 {
	n := im.Voxels()
	stride := max(1, n/100_000) | 1 // odd, so that no column is met again and again
	var count, sum, squares float64
	for i := 0; i < n; i += stride {
		if v := im.Value(i); !math.IsNaN(v) {
			count++
			sum += v
			squares += v * v
		}
	}
	if count == 0 {
		return 0
	}
	mean := sum / count
	return math.Sqrt(max(0, squares/count-mean*mean))
}

type growing struct {
	c         *Case
	im        *data.Image
	tolerance float64
}

func (g *growing) Close() error { return nil }

// Step starts over from all prompts: areas first, then foreground floods, then
// background floods cut out, so that corrections have the last word.
func (g *growing) Step(ctx context.Context, s *Step) (Result, error) {
	out, err := g.c.Empty()
	if err != nil {
		return Result{}, err
	}
	cut := out.Like()
	for i := range s.All {
		if ctx.Err() != nil {
			return Result{}, ctx.Err()
		}
		if err := g.apply(&s.All[i], out, cut); err != nil {
			return Result{}, failure(StatusError, "region-grow: %w", err)
		}
	}
	if err := out.AndNot(out, cut); err != nil {
		return Result{}, err
	}
	// Points themselves are never lost to a flood from elsewhere.
	for _, p := range s.All {
		for i := range p.Labels {
			if at, err := out.PointOf(p.Points[i]); err == nil {
				out.Set(at, p.Labels[i] == 1)
			}
		}
	}
	return Result{Mask: out}, nil
}

func (g *growing) apply(p *robot.Prompt, out, cut *mask.Mask) error {
	if err := p.Check(g.c.Dims); err != nil {
		return err
	}
	switch p.Kind {
	case robot.Box:
		lo, err := out.PointOf(p.Box.Min)
		if err != nil {
			return err
		}
		hi, err := out.PointOf(p.Box.MaxInclusive)
		if err != nil {
			return err
		}
		for a := range hi {
			hi[a]++
		}
		g.split(mask.Box{Min: lo, Max: hi}, out)
	case robot.Polygon:
		fillPolygon(out, p.Points)
	default:
		var seeds [2][]mask.Point
		for i, c := range p.Points {
			at, err := out.PointOf(c)
			if err != nil {
				return err
			}
			seeds[p.Labels[i]&1] = append(seeds[p.Labels[i]&1], at)
		}
		g.flood(seeds[1], out)
		g.flood(seeds[0], cut)
	}
	return nil
}

// flood adds to dst what is face-connected to the seeds with an intensity
// within the tolerance of the seeds' mean.
func (g *growing) flood(seeds []mask.Point, dst *mask.Mask) {
	if len(seeds) == 0 {
		return
	}
	mean := 0.0
	for _, p := range seeds {
		mean += g.im.At(p)
	}
	mean /= float64(len(seeds))
	seen := dst.Like()
	width := dst.Shape()[2]
	seen.Flood(seeds, func(p mask.Point, words []uint64) {
		for ; p[2] < width; p[2]++ {
			if math.Abs(g.im.At(p)-mean) <= g.tolerance {
				words[p[2]>>6] |= 1 << (p[2] & 63)
			}
		}
	})
	_ = dst.Or(dst, seen) // seen was made from dst
}

// split adds the voxels of the box that look more like its middle than like
// the rim around it; all of it where the two look alike.
func (g *growing) split(b mask.Box, dst *mask.Mask) {
	size := b.Size()
	core, rim := b, b
	for a, n := range size {
		core.Min[a], core.Max[a] = b.Min[a]+n/4, b.Max[a]-n/4
		rim.Min[a], rim.Max[a] = b.Min[a]-n/10-1, b.Max[a]+n/10+1
	}
	inside := g.mean(core, dst, nil)
	outside := g.mean(rim, dst, &b)
	alike := !(math.Abs(inside-outside) > g.tolerance/10)
	visit(b, dst, func(p mask.Point) {
		if v := g.im.At(p); alike || math.Abs(v-inside) <= math.Abs(v-outside) {
			dst.Set(p, true)
		}
	})
}

// mean is the mean intensity over a box without another, NaN over nothing.
func (g *growing) mean(b mask.Box, like *mask.Mask, without *mask.Box) float64 {
	sum, n := 0.0, 0.0
	visit(b, like, func(p mask.Point) {
		if without == nil || !without.Contains(p) {
			sum += g.im.At(p)
			n++
		}
	})
	return sum / n
}

// visit calls f for the voxels of b that lie in the image.
func visit(b mask.Box, m *mask.Mask, f func(mask.Point)) {
	shape := m.Shape()
	for z := max(0, b.Min[0]); z < min(shape[0], b.Max[0]); z++ {
		for y := max(0, b.Min[1]); y < min(shape[1], b.Max[1]); y++ {
			for x := max(0, b.Min[2]); x < min(shape[2], b.Max[2]); x++ {
				f(mask.Point{z, y, x})
			}
		}
	}
}

// fillPolygon sets the pixels of a 2-D mask whose centers lie inside the
// polygon (even-odd rule), and those on its sides.
func fillPolygon(m *mask.Mask, corners []robot.Point) {
	n := len(corners)
	for i, a := range corners {
		b := corners[(i+1)%n]
		m.DrawLine(mask.Point{0, a[0], a[1]}, mask.Point{0, b[0], b[1]})
	}
	shape := m.Shape()
	for y := range shape[1] {
		for x := range shape[2] {
			inside := false
			for i, a := range corners {
				b := corners[(i+1)%n]
				if (a[0] > y) != (b[0] > y) && float64(x-a[1]) < float64(y-a[0])*float64(b[1]-a[1])/float64(b[0]-a[0]) {
					inside = !inside
				}
			}
			if inside {
				m.Set(mask.Point{0, y, x}, true)
			}
		}
	}
}

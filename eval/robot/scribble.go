package robot

import (
	"math/rand/v2"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

func init() {
	about := map[string]string{
		"centerline": "a stroke along the skeleton",
		"boundary":   "a stroke along a random level inside the border",
		"random":     "a stroke along random straight lines",
	}
	for style, text := range about {
		for _, component := range []string{"largest", "random"} {
			Register("scribble:"+component+":"+style, text+" of the "+component+" component, broken and bent at random",
				append([]string{"fragment", "lines", "scale", "space", "warp", "width"}, chooserOptions...), newScribble)
		}
	}
}

// Ranges of the random fields in pixels of a 128×128 image: ScribblePrompt
// (Wong et al., ECCV 2024), as its code has them.
var (
	fragmentSigma = [2]float64{4, 16}
	warpSigma     = [2]float64{4, 16}
	warpMagnitude = [2]float64{1, 6}
	contourSigma  = [2]float64{5, 20}
)

const (
	contourRadius = 16 // a 33×33 kernel, whatever sigma is
	// fieldMargin is how far beyond the component the random fields are drawn,
	// one cell of the coarsest warp. Fields of the whole image would cost a
	// hundred times more on large images and say the same inside.
	fieldMargin = 16
	scaleSide   = 128 // the image side that the ranges are meant for
)

// scribble draws strokes: binary, inside the component, never empty. In 3-D it
// draws in one slice, as people do, unless space is "volume".
type scribble struct {
	name, style string
	chooser
	fragment, warp, volume, scaled bool
	lines, width                   int
}

func newScribble(o *Options) (User, error) {
	return &scribble{
		name: o.Name, style: o.Style, chooser: newChooser(o),
		fragment: o.Choice("fragment", "on", "off") == "on",
		warp:     o.Choice("warp", "on", "off") == "on",
		volume:   o.Choice("space", "slice", "volume") == "volume",
		scaled:   o.Choice("scale", "pixel", "image") == "image",
		lines:    o.Int("lines", 1, 1, 100),
		width:    o.Int("width", 1, 1, 99),
	}, nil
}

func (b *scribble) Name() string { return b.name }

func (b *scribble) Prompt(s *Scene, rng *rand.Rand) (Prompt, bool, error) {
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	ok, err := b.choose(s, w, rng)
	if !ok || err != nil {
		return Prompt{}, false, err
	}
	area, place, err := b.canvas(&w.component)
	if err != nil {
		return Prompt{}, false, err
	}
	stroke, err := b.draw(area, rng)
	if err != nil {
		return Prompt{}, false, err
	}
	p := Prompt{Kind: Scribble, User: b.name}
	for q := range stroke.All() {
		at := place(q)
		p.Points = append(p.Points, s.Truth.Coords(at))
		p.Labels = append(p.Labels, s.label(at))
	}
	return p, true, nil
}

// canvas cuts the component out with a margin: its best slice in 3-D, its box
// otherwise. place leads from the canvas back to the image.
func (b *scribble) canvas(c *mask.Mask) (area *mask.Mask, place func(mask.Point) mask.Point, err error) {
	if c.NDim() == 2 || b.volume {
		area, from, err := crop(c, fieldMargin)
		return area, func(p mask.Point) mask.Point { return add(p, from) }, err
	}
	axis, index := bestSlice(c)
	var plane mask.Mask
	if err := plane.Slice(c, axis, index); err != nil {
		return nil, nil, err
	}
	area, from, err := crop(&plane, fieldMargin)
	return area, func(p mask.Point) mask.Point { return mask.Lift(add(p, from), axis, index) }, err
}

// bestSlice returns the axis of the coarsest spacing (the last of several) and
// the slice along it that holds most of m (the first of several).
func bestSlice(m *mask.Mask) (axis, index int) {
	spacing := m.Spacing()
	for a, s := range spacing {
		if s >= spacing[axis] {
			axis = a
		}
	}
	counts := m.SliceCounts(axis)
	for i, n := range counts {
		if n > counts[index] {
			index = i
		}
	}
	return axis, index
}

func add(p, q mask.Point) mask.Point {
	return mask.Point{p[0] + q[0], p[1] + q[1], p[2] + q[2]}
}

// crop returns the part of m around its voxels, grown by margin within the
// image, and where it begins.
func crop(m *mask.Mask, margin int) (*mask.Mask, mask.Point, error) {
	b, shape, first := m.Box(), m.Shape(), 3-m.NDim()
	for a := first; a < 3; a++ {
		b.Min[a], b.Max[a] = max(0, b.Min[a]-margin), min(shape[a], b.Max[a]+margin)
	}
	size := b.Size()
	out, err := mask.New(size[first:], m.Spacing())
	if err != nil {
		return nil, mask.Point{}, err
	}
	for p := range m.All() {
		out.Set(mask.Point{p[0] - b.Min[0], p[1] - b.Min[1], p[2] - b.Min[2]}, true)
	}
	return out, b.Min, nil
}

// draw makes a stroke inside area: the bare line, broken, bent, and each step
// undone that would leave nothing (ScribblePrompt's order of fallbacks).
func (b *scribble) draw(area *mask.Mask, rng *rand.Rand) (*mask.Mask, error) {
	f := b.factor(area)
	line, err := b.bare(area, f, rng)
	if err != nil {
		return nil, err
	}
	if b.fragment {
		if line, err = fragment(line, uniform(rng, fragmentSigma)*f, rng); err != nil {
			return nil, err
		}
	}
	if b.warp {
		if line, err = bend(line, area, uniform(rng, warpSigma)*f, uniform(rng, warpMagnitude)*f, rng); err != nil {
			return nil, err
		}
	}
	if b.width > 1 {
		wide := new(mask.Mask)
		wide.Dilate(line, b.width/2, true)
		line = wide
	}
	return line, line.And(line, area)
}

// factor scales the ranges from a 128-pixel image to this one.
func (b *scribble) factor(area *mask.Mask) float64 {
	if !b.scaled {
		return 1
	}
	side := area.Dims()[0]
	for _, d := range area.Dims() {
		side = min(side, d)
	}
	return float64(side) / scaleSide
}

// bare returns the unbroken line of the style, inside area and not empty.
func (b *scribble) bare(area *mask.Mask, f float64, rng *rand.Rand) (*mask.Mask, error) {
	switch b.style {
	case "centerline":
		return skeleton(area)
	case "boundary":
		return level(area, uniform(rng, contourSigma)*f, rng)
	}
	out := area.Like()
	n := area.Count()
	for range b.lines {
		from, _ := area.Nth(rng.IntN(n))
		to, _ := area.Nth(rng.IntN(n))
		out.DrawLine(from, to)
	}
	return out, out.And(out, area) // both ends of a line lie inside
}

// skeleton thins area (Zhang-Suen in 2-D, Lee in 3-D). Thinning can eat blocks
// of two by two whole; then one deepest voxel is left.
func skeleton(area *mask.Mask) (*mask.Mask, error) {
	out := area.Like()
	var s mask.Skeleton
	err := s.Thin(out, area)
	if err == nil && out.Empty() {
		var d mask.EDT
		d.Inside(area)
		out.Set(d.Maxima(nil)[0], true)
	}
	return out, err
}

// level draws the inner border of {blurred background <= t}, t uniform over
// the values inside: the border itself, or a line parallel to it further in.
func level(area *mask.Mask, sigma float64, rng *rand.Rand) (*mask.Mask, error) {
	var g mask.Gray
	g.FromMask(area)
	g.Gaussian(sigma, contourRadius)
	lo, hi := g.Range(area) // of the foreground: the background's complement
	t := lo + float32(rng.Float64())*(hi-lo)
	inner := area.Clone()
	if err := inner.Select(&g, func(v float32) bool { return v >= t }); err != nil {
		return nil, err
	}
	out := new(mask.Mask)
	if area.NDim() == 2 {
		out.Border8(inner)
	} else {
		out.Border(inner)
	}
	return out, nil
}

// fragment keeps the line where smooth noise is positive, about half of it;
// all of it where nothing would be left.
func fragment(line *mask.Mask, sigma float64, rng *rand.Rand) (*mask.Mask, error) {
	var g mask.Gray
	g.Noise(line.Shape(), rng)
	g.Gaussian(sigma, -1)
	out := line.Clone()
	if err := out.Select(&g, func(v float32) bool { return v > 0 }); err != nil {
		return nil, err
	}
	if out.Empty() {
		return line, nil
	}
	return out, nil
}

// bend displaces the line smoothly and keeps what stays inside area; the line
// as it was where nothing does.
func bend(line, area *mask.Mask, sigma, magnitude float64, rng *rand.Rand) (*mask.Mask, error) {
	var w mask.Warp
	var g mask.Gray
	w.Draw(line.Shape(), sigma, magnitude, rng)
	out := new(mask.Mask)
	if err := w.WarpMask(out, line, &g); err != nil {
		return nil, err
	}
	if err := out.And(out, area); err != nil {
		return nil, err
	}
	if out.Empty() {
		return line, nil
	}
	return out, nil
}

func uniform(rng *rand.Rand, r [2]float64) float64 { return r[0] + (r[1]-r[0])*rng.Float64() }

package robot

import (
	"fmt"
	"math/rand/v2"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

func init() {
	about := map[string]string{
		"center":   "the voxel farthest from the component's border (maximum of its distance transform)",
		"boundary": "a voxel of the component's inner border (distance 1)",
		"random":   "any voxel of the component",
	}
	for _, component := range []string{"largest", "random"} {
		for _, style := range []string{"center", "boundary", "random"} {
			options := chooserOptions
			if style == "center" {
				options = append([]string{"tie", "units"}, options...)
			}
			Register("click:"+component+":"+style, about[style]+" of the "+component+" component", options, newClick)
		}
	}
	Register("click:edtmax:first", "the first voxel farthest from the border of the false negatives or the false positives, "+
		"whichever reaches deeper (RITM, f-BRS)", nil, func(o *Options) (User, error) { return edtMax{o.Name}, nil })
}

// click points once at a component of the region. Definitions: EVAL, "Centre"
// and "Boundary": distances within the chosen component alone, outside of the
// image is background, axes of size 1 bound nothing, voxel units.
type click struct {
	name  string
	style string
	chooser
	mm    bool // center: distances in mm
	first bool // center: the first of several maxima in C order, not a random one
}

func newClick(o *Options) (User, error) {
	c := &click{name: o.Name, style: o.Style, chooser: newChooser(o)}
	if o.Style == "center" {
		c.mm = o.Choice("units", "voxel", "mm") == "mm"
		c.first = o.Choice("tie", "random", "first") == "first"
	}
	return c, nil
}

func (c *click) Name() string { return c.name }

func (c *click) Prompt(s *Scene, rng *rand.Rand) (Prompt, bool, error) {
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	ok, err := c.choose(s, w, rng)
	if !ok || err != nil {
		return Prompt{}, false, err
	}
	var p mask.Point
	switch c.style {
	case "center":
		p = c.center(w, rng)
	case "boundary":
		p = nth(innerBorder(&w.component, w), rng)
	default:
		p = nth(&w.component, rng)
	}
	return clickAt(c.name, s, p), true, nil
}

func clickAt(name string, s *Scene, p mask.Point) Prompt {
	return Prompt{Kind: Click, User: name, Points: []Point{s.Truth.Coords(p)}, Labels: []int{s.label(p)}}
}

// nth draws a set voxel, each equally likely; m is not empty.
func nth(m *mask.Mask, rng *rand.Rand) mask.Point {
	p, _ := m.Nth(rng.IntN(m.Count()))
	return p
}

func (c *click) center(w *scratch, rng *rand.Rand) mask.Point {
	if c.mm {
		w.edtmm.Inside(&w.component)
		w.points = w.edtmm.Maxima(w.points[:0])
	} else {
		w.edt.Inside(&w.component)
		w.points = w.edt.Maxima(w.points[:0])
	}
	if c.first || len(w.points) == 1 {
		return w.points[0]
	}
	return w.points[rng.IntN(len(w.points))]
}

// innerBorder returns the voxels of m at distance 1, the minimum inside. Axes
// of size 1 do not bound a component; erosion counts them, distances do not.
func innerBorder(m *mask.Mask, w *scratch) *mask.Mask {
	flat := false
	for _, d := range m.Dims() {
		flat = flat || d == 1
	}
	if !flat {
		w.tmp.Border(m)
		return &w.tmp
	}
	w.edt.Inside(m)
	w.tmp.ResetLike(m)
	for p := range m.All() {
		if w.edt.At(p) == 1 {
			w.tmp.Set(p, true)
		}
	}
	return &w.tmp
}

// edtMax is the click of RITM and f-BRS: no components; false negatives win
// only if they reach strictly deeper.
type edtMax struct{ name string }

func (e edtMax) Name() string { return e.name }

func (e edtMax) Prompt(s *Scene, _ *rand.Rand) (Prompt, bool, error) {
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	region := s.union()
	fp := region.Like()
	if err := w.component.And(region, s.Truth); err != nil {
		return Prompt{}, false, fmt.Errorf("region and truth: %w", err)
	}
	if err := fp.AndNot(region, s.Truth); err != nil {
		return Prompt{}, false, fmt.Errorf("region and truth: %w", err)
	}
	best, at := deepest(&w.component, s.Taken, w)
	if other, p := deepest(fp, s.Taken, w); other >= best {
		best, at = other, p
	}
	if best == 0 {
		return Prompt{}, false, nil
	}
	return clickAt(e.name, s, at), true, nil
}

// deepest returns the largest squared distance within m and the first voxel
// that has it. Taken voxels bound nothing: only their own distance is struck
// out, as RITM's not_clicked_map does.
func deepest(m *mask.Mask, taken []mask.Point, w *scratch) (int, mask.Point) {
	w.edt.Inside(m)
	if len(taken) == 0 {
		if w.points = w.edt.Maxima(w.points[:0]); len(w.points) > 0 {
			return w.edt.Max(), w.points[0]
		}
		return 0, mask.Point{}
	}
	out := make(map[mask.Point]bool, len(taken))
	for _, p := range taken {
		out[p] = true
	}
	best, at := 0, mask.Point{}
	for p := range m.All() {
		if d := w.edt.At(p); d > best && !out[p] {
			best, at = d, p
		}
	}
	return best, at
}

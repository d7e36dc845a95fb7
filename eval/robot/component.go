package robot

import (
	"math/rand/v2"
	"sync"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// scratch is the working memory of one prompt. Users are immutable, so it is
// pooled and not kept in them.
type scratch struct {
	labels    []mask.Labeling // one a region of the scene
	component mask.Mask
	tmp       mask.Mask
	edt       mask.EDT
	edtmm     mask.EDTmm
	points    []mask.Point
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// chooser picks one connected component of a scene's region.
type chooser struct {
	component    string // "largest", "random" or "all"
	connectivity int    // 0: full
	byArea       bool   // a random component is as likely as it is large
}

// chooserOptions are the options of every user that picks a component.
var chooserOptions = []string{"connectivity", "weights"}

func newChooser(o *Options) chooser {
	c := chooser{component: o.Component}
	if v := o.Choice("connectivity", "full", "4", "8", "6", "18", "26"); v != "full" {
		c.connectivity = o.Int("connectivity", 0, 4, 26)
	}
	c.byArea = o.Choice("weights", "uniform", "area") == "area"
	return c
}

// choose leaves the picked component in w.component; false where the region is
// empty. Ties for the largest go to the lowest first voxel in C order.
func (c chooser) choose(s *Scene, w *scratch, rng *rand.Rand) (bool, error) {
	region := s.free()
	if c.component == "all" {
		u := (&Scene{Region: region, Truth: s.Truth}).union()
		w.component.CopyFrom(u)
		return !u.Empty(), nil
	}
	for len(w.labels) < len(region) {
		w.labels = append(w.labels, mask.Labeling{})
	}
	conn := mask.FullConnectivity(s.Truth.NDim())
	if c.connectivity != 0 {
		conn = mask.Connectivity(c.connectivity)
	}
	total := 0
	for i, m := range region {
		if err := w.labels[i].Label(m, conn); err != nil {
			return false, err
		}
		total += w.labels[i].Len()
	}
	if total == 0 {
		return false, nil
	}
	r, i := c.pick(w.labels[:len(region)], total, rng)
	w.labels[r].Draw(i, &w.component)
	return true, nil
}

// pick returns a region and a component of it.
func (c chooser) pick(labels []mask.Labeling, total int, rng *rand.Rand) (region, component int) {
	switch {
	case c.component == "largest":
		return largest(labels)
	case c.byArea:
		voxels := 0
		each(labels, func(_, _ int, p mask.Component) bool { voxels += p.Size; return true })
		n := rng.IntN(voxels)
		each(labels, func(r, i int, p mask.Component) bool {
			region, component = r, i
			n -= p.Size
			return n >= 0
		})
		return region, component
	}
	n := rng.IntN(total)
	each(labels, func(r, i int, _ mask.Component) bool {
		region, component = r, i
		n--
		return n >= 0
	})
	return region, component
}

// each calls f for every component until it returns false.
func each(labels []mask.Labeling, f func(region, i int, c mask.Component) bool) {
	for r := range labels {
		for i := range labels[r].Len() {
			if !f(r, i, labels[r].Component(i)) {
				return
			}
		}
	}
}

func largest(labels []mask.Labeling) (region, component int) {
	var best mask.Component
	for r := range labels {
		i := labels[r].Largest()
		if i < 0 {
			continue
		}
		c := labels[r].Component(i)
		if best.Size == 0 || c.Size > best.Size || c.Size == best.Size && before(c.First, best.First) {
			best, region, component = c, r, i
		}
	}
	return region, component
}

// before tells whether a comes first in C order.
func before(a, b mask.Point) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// free is the region without the points that are not to be offered again.
func (s *Scene) free() []*mask.Mask {
	if len(s.Taken) == 0 {
		return s.Region
	}
	out := make([]*mask.Mask, len(s.Region))
	for i, m := range s.Region {
		c := m.Clone()
		for _, p := range s.Taken {
			c.Set(p, false)
		}
		out[i] = c
	}
	return out
}

// label is 1 where p marks foreground and 0 where background.
func (s *Scene) label(p mask.Point) int {
	if s.Truth.At(p) {
		return 1
	}
	return 0
}

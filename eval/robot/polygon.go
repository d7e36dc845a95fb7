package robot

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// polygonVertices is how many corners a person clicks around an object.
const polygonVertices = 16

func init() {
	about := map[string]string{
		"even": "a polygon of n border pixels at equal distances, starting anywhere",
		"iid":  "a polygon of n border pixels drawn independently",
	}
	for style, text := range about {
		for _, component := range []string{"largest", "random"} {
			Register("polygon:"+component+":"+style, text+", around the "+component+" component (2-D only)",
				append([]string{"n"}, chooserOptions...), newPolygon)
		}
	}
}

// polygon outlines a component by vertices on its outer border, in order
// around it. It is simple (no two sides cross) unless the component is a bare
// line.
type polygon struct {
	name, style string
	chooser
	n int
}

func newPolygon(o *Options) (User, error) {
	return &polygon{o.Name, o.Style, newChooser(o), o.Int("n", polygonVertices, 3, 1000)}, nil
}

func (g *polygon) Name() string { return g.name }

func (g *polygon) Prompt(s *Scene, rng *rand.Rand) (Prompt, bool, error) {
	if n := s.Truth.NDim(); n != 2 {
		return Prompt{}, false, fmt.Errorf("%w: %s draws polygons in 2-D only, the mask has %d axes", ErrDims, g.name, n)
	}
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	ok, err := g.choose(s, w, rng)
	if !ok || err != nil {
		return Prompt{}, false, err
	}
	contour, err := mask.Contour(&w.component)
	if err != nil {
		return Prompt{}, false, err
	}
	var corners []mask.Point
	if g.style == "even" {
		corners = mask.EqualArc(contour, g.n, rng.Float64())
	} else {
		corners = independent(contour, g.n, rng)
	}
	p := Prompt{Kind: Polygon, User: g.name}
	for _, c := range untangle(unique(corners)) {
		p.Points = append(p.Points, s.Truth.Coords(c))
	}
	return p, true, nil
}

// independent draws n contour pixels, each equally likely, and sorts them
// along the contour.
func independent(contour []mask.Point, n int, rng *rand.Rand) []mask.Point {
	if len(contour) <= n {
		return contour
	}
	at := make([]int, n)
	for i := range at {
		at[i] = rng.IntN(len(contour))
	}
	slices.Sort(at)
	out := make([]mask.Point, 0, n)
	for _, i := range slices.Compact(at) {
		out = append(out, contour[i])
	}
	return out
}

// unique drops the second visits that a contour pays to one-pixel-wide parts.
func unique(points []mask.Point) []mask.Point {
	seen := make(map[mask.Point]bool, len(points))
	var out []mask.Point
	for _, p := range points {
		if !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}

// untangle reverses the path between crossing sides until none cross. Every
// reversal shortens the outline, so it ends; the bound guards against rounding
// only.
func untangle(p []mask.Point) []mask.Point {
	p = slices.Clone(p)
	for range len(p) * len(p) {
		i, j, ok := crossing(p)
		if !ok {
			break
		}
		slices.Reverse(p[i+1 : j+1])
	}
	return p
}

// crossing returns two sides (i, i+1), (j, j+1) that meet other than at a
// shared corner.
func crossing(p []mask.Point) (i, j int, ok bool) {
	n := len(p)
	for i := 0; i < n; i++ {
		for j := i + 2; j < n; j++ {
			if (j+1)%n == i {
				continue
			}
			if meet(p[i], p[i+1], p[j], p[(j+1)%n]) {
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

// meet tells whether the segments ab and cd cross properly.
func meet(a, b, c, d mask.Point) bool {
	return turn(a, b, c)*turn(a, b, d) < 0 && turn(c, d, a)*turn(c, d, b) < 0
}

// turn is the sign of the area of the triangle abc.
func turn(a, b, c mask.Point) int {
	v := (b[1]-a[1])*(c[2]-a[2]) - (b[2]-a[2])*(c[1]-a[1])
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

package mask

import (
	"fmt"
	"math"
)

// moore is the eight neighbors (axis 1, axis 2) clockwise from the left.
var moore = [8][2]int{{0, -1}, {-1, -1}, {-1, 0}, {-1, 1}, {0, 1}, {1, 1}, {1, 0}, {1, -1}}

// Contour follows the outer border of the component of m that holds its first
// voxel in C order and returns the pixel centers, clockwise from that voxel,
// each an 8-neighbor of the one before it, the last of the first. Where the
// component is one pixel wide, pixels come twice, there and back. m is 2-D and
// holds one component (others are not seen); an empty mask has no contour.
func Contour(m *Mask) ([]Point, error) {
	if m.nd != 2 {
		return nil, fmt.Errorf("%w: a contour needs 2 axes, not %d", ErrShape, m.nd)
	}
	start, ok := m.Nth(0)
	if !ok {
		return nil, nil
	}
	// The pixel to the left of the first one in C order is background.
	path, at, from := []Point{start}, start, 0
	first := -1
	for {
		dir := -1
		for k := 1; k <= 8; k++ {
			d := (from + k) & 7
			if m.At(Point{0, at[1] + moore[d][0], at[2] + moore[d][1]}) {
				dir = d
				break
			}
		}
		switch {
		case dir < 0: // a single pixel
			return path, nil
		case at == start && dir == first: // Jacob's criterion: as it began
			return path[:len(path)-1], nil
		case first < 0:
			first = dir
		}
		at = Point{0, at[1] + moore[dir][0], at[2] + moore[dir][1]}
		path = append(path, at)
		// Go on from the background pixel last seen, as the new pixel sees it.
		from = (dir + 6 - dir&1) & 7
	}
}

// EqualArc returns n points of a closed contour, equally spaced in arc length
// (1 along axes, √2 diagonally), the first at the fraction phase of one
// interval, each the contour pixel nearest along the arc. A contour of at most
// n pixels is returned whole. Neighboring results never coincide, so fewer
// than n can come back where the contour is hardly longer.
func EqualArc(contour []Point, n int, phase float64) []Point {
	if len(contour) <= n || n < 1 {
		return append([]Point(nil), contour...)
	}
	arc := make([]float64, len(contour)+1)
	for i, p := range contour {
		q := contour[(i+1)%len(contour)]
		arc[i+1] = arc[i] + math.Hypot(float64(p[1]-q[1]), float64(p[2]-q[2]))
	}
	total := arc[len(contour)]
	out := make([]Point, 0, n)
	i := 0
	for k := range n {
		t := (float64(k) + phase) * total / float64(n)
		for i < len(contour) && (arc[i]+arc[i+1])/2 < t {
			i++
		}
		p := contour[i%len(contour)]
		if len(out) > 0 && (p == out[len(out)-1] || p == out[0]) {
			continue
		}
		out = append(out, p)
	}
	return out
}

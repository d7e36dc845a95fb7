package format

import (
	"context"
	"math"
	"slices"
)

// edge is a side of a polygon, from its lower y to its higher.
type edge struct{ x0, y0, x1, y1 float64 }

// edgesOf lists the sides that cross rows 0 to rows-1, by their lower y.
func edgesOf(polygons [][][2]float64, rows int) []edge {
	var out []edge
	for _, p := range polygons {
		for i, b := range p {
			a := p[(i+len(p)-1)%len(p)]
			if a[1] > b[1] {
				a, b = b, a
			}
			if math.Ceil(a[1]) < b[1] && b[1] > 0 && a[1] <= float64(rows-1) {
				out = append(out, edge{a[0], a[1], b[0], b[1]})
			}
		}
	}
	slices.SortFunc(out, func(a, b edge) int { return cmpFloat(a.y0, b.y0) })
	return out
}

// fill sets the pixels whose centres lie within an odd number of polygons. It
// goes row by row with the sides that cross the row; a side holds its lower end
// and not its higher, and a run its left end and not its right.
func (v view) fill(ctx context.Context, dst []byte, polygons [][][2]float64) error {
	edges := edgesOf(polygons, v.size[1])
	if len(edges) == 0 {
		return nil
	}
	var active []edge
	var cross []float64
	for y := max(0, int(math.Ceil(edges[0].y0))); y < v.size[1] && (len(active) > 0 || len(edges) > 0); y++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		at := float64(y)
		for len(edges) > 0 && edges[0].y0 <= at {
			active, edges = append(active, edges[0]), edges[1:]
		}
		active = slices.DeleteFunc(active, func(e edge) bool { return e.y1 <= at })
		cross = cross[:0]
		for _, e := range active {
			x := e.x0 + (at-e.y0)/(e.y1-e.y0)*(e.x1-e.x0)
			cross = append(cross, math.Round(x*grain)/grain)
		}
		slices.Sort(cross)
		for i := 0; i+1 < len(cross); i += 2 {
			v.run(dst, y, cross[i], cross[i+1])
		}
	}
	return nil
}

// run sets the pixels of row y from x0 to before x1.
func (v view) run(dst []byte, y int, x0, x1 float64) {
	first := max(0, math.Ceil(x0))
	last := min(float64(v.size[0]), math.Ceil(x1))
	if !(first < last) {
		return
	}
	if v.mirror[1] {
		y = v.size[1] - 1 - y
	}
	for x := int(first); x < int(last); x++ {
		i := x
		if v.mirror[0] {
			i = v.size[0] - 1 - x
		}
		dst[y*v.stride[1]+i*v.stride[0]] = 1
	}
}

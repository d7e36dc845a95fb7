package format

import (
	"context"
	"math"
)

// fill sets the pixels whose centres lie within an odd number of polygons. Each
// side turns the parity of all pixels to its right, in the rows that it crosses;
// a side holds its lower end and not its higher, and a run of pixels its left
// end and not its right.
func (v view) fill(ctx context.Context, dst []byte, polygons [][][2]float64) error {
	w, h := v.size[0], v.size[1]
	first, last := h, -1
	rows := func(a, b [2]float64) (from, to int) { // a lies below b
		return int(math.Max(0, math.Ceil(a[1]))), int(math.Min(float64(h-1), math.Ceil(b[1])-1))
	}
	sides := func(f func(a, b [2]float64)) {
		for _, p := range polygons {
			for i, b := range p {
				a := p[(i+len(p)-1)%len(p)]
				if a[1] > b[1] {
					a, b = b, a
				}
				f(a, b)
			}
		}
	}
	sides(func(a, b [2]float64) {
		if from, to := rows(a, b); from <= to {
			first, last = min(first, from), max(last, to)
		}
	})
	if first > last {
		return nil
	}
	turns := make([]byte, (last-first+1)*(w+1))
	sides(func(a, b [2]float64) {
		from, to := rows(a, b)
		for y := from; y <= to; y++ {
			x := a[0] + (float64(y)-a[1])/(b[1]-a[1])*(b[0]-a[0])
			x = math.Ceil(math.Round(x*grain) / grain)
			turns[(y-first)*(w+1)+int(math.Max(0, math.Min(float64(w), x)))] ^= 1
		}
	})
	for y := first; y <= last; y++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		v.row(dst, y, turns[(y-first)*(w+1):][:w])
	}
	return nil
}

// row sets the pixels of row y where the parity is odd.
func (v view) row(dst []byte, y int, turns []byte) {
	at, step := y*v.stride[1], v.stride[0]
	if v.mirror[1] {
		at = (v.size[1] - 1 - y) * v.stride[1]
	}
	if v.mirror[0] {
		at, step = at+(v.size[0]-1)*step, -step
	}
	in := byte(0)
	for _, t := range turns {
		in ^= t
		dst[at] |= in
		at += step
	}
}

package format

import (
	"context"
	"math"
	"slices"
)

// A contour within another is a hole. Where two overlap in part the even-odd
// rule cuts out what they share, which is right for contours that were meant so
// (CLOSEDPLANAR_XOR) and not for pieces that were to be united: a user should
// know.

// maxOverlap bounds the contours of a plane that are compared: one bit each.
const maxOverlap = 64

// box is the pixels around a contour: from x0, y0 to before x1, y1.
type box struct{ x0, y0, x1, y1 int }

func (v view) boxOf(points [][2]float64) box {
	lo, hi := points[0], points[0]
	for _, p := range points {
		for k := range 2 {
			lo[k], hi[k] = math.Min(lo[k], p[k]), math.Max(hi[k], p[k])
		}
	}
	at := func(x float64, n int) int { return int(math.Max(0, math.Min(float64(n), math.Ceil(x)))) }
	return box{at(lo[0], v.size[0]), at(lo[1], v.size[1]), at(hi[0]+1, v.size[0]), at(hi[1]+1, v.size[1])}
}

func (b box) meets(o box) bool { return b.x0 < o.x1 && o.x0 < b.x1 && b.y0 < o.y1 && o.y0 < b.y1 }

// overlaps counts the pairs of contours of a plane that share pixels although
// neither lies within the other.
func (v view) overlaps(ctx context.Context, contours [][][2]float64) (int, error) {
	var boxes []box
	around := box{v.size[0], v.size[1], 0, 0}
	chosen := contours[:0:0]
	if len(contours) > maxOverlap {
		contours = contours[:maxOverlap]
	}
	all := make([]box, len(contours))
	for i, c := range contours {
		all[i] = v.boxOf(c)
	}
	for i, b := range all {
		if slices.ContainsFunc(all, func(o box) bool { return o != b && b.meets(o) }) {
			chosen, boxes = append(chosen, contours[i]), append(boxes, b)
			around = box{min(around.x0, b.x0), min(around.y0, b.y0), max(around.x1, b.x1), max(around.y1, b.y1)}
		}
	}
	if len(chosen) < 2 {
		return 0, nil
	}
	w, h := around.x1-around.x0, around.y1-around.y0
	part := view{size: [3]int{w, h, 1}, stride: [3]int{1, w, w * h}}
	in, one := make([]uint64, w*h), make([]byte, w*h)
	for k, c := range chosen {
		moved := make([][2]float64, len(c))
		for i, p := range c {
			moved[i] = [2]float64{p[0] - float64(around.x0), p[1] - float64(around.y0)}
		}
		clear(one)
		if err := part.fill(ctx, one, [][][2]float64{moved}); err != nil {
			return 0, err
		}
		for y := boxes[k].y0 - around.y0; y < boxes[k].y1-around.y0; y++ {
			for x := boxes[k].x0 - around.x0; x < boxes[k].x1-around.x0; x++ {
				in[y*w+x] |= uint64(one[y*w+x]) << k
			}
		}
	}
	patterns := map[uint64]bool{}
	last := uint64(0)
	for _, p := range in {
		if p != last {
			patterns[p], last = true, p
		}
	}
	pairs := 0
	for i := range chosen {
		for j := range i {
			both, first, second := false, false, false
			for p := range patterns {
				a, b := p>>i&1 == 1, p>>j&1 == 1
				both, first, second = both || a && b, first || a && !b, second || b && !a
			}
			if both && first && second {
				pairs++
			}
		}
	}
	return pairs, nil
}

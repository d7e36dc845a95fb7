package mask

import "fmt"

// Skeleton thins masks to lines of one voxel. Reuse one for many; the zero
// value is ready.
type Skeleton struct {
	a, b   Mask
	border []Point
}

// Thin makes dst the skeleton of src: Zhang-Suen in 2-D, Lee in 3-D.
func (s *Skeleton) Thin(dst, src *Mask) error {
	if src.nd == 2 {
		return s.ZhangSuen(dst, src)
	}
	return s.Lee(dst, src)
}

// ZhangSuen makes dst the skeleton of a 2-D src (T. Y. Zhang and C. Y. Suen, A
// Fast Parallel Algorithm for Thinning Digital Patterns, 1984). 64 pixels are
// decided at a time. What the published rules erase altogether (a square of 2x2 pixels)
// keeps its first pixel. dst may be src.
func (s *Skeleton) ZhangSuen(dst, src *Mask) error {
	if src.nd != 2 {
		return fmt.Errorf("%w: Zhang-Suen thinning needs 2 axes, not %d", ErrShape, src.nd)
	}
	s.a.CopyFrom(src)
	s.b.shapeLike(src)
	for changed := true; changed; {
		changed = false
		for second := range 2 {
			if zhangPass(&s.b, &s.a, second == 1) {
				changed = true
			}
			s.a, s.b = s.b, s.a
		}
	}
	dst.CopyFrom(&s.a)
	return nil
}

// zhangPass writes src without the pixels that one sub-iteration deletes and
// tells whether there were any.
func zhangPass(dst, src *Mask, second bool) bool {
	changed := false
	none := make([]uint64, src.stride)
	n := src.dims[1]
	for y := range n {
		north, row, south := none, src.row(y), none
		if y > 0 {
			north = src.row(y - 1)
		}
		if y+1 < n {
			south = src.row(y + 1)
		}
		out := dst.row(y)
		for i, w := range row {
			if w != 0 {
				del := zhangDelete(north, row, south, i, second) & w
				changed = changed || del != 0
				w &^= del
			}
			out[i] = w
		}
	}
	return changed
}

// zhangDelete has a bit for every pixel of word i whose neighbors let it be
// deleted: 2 ≤ B ≤ 6 set neighbors, A = 1 change from unset to set around,
// and the two products of the sub-iteration zero.
func zhangDelete(north, row, south []uint64, i int, second bool) uint64 {
	// p2 … p9 clockwise from north, as in the paper.
	p := [8]uint64{
		north[i], shiftDown(north, i), shiftDown(row, i), shiftDown(south, i),
		south[i], shiftUp(south, i), shiftUp(row, i), shiftUp(north, i),
	}
	var b1, b2, b4, b8 uint64 // B as a binary number
	var one, more uint64      // A: exactly one change, more than one
	for k, v := range p {
		c := b1 & v
		b1 ^= v
		d := b2 & c
		b2 ^= c
		e := b4 & d
		b4 ^= d
		b8 |= e
		rise := ^v & p[(k+1)&7]
		more |= one & rise
		one |= rise
	}
	atLeast2 := b2 | b4 | b8
	atMost6 := ^(b8 | b4&b2&b1)
	n, e, s, w := p[0], p[2], p[4], p[6]
	if second {
		return atLeast2 & atMost6 & one &^ more &^ (n & e & w) &^ (n & s & w)
	}
	return atLeast2 & atMost6 & one &^ more &^ (n & e & s) &^ (e & s & w)
}

package mask

import (
	"fmt"
	"math/bits"
)

// Skeleton thins masks to lines of one voxel. Reuse one for many; the zero
// value is ready.
type Skeleton struct {
	a, b   Mask
	none   []uint64
	border []place
}

// Thin makes dst the skeleton of src: Zhang-Suen in 2-D, Lee in 3-D.
func (s *Skeleton) Thin(dst, src *Mask) error {
	if src.nd == 2 {
		return s.ZhangSuen(dst, src)
	}
	return s.Lee(dst, src)
}

// ZhangSuen makes dst the skeleton of a 2-D src (T. Y. Zhang and C. Y. Suen, A
// Fast Parallel Algorithm for Thinning Digital Patterns, 1984, as
// scikit-image's skeletonize does it). dst may be src.
func (s *Skeleton) ZhangSuen(dst, src *Mask) error {
	if src.nd != 2 {
		return fmt.Errorf("%w: Zhang-Suen thinning needs 2 axes, not %d", ErrShape, src.nd)
	}
	s.a.CopyFrom(src)
	s.b.shapeLike(src)
	s.none = grow(s.none, src.stride)
	clear(s.none)
	for changed := true; changed; {
		changed = false
		for pass := range uint8(2) {
			if s.zhangPass(&s.b, &s.a, 1<<pass) {
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
func (s *Skeleton) zhangPass(dst, src *Mask, pass uint8) bool {
	changed := false
	n := src.dims[1]
	for y := range n {
		north, row, south := s.none, src.row(y), s.none
		if y > 0 {
			north = src.row(y - 1)
		}
		if y+1 < n {
			south = src.row(y + 1)
		}
		out := dst.row(y)
		for i, w := range row {
			out[i] = w
			if w == 0 {
				continue
			}
			// A pixel between four others always stays.
			for edge := w &^ (shiftUp(row, i) & shiftDown(row, i) & north[i] & south[i]); edge != 0; edge &= edge - 1 {
				b := bits.TrailingZeros64(edge)
				x := i<<6 + b
				code := three(north, x) | three(row, x)<<3 | three(south, x)<<6
				if zhangTable[code]&pass != 0 {
					out[i] &^= 1 << b
					changed = true
				}
			}
		}
	}
	return changed
}

// zhangTable says in which sub-iterations (bit 0 the first, bit 1 the second)
// a pixel is deleted; the index has the 3x3 neighborhood row by row, lowest
// bit first, the pixel itself in bit 4.
var zhangTable = func() (table [512]uint8) {
	for code := range table {
		if code>>4&1 != 0 {
			table[code] = zhangRule(code)
		}
	}
	for _, e := range zhangExceptions {
		table[e.code] = e.passes
	}
	return table
}()

// zhangRule is the rule of the paper: 2 to 6 set neighbors, one change from
// unset to set around, and the two products of each sub-iteration zero.
func zhangRule(code int) uint8 {
	var p [8]int // north first, clockwise: p2 … p9 of the paper
	for i, at := range [8]int{1, 2, 5, 8, 7, 6, 3, 0} {
		p[i] = code >> at & 1
	}
	set, changes := 0, 0
	for i, v := range p {
		set += v
		changes += (1 - v) * p[(i+1)&7]
	}
	if set < 2 || set > 6 || changes != 1 {
		return 0
	}
	n, e, s, w := p[0], p[2], p[4], p[6]
	var passes uint8
	if n*e*s == 0 && e*s*w == 0 {
		passes |= 1
	}
	if n*e*w == 0 && n*s*w == 0 {
		passes |= 2
	}
	return passes
}

// zhangExceptions are the 25 neighborhoods where scikit-image's table
// (skimage/morphology/_skeletonize_cy.pyx, BSD-3-Clause; numbers only) departs
// from the paper. They keep squares of 2x2 pixels and diagonal ends from
// vanishing and thin stairs.
var zhangExceptions = []struct {
	code   int
	passes uint8
}{
	{0o023, 1}, {0o026, 1}, {0o062, 3}, {0o063, 1}, {0o064, 1},
	{0o066, 1}, {0o460, 2}, {0o462, 2}, {0o260, 3}, {0o620, 0},
	{0o660, 2}, {0o320, 2}, {0o360, 2}, {0o364, 2}, {0o031, 0},
	{0o032, 3}, {0o033, 1}, {0o036, 1}, {0o230, 3}, {0o231, 1},
	{0o630, 2}, {0o130, 2}, {0o132, 1}, {0o136, 1}, {0o330, 2},
}

package mask

import (
	"fmt"
	"math/bits"
)

// Lee makes dst the skeleton of a 3-D src (T. C. Lee, R. L. Kashyap and C. N.
// Chu, Building Skeleton Models via 3-D Medial Surface/Axis Thinning
// Algorithms, 1994): border voxels go, one of six sides after the other, as
// long as they are neither line ends nor needed for the topology. dst may be
// src.
//
// Voxel for voxel it is what scikit-image's skeletonize(method="lee") leaves,
// save that an object's last voxel always stays. There the second look at the
// candidates of a side, which asks only whether the neighbors hang together,
// takes a voxel that has lost all of them as well: a cube of 2x2x2 and some
// other objects two voxels thick vanish.
func (s *Skeleton) Lee(dst, src *Mask) error {
	if src.nd != 3 {
		return fmt.Errorf("%w: Lee thinning needs 3 axes, not %d", ErrShape, src.nd)
	}
	s.a.CopyFrom(src)
	m := &s.a
	// The order of sides is scikit-image's, so that ties fall alike.
	sides := []Point{{0, -1, 0}, {0, 1, 0}, {0, 0, 1}, {0, 0, -1}, {1, 0, 0}, {-1, 0, 0}}
	if m.dims[0] == 1 {
		sides = sides[:4]
	}
	for unchanged := 0; unchanged < len(sides); {
		unchanged = 0
		for _, side := range sides {
			if !s.peel(m, side) {
				unchanged++
			}
		}
	}
	dst.CopyFrom(m)
	return nil
}

// peel deletes what can go on one side and tells whether anything did.
func (s *Skeleton) peel(m *Mask, side Point) bool {
	s.border = s.border[:0]
	n1 := m.dims[1]
	for r := range m.rows() {
		z, y := r/n1, r%n1
		for i, w := range m.row(r) {
			if w == 0 {
				continue
			}
			for w &^= m.neighborWord(z, y, i, side); w != 0; w &= w - 1 {
				p := Point{z, y, i<<6 + bits.TrailingZeros64(w)}
				if n := m.neighborhood(p); bits.OnesCount32(n) != 1 && eulerInvariant(n) && simple(n) {
					s.border = append(s.border, placeOf(r, p[2]))
				}
			}
		}
	}
	// The candidates were judged together; deleting one can make another
	// needed.
	changed := false
	for _, at := range s.border {
		p := at.in(m)
		if n := m.neighborhood(p); n != 0 && simple(n) {
			m.Set(p, false)
			changed = true
		}
	}
	return changed
}

// neighborWord returns word i of the row (z, y) shifted so that each bit is
// the voxel's neighbor on the given side, 0 outside the image.
func (m *Mask) neighborWord(z, y, i int, side Point) uint64 {
	z, y = z+side[0], y+side[1]
	if uint(z) >= uint(m.dims[0]) || uint(y) >= uint(m.dims[1]) {
		return 0
	}
	row := m.row(z*m.dims[1] + y)
	switch side[2] {
	case 1:
		return shiftDown(row, i)
	case -1:
		return shiftUp(row, i)
	}
	return row[i]
}

// neighborhood returns the 26 neighbors of p as bits 9·(dz+1) + 3·(dy+1) +
// dx+1; the center's bit 13 is 0.
func (m *Mask) neighborhood(p Point) uint32 {
	var n uint32
	for dz := -1; dz <= 1; dz++ {
		z := p[0] + dz
		if uint(z) >= uint(m.dims[0]) {
			continue
		}
		for dy := -1; dy <= 1; dy++ {
			y := p[1] + dy
			if uint(y) >= uint(m.dims[1]) {
				continue
			}
			n |= three(m.row(z*m.dims[1]+y), p[2]) << (9*(dz+1) + 3*(dy+1))
		}
	}
	return n &^ (1 << 13)
}

// three returns the bits x-1, x, x+1 of a row as bits 0, 1, 2.
func three(row []uint64, x int) uint32 {
	i, b := x>>6, uint(x)&63
	if b > 0 {
		w := row[i] >> (b - 1)
		if b == 63 && i+1 < len(row) {
			w |= row[i+1] << 1 << 1 & 4
		}
		return uint32(w & 7)
	}
	w := row[i] << 1
	if i > 0 {
		w |= row[i-1] >> 63
	}
	return uint32(w & 7)
}

// cubeParts lists for every corner (8), edge (12) and face (6) of a voxel the
// neighbors that share it.
var cubeParts = func() (parts [26]struct {
	share uint32
	chi   int
}) {
	for k := range 27 {
		at := [3]int{k/9 - 1, k/3%3 - 1, k%3 - 1} // 0: the part spans the axis
		i, dim := k, 3
		if k > 13 {
			i = k - 1
		}
		if k == 13 {
			continue
		}
		for _, v := range at {
			if v != 0 {
				dim--
			}
		}
		parts[i].chi = 1 - 2*(dim&1)
		for n := range 27 {
			to := [3]int{n/9 - 1, n/3%3 - 1, n%3 - 1}
			shares := n != 13
			for axis, v := range at {
				shares = shares && (to[axis] == 0 || to[axis] == v)
			}
			if shares {
				parts[i].share |= 1 << n
			}
		}
	}
	return parts
}()

// eulerInvariant tells whether deleting the center leaves the Euler number of
// the 26-connected object: the parts of its surface that the neighbors cover
// have Euler number 1.
func eulerInvariant(n uint32) bool {
	chi := 0
	for _, part := range cubeParts {
		if n&part.share != 0 {
			chi += part.chi
		}
	}
	return chi == 1
}

// Planes of the 3x3x3 neighborhood, to keep shifts from running over.
const (
	lowX  = 0x1249249 // dx = -1
	lowY  = 0x1c0e07  // dy = -1
	lowZ  = 0x1ff     // dz = -1
	highX = lowX << 2
	highY = lowY << 6
	highZ = lowZ << 18
	cube  = 1<<27 - 1
)

// simple tells whether the neighbors hang together without the center
// (26-connected, at most one part).
func simple(n uint32) bool {
	part := n & -n
	for {
		next := part | part&^highX<<1 | part&^lowX>>1
		next |= next&^highY<<3 | next&^lowY>>3
		next |= next&^highZ<<9 | next&^lowZ>>9
		if next &= n; next == part {
			return part == n
		}
		part = next
	}
}

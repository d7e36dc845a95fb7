package mask

import "math/bits"

// Box is half-open: Min inside, Max one past the last, in array axis order.
type Box struct{ Min, Max Point }

// Size returns the box's side lengths, 0 where it is empty.
func (b Box) Size() [3]int {
	var s [3]int
	for i := range s {
		s[i] = max(0, b.Max[i]-b.Min[i])
	}
	return s
}

// Empty tells whether the box holds no voxel.
func (b Box) Empty() bool {
	return b.Max[0] <= b.Min[0] || b.Max[1] <= b.Min[1] || b.Max[2] <= b.Min[2]
}

// Voxels is the number of voxels in the box.
func (b Box) Voxels() int {
	s := b.Size()
	return s[0] * s[1] * s[2]
}

// Contains tells whether p lies in the box.
func (b Box) Contains(p Point) bool {
	for i, v := range p {
		if v < b.Min[i] || v >= b.Max[i] {
			return false
		}
	}
	return true
}

// Union returns the smallest box around both; an empty one adds nothing.
func (b Box) Union(o Box) Box {
	switch {
	case b.Empty():
		return o
	case o.Empty():
		return b
	}
	for i := range b.Min {
		b.Min[i] = min(b.Min[i], o.Min[i])
		b.Max[i] = max(b.Max[i], o.Max[i])
	}
	return b
}

// Bounds is the box of the whole image.
func (m *Mask) Bounds() Box { return Box{Max: m.dims} }

// Box returns the smallest box around the set voxels, an empty box where
// there are none.
func (m *Mask) Box() Box {
	b := Box{Min: m.dims}
	for r := range m.rows() {
		row := m.row(r)
		lo := 0
		for lo < len(row) && row[lo] == 0 {
			lo++
		}
		if lo == len(row) {
			continue
		}
		hi := len(row) - 1
		for row[hi] == 0 {
			hi--
		}
		z, y := r/m.dims[1], r%m.dims[1]
		b.Min[0], b.Max[0] = min(b.Min[0], z), z+1
		b.Min[1], b.Max[1] = min(b.Min[1], y), max(b.Max[1], y+1)
		b.Min[2] = min(b.Min[2], lo<<6+bits.TrailingZeros64(row[lo]))
		b.Max[2] = max(b.Max[2], hi<<6+bits.Len64(row[hi]))
	}
	if b.Empty() {
		return Box{}
	}
	return b
}

// FillBox sets the voxels of b that lie inside the image.
func (m *Mask) FillBox(b Box) {
	for i := range b.Min {
		b.Min[i] = max(b.Min[i], 0)
		b.Max[i] = min(b.Max[i], m.dims[i])
	}
	if b.Empty() {
		return
	}
	for z := b.Min[0]; z < b.Max[0]; z++ {
		for y := b.Min[1]; y < b.Max[1]; y++ {
			fillRun(m.row(z*m.dims[1]+y), b.Min[2], b.Max[2])
		}
	}
}

// fillRun sets the bits [lo, hi) of a row.
func fillRun(row []uint64, lo, hi int) {
	first, last := lo>>6, (hi-1)>>6
	head := ^uint64(0) << (uint(lo) & 63)
	tail := ^uint64(0) >> (63 - uint(hi-1)&63)
	if first == last {
		row[first] |= head & tail
		return
	}
	row[first] |= head
	for i := first + 1; i < last; i++ {
		row[i] = ^uint64(0)
	}
	row[last] |= tail
}

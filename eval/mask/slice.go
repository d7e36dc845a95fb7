package mask

import "fmt"

// Slice makes dst the 2-D mask of the plane index on axis: its axes are the
// two that remain, in order, with their spacing. src is 3-D.
func (dst *Mask) Slice(src *Mask, axis, index int) error {
	if src.nd != 3 || axis < 0 || axis > 2 || index < 0 || index >= src.dims[axis] {
		return fmt.Errorf("%w: no slice %d on axis %d of %v", ErrShape, index, axis, src.Dims())
	}
	a, b := otherAxes(axis)
	err := dst.Reset([]int{src.dims[a], src.dims[b]}, []float64{src.spacing[a], src.spacing[b]})
	if err != nil {
		return err
	}
	for i := range src.dims[a] {
		for j := range src.dims[b] {
			var p Point
			p[axis], p[a], p[b] = index, i, j
			if src.At(p) {
				dst.Set(Point{0, i, j}, true)
			}
		}
	}
	return nil
}

// Lift returns where the voxel p of a 2-D slice lies in the volume that it was
// cut from.
func Lift(p Point, axis, index int) Point {
	a, b := otherAxes(axis)
	var q Point
	q[axis], q[a], q[b] = index, p[1], p[2]
	return q
}

// otherAxes returns the two axes that are not axis, in order.
func otherAxes(axis int) (int, int) {
	switch axis {
	case 0:
		return 1, 2
	case 1:
		return 0, 2
	}
	return 0, 1
}

// SliceCounts returns the number of set voxels in every plane of an axis
// (0, 1 or 2 as Point counts them).
func (m *Mask) SliceCounts(axis int) []int {
	counts := make([]int, m.dims[axis])
	if axis < 2 {
		for r := range m.rows() {
			z := [2]int{r / m.dims[1], r % m.dims[1]}
			counts[z[axis]] += popcount(m.row(r))
		}
		return counts
	}
	for p := range m.All() {
		counts[p[2]]++
	}
	return counts
}

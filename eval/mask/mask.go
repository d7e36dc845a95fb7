// Package mask holds binary masks of two or three axes and what the robot
// users and the metrics compute from them: components, distance transforms,
// borders, skeletons, smooth fields, warps, contours and lines.
//
// A mask is bit-packed, one row (the last axis) after the other, every row
// padded to whole 64-bit words. Positions are array indices in array axis
// order; "C order" means that the last axis runs fastest. Inside, a 2-D mask
// is a 3-D one whose first axis has size 1; NDim tells the two apart, and
// borders and surface codes differ between them (a single slice of a 3-D mask
// has background above and below).
//
// Everything is pure and deterministic: randomness comes from the *rand.Rand
// that the caller passes. Types with scratch memory (Labeling, EDT, Skeleton
// …) are reused by calling them again and then allocate nothing; they are not
// safe for several goroutines at once, a Mask that nobody writes is.
package mask

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/bits"
)

// Limits of a mask. An axis of at most MaxAxis keeps a squared distance, half
// an axis at most, in 31 bits; MaxVoxels bounds what a header can make us
// allocate (1 GiB of bits).
const (
	MaxAxis   = 1<<16 - 1
	MaxVoxels = 1 << 33
)

var (
	// ErrShape marks axes or a spacing that no mask can have.
	ErrShape = errors.New("bad mask shape")
	// ErrGrid marks masks that should have the same axes and have not.
	ErrGrid = errors.New("masks have different axes")
)

// Point is a position in array axis order, the leading index 0 in 2-D.
type Point [3]int

// Mask is a binary mask. The zero value has no voxels; make one with New.
type Mask struct {
	dims    [3]int
	nd      int
	stride  int // words a row
	spacing [3]float64
	bits    []uint64
}

// New returns an empty mask of 2 or 3 axes, sizes in array order. spacing is
// mm a voxel for each axis in the same order; nil means 1.
func New(dims []int, spacing []float64) (*Mask, error) {
	m := new(Mask)
	if err := m.Reset(dims, spacing); err != nil {
		return nil, err
	}
	return m, nil
}

// Reset gives m new axes and spacing and clears it, reusing its memory.
func (m *Mask) Reset(dims []int, spacing []float64) error {
	nd := len(dims)
	if nd != 2 && nd != 3 {
		return fmt.Errorf("%w: %d axes, want 2 or 3", ErrShape, nd)
	}
	if spacing != nil && len(spacing) != nd {
		return fmt.Errorf("%w: %d spacings for %d axes", ErrShape, len(spacing), nd)
	}
	full, mm, voxels := [3]int{1, 1, 1}, [3]float64{1, 1, 1}, 1
	for i, n := range dims {
		if n < 1 || n > MaxAxis {
			return fmt.Errorf("%w: axis %d has size %d, want 1 to %d", ErrShape, i, n, MaxAxis)
		}
		full[3-nd+i] = n
		voxels *= n
		if spacing == nil {
			continue
		}
		s := math.Abs(spacing[i])
		if !(s > 0) || math.IsInf(s, 0) {
			return fmt.Errorf("%w: axis %d has spacing %v", ErrShape, i, spacing[i])
		}
		mm[3-nd+i] = s
	}
	stride := (full[2] + 63) / 64
	if voxels > MaxVoxels || full[0]*full[1]*stride > MaxVoxels/64 {
		return fmt.Errorf("%w: %v is too large", ErrShape, dims)
	}
	m.dims, m.nd, m.spacing, m.stride = full, nd, mm, stride
	m.bits = grow(m.bits, full[0]*full[1]*stride)
	clear(m.bits)
	return nil
}

// grow returns a slice of length n, s's memory where it suffices. The content
// is undefined.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// Like returns an empty mask with m's axes and spacing.
func (m *Mask) Like() *Mask {
	c := new(Mask)
	c.ResetLike(m)
	return c
}

// ResetLike gives m the axes and spacing of o and clears it, reusing memory.
func (m *Mask) ResetLike(o *Mask) {
	m.shapeLike(o)
	clear(m.bits)
}

// shapeLike is ResetLike without the clearing, for callers that write all.
func (m *Mask) shapeLike(o *Mask) {
	m.dims, m.nd, m.spacing, m.stride = o.dims, o.nd, o.spacing, o.stride
	m.bits = grow(m.bits, o.rows()*o.stride)
}

// Clone returns an independent copy.
func (m *Mask) Clone() *Mask {
	c := new(Mask)
	c.CopyFrom(m)
	return c
}

// CopyFrom makes m equal to o, axes and spacing too, reusing m's memory.
func (m *Mask) CopyFrom(o *Mask) {
	m.shapeLike(o)
	copy(m.bits, o.bits)
}

// Clear unsets every voxel.
func (m *Mask) Clear() { clear(m.bits) }

// NDim is 2 or 3, 0 for the zero Mask.
func (m *Mask) NDim() int { return m.nd }

// Dims returns the axis sizes in array order, NDim of them.
func (m *Mask) Dims() []int { return append([]int(nil), m.dims[3-m.nd:]...) }

// Shape returns the axis sizes with a leading 1 in 2-D, as Point counts.
func (m *Mask) Shape() [3]int { return m.dims }

// Spacing returns mm a voxel, NDim of them in array order.
func (m *Mask) Spacing() []float64 { return append([]float64(nil), m.spacing[3-m.nd:]...) }

// Voxels is the number of voxels.
func (m *Mask) Voxels() int { return m.dims[0] * m.dims[1] * m.dims[2] }

// Diagonal is the distance in mm between the centers of opposite corner
// voxels: the penalty for a distance that is undefined.
func (m *Mask) Diagonal() float64 {
	var sum float64
	for i := 3 - m.nd; i < 3; i++ {
		d := float64(m.dims[i]-1) * m.spacing[i]
		sum += d * d
	}
	return math.Sqrt(sum)
}

// Coords returns p as NDim indices in array order, the external form.
func (m *Mask) Coords(p Point) []int { return append([]int(nil), p[3-m.nd:]...) }

// PointOf returns the Point of NDim indices in array order.
func (m *Mask) PointOf(coords []int) (Point, error) {
	var p Point
	if len(coords) != m.nd {
		return p, fmt.Errorf("%w: %d indices for %d axes", ErrShape, len(coords), m.nd)
	}
	copy(p[3-m.nd:], coords)
	if !m.Contains(p) {
		return p, fmt.Errorf("%w: position %v lies outside %v", ErrShape, coords, m.Dims())
	}
	return p, nil
}

// Contains tells whether p lies inside the image.
func (m *Mask) Contains(p Point) bool {
	return uint(p[0]) < uint(m.dims[0]) && uint(p[1]) < uint(m.dims[1]) && uint(p[2]) < uint(m.dims[2])
}

// At tells whether the voxel at p is set; outside the image none is.
func (m *Mask) At(p Point) bool {
	return m.Contains(p) && m.bits[(p[0]*m.dims[1]+p[1])*m.stride+p[2]>>6]>>(uint(p[2])&63)&1 != 0
}

// Set sets or unsets the voxel at p; outside the image it does nothing.
func (m *Mask) Set(p Point, v bool) {
	if !m.Contains(p) {
		return
	}
	w := &m.bits[(p[0]*m.dims[1]+p[1])*m.stride+p[2]>>6]
	if bit := uint64(1) << (uint(p[2]) & 63); v {
		*w |= bit
	} else {
		*w &^= bit
	}
}

// row returns the words of row r = axis 0 index · axis 1 size + axis 1 index.
func (m *Mask) row(r int) []uint64 { return m.bits[r*m.stride : (r+1)*m.stride : (r+1)*m.stride] }

// rows is the number of rows.
func (m *Mask) rows() int { return m.dims[0] * m.dims[1] }

// Count is the number of set voxels.
func (m *Mask) Count() int { return popcount(m.bits) }

// Empty tells whether no voxel is set.
func (m *Mask) Empty() bool {
	for _, w := range m.bits {
		if w != 0 {
			return false
		}
	}
	return true
}

// Equal tells whether axes and voxels agree; spacing is not compared.
func (m *Mask) Equal(o *Mask) bool {
	if !SameGrid(m, o) {
		return false
	}
	for i, w := range m.bits {
		if w != o.bits[i] {
			return false
		}
	}
	return true
}

// SameGrid tells whether a and b have the same axes.
func SameGrid(a, b *Mask) bool { return a.nd == b.nd && a.dims == b.dims }

// All yields the set voxels in C order.
func (m *Mask) All() iter.Seq[Point] {
	return func(yield func(Point) bool) {
		for r := range m.rows() {
			for i, w := range m.row(r) {
				for ; w != 0; w &= w - 1 {
					x := i<<6 + bits.TrailingZeros64(w)
					if !yield(Point{r / m.dims[1], r % m.dims[1], x}) {
						return
					}
				}
			}
		}
	}
}

// Nth returns the n-th set voxel in C order, counted from 0; false where
// there are not so many. With n drawn from [0, Count) every voxel is equally
// likely.
func (m *Mask) Nth(n int) (Point, bool) {
	if n < 0 {
		return Point{}, false
	}
	for i, w := range m.bits {
		c := bits.OnesCount64(w)
		if n >= c {
			n -= c
			continue
		}
		for ; n > 0; n-- {
			w &= w - 1
		}
		r := i / m.stride
		return Point{r / m.dims[1], r % m.dims[1], i%m.stride<<6 + bits.TrailingZeros64(w)}, true
	}
	return Point{}, false
}

// SetSpacing gives m the spacing of o, which has as many axes; else nothing
// happens.
func (m *Mask) SetSpacing(o *Mask) {
	if m.nd == o.nd {
		m.spacing = o.spacing
	}
}

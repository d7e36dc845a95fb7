package mask

import "math"

// EDT is the exact squared Euclidean distance of every set voxel to the
// nearest unset one, in voxel units. What lies outside the image is
// background, except along axes of size 1, which bound nothing; where every
// axis has size 1 the distance is 1. Reuse one for many masks; the zero value
// is ready.
type EDT struct {
	// Workers is the number of goroutines; 0 means 1. The result does not
	// depend on it.
	Workers int
	field   field[int32]
}

// Inside computes the distances within m. Only the box around the set voxels
// is visited. m is not kept.
func (e *EDT) Inside(m *Mask) { e.field.inside(m, [3]int32{1, 1, 1}, unbounded, e.Workers) }

// unbounded is the square of half of MaxAxis, rounded up, which no distance
// exceeds; the sum of two such values still fits an int32.
const unbounded = 1 << 30

// At returns the squared distance at p, 0 where m is not set.
func (e *EDT) At(p Point) int { return int(e.field.at(p)) }

// Box is the box around the mask's voxels, outside of which At is 0.
func (e *EDT) Box() Box { return e.field.box }

// Max returns the largest squared distance, 0 for an empty mask.
func (e *EDT) Max() int { return int(e.field.max()) }

// Maxima appends every voxel at the largest squared distance, in C order.
func (e *EDT) Maxima(dst []Point) []Point {
	if top := e.field.max(); top > 0 {
		dst = e.field.collect(dst, top)
	}
	return dst
}

// EDTmm is EDT in mm: squared distances as float64, each axis with the mask's
// spacing.
type EDTmm struct {
	Workers int
	field   field[float64]
}

// Inside computes the distances within m. m is not kept.
func (e *EDTmm) Inside(m *Mask) {
	var w [3]float64
	for i, s := range m.spacing {
		w[i] = s * s
	}
	e.field.inside(m, w, math.Inf(1), e.Workers)
}

// At returns the squared distance in mm² at p, 0 where m is not set.
func (e *EDTmm) At(p Point) float64 { return e.field.at(p) }

// Box is the box around the mask's voxels, outside of which At is 0.
func (e *EDTmm) Box() Box { return e.field.box }

// Max returns the largest squared distance, 0 for an empty mask.
func (e *EDTmm) Max() float64 { return e.field.max() }

// tieTolerance is the relative difference of squared distances that rounding
// alone can make; two sums of three products differ by a few 1e-16.
const tieTolerance = 1e-12

// Maxima appends every voxel at the largest distance, ties up to rounding, in
// C order.
func (e *EDTmm) Maxima(dst []Point) []Point {
	if top := e.field.max(); top > 0 {
		dst = e.field.collect(dst, top*(1-tieTolerance))
	}
	return dst
}

package mask

import (
	"math"
	"math/rand/v2"
)

// Warp is a smooth random displacement of every voxel, in voxels, one
// component for each axis of more than one voxel. Reuse one for many draws.
type Warp struct {
	shape [3]int
	by    [3][]float32 // nil along axes of size 1
	tmp   []float32
}

// Draw makes the displacements, each axis on its own (ScribblePrompt's
// voxynth): N(0, 1) on a grid of max(int(size/sigma), 2) points an axis,
// upsampled linearly with the corners aligned, minus its mean and scaled to
// the standard deviation magnitude (voxels).
func (w *Warp) Draw(shape [3]int, sigma, magnitude float64, rng *rand.Rand) {
	w.shape = shape
	var coarse [3]int
	for i, n := range shape {
		coarse[i] = 1
		if n > 1 {
			coarse[i] = min(n, max(int(float64(n)/max(sigma, 1)), 2))
		}
	}
	for axis, n := range shape {
		if n == 1 {
			w.by[axis] = nil
			continue
		}
		w.by[axis] = w.upsample(w.by[axis], coarse, rng)
		scale(w.by[axis], magnitude)
	}
}

// upsample draws the coarse grid and interpolates it axis by axis.
func (w *Warp) upsample(dst []float32, coarse [3]int, rng *rand.Rand) []float32 {
	total := w.shape[0] * w.shape[1] * w.shape[2]
	src := grow(w.tmp, total)[:coarse[0]*coarse[1]*coarse[2]]
	dst = grow(dst, total)
	for i := range src {
		src[i] = float32(rng.NormFloat64())
	}
	have := coarse
	for axis := 2; axis >= 0; axis-- {
		want := have
		want[axis] = w.shape[axis]
		dst = dst[:want[0]*want[1]*want[2]]
		stretch(dst, src, have, want, axis)
		src, dst, have = dst, src[:cap(src)], want
	}
	w.tmp = dst
	return src
}

// stretch interpolates src linearly along one axis, first on first and last
// on last.
func stretch(dst, src []float32, have, want [3]int, axis int) {
	inner := 1
	for _, n := range have[axis+1:] {
		inner *= n
	}
	n, m := have[axis], want[axis]
	for outer := range len(src) / (n * inner) {
		for i := range m {
			pos := 0.0
			if m > 1 {
				pos = float64(i) * float64(n-1) / float64(m-1)
			}
			j := min(int(pos), max(n-2, 0))
			t := float32(pos - float64(j))
			a := src[(outer*n+j)*inner:][:inner]
			b := src[(outer*n+min(j+1, n-1))*inner:][:inner]
			out := dst[(outer*m+i)*inner:][:inner]
			for k := range out {
				out[k] = a[k] + float32(t*(b[k]-a[k]))
			}
		}
	}
}

// scale centers v and gives it the standard deviation magnitude.
func scale(v []float32, magnitude float64) {
	mean, std := moments(v)
	if !(std > 0) {
		clear(v)
		return
	}
	for i, x := range v {
		v[i] = float32((float64(x) - mean) * (magnitude / std))
	}
}

// Apply makes dst the warped src: each voxel takes the linear interpolation of
// src at its displaced position, 0 outside, and the result is rescaled to
// [0, 1]. src has the shape that the warp was drawn for, else ErrGrid.
func (w *Warp) Apply(dst *Gray, src *Mask) error {
	if src.dims != w.shape {
		return ErrGrid
	}
	dst.Reset(w.shape)
	clear(dst.V)
	i := 0
	for z := range w.shape[0] {
		for y := range w.shape[1] {
			for x := range w.shape[2] {
				at := [3]float64{float64(z), float64(y), float64(x)}
				for axis, by := range w.by {
					if by != nil {
						at[axis] += float64(by[i])
					}
				}
				dst.V[i] = float32(src.sample(at))
				i++
			}
		}
	}
	dst.Rescale()
	return nil
}

// sample interpolates m linearly at a position in voxels, 0 outside.
func (m *Mask) sample(at [3]float64) float64 {
	var lo Point
	var t [3]float64
	for i, v := range at {
		f := math.Floor(v)
		if f < -1 || f >= float64(m.dims[i]) {
			return 0
		}
		lo[i], t[i] = int(f), v-f
	}
	sum := 0.0
	for corner := range 8 {
		weight, p := 1.0, lo
		for i := range p {
			if corner>>i&1 != 0 {
				p[i]++
				weight *= t[i]
			} else {
				weight *= 1 - t[i]
			}
		}
		if weight > 0 && m.At(p) {
			sum += weight
		}
	}
	return sum
}

// WarpMask makes dst the mask of src displaced by w: at least one half after
// rescaling. dst may be src.
func (w *Warp) WarpMask(dst, src *Mask, scratch *Gray) error {
	if err := w.Apply(scratch, src); err != nil {
		return err
	}
	nd, spacing := src.nd, src.spacing
	if err := dst.Reset(w.shape[3-nd:], spacing[3-nd:]); err != nil {
		return err
	}
	n := w.shape[2]
	for r := range dst.rows() {
		row := dst.row(r)
		for x, v := range scratch.V[r*n : (r+1)*n] {
			if v >= 0.5 {
				row[x>>6] |= 1 << (uint(x) & 63)
			}
		}
	}
	return nil
}

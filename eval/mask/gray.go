package mask

import (
	"math"
	"math/rand/v2"
)

// Gray is a scalar field on a mask's grid, C order, one float32 a voxel.
// Arithmetic is rounded to float32 at every step, so that the same seed gives
// the same field on every machine.
type Gray struct {
	Shape [3]int
	V     []float32
	tmp   []float32
}

// Reset gives g a new shape, reusing its memory. The values are undefined.
func (g *Gray) Reset(shape [3]int) {
	g.Shape = shape
	g.V = grow(g.V, shape[0]*shape[1]*shape[2])
}

// FromMask makes g 1 where m is set and 0 elsewhere.
func (g *Gray) FromMask(m *Mask) {
	g.Reset(m.dims)
	clear(g.V)
	w := m.dims[2]
	for r := range m.rows() {
		line, row := g.V[r*w:(r+1)*w], m.row(r)
		for lo, hi := nextRun(row, 0); lo != hi; lo, hi = nextRun(row, hi) {
			for x := lo; x < hi; x++ {
				line[x] = 1
			}
		}
	}
}

// Noise fills g with independent draws from N(0, 1), in C order.
func (g *Gray) Noise(shape [3]int, rng *rand.Rand) {
	g.Reset(shape)
	for i := range g.V {
		g.V[i] = float32(rng.NormFloat64())
	}
}

// Gaussian smooths g along every axis of more than one voxel with a kernel of
// the given standard deviation in voxels, cut off at radius voxels and
// normalized to sum 1; outside the image g is 0. A radius below 0 means
// int(3·sigma + 0.5).
func (g *Gray) Gaussian(sigma float64, radius int) {
	if radius < 0 {
		radius = int(3*sigma + 0.5)
	}
	if radius == 0 || !(sigma > 0) {
		return
	}
	kernel := gaussianKernel(sigma, radius)
	g.tmp = grow(g.tmp, len(g.V))
	step := 1
	for axis := 2; axis >= 0; axis-- {
		if n := g.Shape[axis]; n > 1 {
			convolve(g.tmp, g.V, n, step, kernel)
			g.V, g.tmp = g.tmp, g.V
		}
		step *= g.Shape[axis]
	}
}

// gaussianKernel returns the weights for offsets 0 … radius.
func gaussianKernel(sigma float64, radius int) []float32 {
	w := make([]float64, radius+1)
	sum := 0.0
	for k := range w {
		w[k] = math.Exp(-0.5 * float64(k) * float64(k) / (sigma * sigma))
		sum += w[k]
		if k > 0 {
			sum += w[k]
		}
	}
	kernel := make([]float32, radius+1)
	for k := range w {
		kernel[k] = float32(w[k] / sum)
	}
	return kernel
}

// convolve writes the convolution of src along an axis of n values, step
// apart, to dst. It adds whole lines so that memory is read in order.
func convolve(dst, src []float32, n, step int, kernel []float32) {
	if step == 1 {
		for at := 0; at < len(src); at += n {
			convolveLine(dst[at:at+n], src[at:at+n], kernel)
		}
		return
	}
	for at := 0; at < len(src); at += n * step {
		for i := range n {
			out := dst[at+i*step:][:step]
			clear(out)
			for j := max(0, i-len(kernel)+1); j <= min(n-1, i+len(kernel)-1); j++ {
				w := kernel[max(i-j, j-i)]
				for k, v := range src[at+j*step:][:step] {
					out[k] += float32(w * v)
				}
			}
		}
	}
}

func convolveLine(dst, src, kernel []float32) {
	for i := range dst {
		var sum float32
		for j := max(0, i-len(kernel)+1); j <= min(len(src)-1, i+len(kernel)-1); j++ {
			sum += float32(kernel[max(i-j, j-i)] * src[j])
		}
		dst[i] = sum
	}
}

// Standardize shifts and scales g to mean 0 and standard deviation 1; a
// constant field becomes 0.
func (g *Gray) Standardize() {
	mean, std := moments(g.V)
	if !(std > 0) {
		clear(g.V)
		return
	}
	for i, v := range g.V {
		g.V[i] = float32((float64(v) - mean) / std)
	}
}

// moments returns mean and (population) standard deviation.
func moments(v []float32) (mean, std float64) {
	if len(v) == 0 {
		return 0, 0
	}
	for _, x := range v {
		mean += float64(x)
	}
	mean /= float64(len(v))
	for _, x := range v {
		d := float64(x) - mean
		std += float64(d * d)
	}
	return mean, math.Sqrt(std / float64(len(v)))
}

// Rescale maps the range of g to [0, 1]; a constant field stays.
func (g *Gray) Rescale() {
	lo, hi := g.Range(nil)
	if hi <= lo {
		return
	}
	for i, v := range g.V {
		g.V[i] = (v - lo) / (hi - lo)
	}
}

// Range returns the smallest and largest value over the voxels of within, nil
// meaning all; (0, 0) where there are none.
func (g *Gray) Range(within *Mask) (lo, hi float32) {
	lo, hi = float32(math.Inf(1)), float32(math.Inf(-1))
	if within == nil {
		for _, v := range g.V {
			lo, hi = min(lo, v), max(hi, v)
		}
	} else {
		for p := range within.All() {
			v := g.At(p)
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	if lo > hi {
		return 0, 0
	}
	return lo, hi
}

// At returns the value at p, 0 outside the grid.
func (g *Gray) At(p Point) float32 {
	if !(Box{Max: g.Shape}).Contains(p) {
		return 0
	}
	return g.V[(p[0]*g.Shape[1]+p[1])*g.Shape[2]+p[2]]
}

// Select unsets the voxels of m for which keep(value) is false. m has g's
// shape, else ErrGrid.
func (m *Mask) Select(g *Gray, keep func(v float32) bool) error {
	if m.dims != g.Shape {
		return ErrGrid
	}
	for p := range m.All() {
		if !keep(g.V[(p[0]*g.Shape[1]+p[1])*g.Shape[2]+p[2]]) {
			m.Set(p, false)
		}
	}
	return nil
}

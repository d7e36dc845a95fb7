package convertcore

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Window is a range of values that is shown from black to white: level and
// width as radiologists name them. A width of 0 or less is from the smallest
// value there is to the largest.
type Window struct{ Center, Width float64 }

// View is a picture for eyes: rows from the top, three bytes a pixel.
type View struct {
	W, H int
	RGB  []byte
}

// Percentiles is the window from the lo-th to the hi-th percentile (0..100) of
// the finite values, so that a few extreme ones do not darken the rest.
func Percentiles(values []float64, lo, hi float64) Window {
	finite := make([]float64, 0, len(values))
	for _, x := range values {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			finite = append(finite, x)
		}
	}
	if len(finite) == 0 {
		return Window{}
	}
	slices.Sort(finite)
	at := func(q float64) float64 { return finite[int(q/100*float64(len(finite)-1))] }
	low, high := at(lo), at(hi)
	return Window{(low + high) / 2, high - low}
}

// Values returns every sample of the raster, colours and alpha one after the
// other.
func (r *Raster) Values() []float64 {
	elem := r.header.Elem()
	out := make([]float64, 0, len(r.pix)/elem)
	for at := 0; at < len(r.pix); at += elem {
		if elem == 1 {
			out = append(out, float64(r.pix[at]))
		} else {
			out = append(out, float64(binary.BigEndian.Uint16(r.pix[at:])))
		}
	}
	return out
}

// Values returns every sample of the volume after slope and intercept.
func (v *Volume) Values() []float64 {
	slope, inter := v.Scaling()
	out := make([]float64, len(v.voxels)/v.header.Elem())
	for i := range out {
		out[i] = v.header.sample(v.voxels, i)*slope + inter
	}
	return out
}

// View shows a raster: gray as RGB, alpha dropped, samples of 16 bits through
// the window and those of 8 as they are.
func (r *Raster) View(win Window) View {
	h := r.header
	n := int(h.Pixels())
	colors := 3
	if h.Channels < 3 {
		colors = 1
	}
	values := make([]float64, 0, n*colors)
	for i := range n {
		for c := range colors {
			at := r.pix[(i*h.Channels+c)*h.Elem():]
			if h.Bits == 8 {
				values = append(values, float64(at[0]))
			} else {
				values = append(values, float64(binary.BigEndian.Uint16(at)))
			}
		}
	}
	if h.Bits == 8 {
		win = Window{127.5, 255}
	}
	return newView(h.Dims[0], h.Dims[1], colors, values, win)
}

// View shows slice index of volume t across axis 0, 1 or 2, after slope and
// intercept, through the window; colours are shown as they are. Of the two axes
// that are left the earlier runs to the right and the later upwards: voxel 0 is
// at the bottom, so that in RAS the head and the front are on top.
func (v *Volume) View(axis, index, t int, win Window) (View, error) {
	h := v.header
	if axis < 0 || axis > 2 || index < 0 || index >= h.Dims[max(0, min(axis, 2))] || t < 0 || t >= h.Dims[3] {
		return View{}, fmt.Errorf("%w: no slice %d across axis %d of volume %d in %v", ErrMismatch, index, axis, t, h.Dims)
	}
	across, up := 0, 1
	switch axis {
	case 0:
		across, up = 1, 2
	case 1:
		up = 2
	}
	colors := 1
	if h.Channels >= 3 {
		colors, win = 3, Window{127.5, 255}
	}
	slope, inter := v.Scaling()
	w, ht := h.Dims[across], h.Dims[up]
	values := make([]float64, 0, w*ht*colors)
	at := [3]int{}
	at[axis] = index
	for y := ht - 1; y >= 0; y-- {
		for x := range w {
			at[across], at[up] = x, y
			i := ((t*h.Dims[2]+at[2])*h.Dims[1]+at[1])*h.Dims[0] + at[0]
			for c := range colors {
				values = append(values, h.sample(v.voxels, i*h.Channels+c)*slope+inter)
			}
		}
	}
	return newView(w, ht, colors, values, win), nil
}

// sample is little-endian sample i of voxels.
func (h Header) sample(voxels []byte, i int) float64 {
	le := binary.LittleEndian
	at := voxels[i*h.Elem():]
	switch {
	case h.Float && h.Bits == 32:
		return float64(math.Float32frombits(le.Uint32(at)))
	case h.Float:
		return math.Float64frombits(le.Uint64(at))
	}
	var u uint64
	switch h.Bits {
	case 8:
		u = uint64(at[0])
	case 16:
		u = uint64(le.Uint16(at))
	case 32:
		u = uint64(le.Uint32(at))
	default:
		u = le.Uint64(at)
	}
	if h.Signed {
		shift := 64 - h.Bits
		return float64(int64(u<<shift) >> shift)
	}
	return float64(u)
}

func newView(w, h, colors int, values []float64, win Window) View {
	low, width := win.Center-win.Width/2, win.Width
	if !(width > 0) {
		lo, hi := span(values)
		low, width = lo, hi-lo
	}
	out := make([]byte, 0, 3*w*h)
	for _, x := range values {
		b := byte(0)
		if s := (x - low) / width * 255; s >= 255 {
			b = 255
		} else if s > 0 {
			b = byte(s + 0.5)
		}
		if out = append(out, b); colors == 1 {
			out = append(out, b, b)
		}
	}
	return View{w, h, out}
}

// span is the smallest and largest finite value; 0, 0 where there is none.
func span(values []float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, x := range values {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			lo, hi = min(lo, x), max(hi, x)
		}
	}
	if lo > hi {
		return 0, 0
	}
	return lo, hi
}

// ScaledRaster turns a volume of one slice and one sample a voxel into a PNG of
// 16 bits: value = pixel·slope + inter. Values that are not finite become 0. It
// loses what 16 bits do not hold, so that a recipe must ask for it.
func ScaledRaster(v *Volume) (r *Raster, slope, inter float64, err error) {
	h := v.header
	if h.Dims[2] != 1 || h.Dims[3] != 1 || h.Channels != 1 {
		return nil, 0, 0, fmt.Errorf("%w: no single slice of one sample: %v with %d", ErrMismatch, h.Dims, h.Channels)
	}
	a, b := v.Scaling()
	values := make([]float64, h.Pixels())
	for i := range values {
		values[i] = h.sample(v.voxels, i)*a + b
	}
	lo, hi := span(values)
	if slope = hi/65535 - lo/65535; slope == 0 {
		slope = 1
	}
	pix := make([]byte, 0, 2*len(values))
	for _, x := range values {
		p := (x - lo) / slope
		if !(p > 0) || math.IsInf(p, 0) {
			p = 0
		}
		pix = binary.BigEndian.AppendUint16(pix, uint16(min(math.Round(p), 65535)))
	}
	r, err = NewRaster(h.Dims[0], h.Dims[1], 1, 16, pix)
	if err != nil {
		return nil, 0, 0, err
	}
	return r.Warn(v.warnings...), slope, lo, nil
}

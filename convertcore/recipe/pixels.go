package recipe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// plane takes one volume of a 4-D image.
func plane(k int) step {
	header := func(h convertcore.Header) (convertcore.Header, error) {
		if h.Form != convertcore.NIfTI || k >= h.Dims[3] {
			return h, mismatch("plane %d of an image of %v", k, h.Dims)
		}
		h.Dims[3] = 1
		return h, nil
	}
	return step{header, func(im convertcore.Image) (convertcore.Image, error) {
		h, err := header(im.Header())
		if err != nil {
			return nil, err
		}
		lead := bytes.Clone(im.Lead())
		binary.LittleEndian.PutUint16(lead[40:], 3) // dim[0]
		binary.LittleEndian.PutUint16(lead[48:], 1) // dim[4]
		n := h.PayloadSize()
		v, err := convertcore.NewVolume(h, lead, im.Payload()[int64(k)*n:int64(k+1)*n:int64(k+1)*n])
		if err != nil {
			return nil, err
		}
		return v.Warn(im.Warnings()...), nil
	}}
}

// component takes one sample of each pixel. Gray has three equal colours.
func component(k int) step {
	at := func(h convertcore.Header) (int, error) {
		switch {
		case k == 3 && h.Channels%2 == 0:
			return h.Channels - 1, nil
		case k < 3 && h.Channels >= 3:
			return k, nil
		case k < 3:
			return 0, nil
		}
		return 0, mismatch("no component %s among %d samples", components[k], h.Channels)
	}
	header := func(h convertcore.Header) (convertcore.Header, error) {
		_, err := at(h)
		h.Channels = 1
		if h.Form == convertcore.NIfTI && err == nil {
			return geom.VolumeHeader(h)
		}
		return h, err
	}
	return step{header, func(im convertcore.Image) (convertcore.Image, error) {
		h := im.Header()
		i, err := at(h)
		if err != nil {
			return nil, err
		}
		out := pick(im.Payload(), h.Elem(), h.Channels, i)
		if h.Form == convertcore.PNG {
			return kept(convertcore.NewRaster(h.Dims[0], h.Dims[1], 1, h.Bits, out))(im)
		}
		h.Channels = 1
		return kept(geom.NewVolume(h, 1, 0, out))(im)
	}}
}

// pick copies sample i of pixels of n samples of size bytes.
func pick(data []byte, size, n, i int) []byte {
	out := make([]byte, 0, len(data)/n)
	for at := i * size; at+size <= len(data); at += n * size {
		out = append(out, data[at:at+size]...)
	}
	return out
}

// kept carries warnings over to a new image.
func kept[T convertcore.Image](out T, err error) func(from convertcore.Image) (convertcore.Image, error) {
	return func(from convertcore.Image) (convertcore.Image, error) {
		if err != nil {
			return nil, err
		}
		return warned(out, from.Warnings()...), nil
	}
}

// crop takes a rectangle of a 2-D image.
func crop(c []float64) step {
	rect := func(h convertcore.Header) (x0, y0, x1, y1 int, err error) {
		side := [4]int{}
		for i, v := range c {
			n := h.Dims[i%2]
			switch {
			case i >= 2 && v == 0:
				side[i] = n
			case fractions(c):
				side[i] = int(math.Round(v * float64(n)))
			default:
				side[i] = int(v)
			}
		}
		x0, y0, x1, y1 = side[0], side[1], side[2], side[3]
		if h.Form != convertcore.PNG || x1 > h.Dims[0] || y1 > h.Dims[1] || x0 >= x1 || y0 >= y1 {
			err = mismatch("crop %v of an image of %v", c, h.Dims)
		}
		return x0, y0, x1, y1, err
	}
	return step{func(h convertcore.Header) (convertcore.Header, error) {
		x0, y0, x1, y1, err := rect(h)
		h.Dims[0], h.Dims[1] = x1-x0, y1-y0
		return h, err
	}, func(im convertcore.Image) (convertcore.Image, error) {
		h := im.Header()
		x0, y0, x1, y1, err := rect(h)
		if err != nil {
			return nil, err
		}
		size := h.Channels * h.Elem()
		out, err := convertcore.NewRaster(x1-x0, y1-y0, h.Channels, h.Bits, window(im.Payload(), h.Dims[0]*size, x0*size, x1*size, y0, y1))
		if r, ok := im.(*convertcore.Raster); ok && err == nil && r.Indices() != nil {
			out, err = out.WithIndices(window(r.Indices(), h.Dims[0], x0, x1, y0, y1))
		}
		return kept(out, err)(im)
	}}
}

func window(rows []byte, stride, from, to, y0, y1 int) []byte {
	out := make([]byte, 0, (to-from)*(y1-y0))
	for y := y0; y < y1; y++ {
		out = append(out, rows[y*stride+from:y*stride+to]...)
	}
	return out
}

// flatten makes a PNG of a 2-D volume of integers; three planes of 8 bits, as
// some write photographs, are RGB, and so are three samples a pixel of any type.
var flatten = step{flatHeader, func(im convertcore.Image) (convertcore.Image, error) {
	v, ok := im.(*convertcore.Volume)
	if !ok {
		return im, nil
	}
	h := v.Header()
	flat, err := flatHeader(h)
	if err != nil {
		return nil, err
	}
	n := flat.Dims[0] * flat.Dims[1]
	out := make([]byte, flat.PayloadSize())
	switch {
	case h.Channels == 3:
		copy(out, v.Payload())
	case h.Dims[3] == 3:
		err = eachValue(v, func(i int, x float64) error {
			if x != math.Trunc(x) || x < 0 || x > math.MaxUint8 {
				return mismatch("a sample of pixel %d is %g: no integer of 8 bits", i%n, x)
			}
			out[i%n*3+i/n] = byte(x)
			return nil
		})
	case flat.Channels == 3:
		for i, b := range v.Payload() {
			out[i%n*3+i/n] = b
		}
	default:
		err = eachValue(v, func(i int, x float64) error {
			if x != math.Trunc(x) || x < 0 || x >= float64(int(1)<<flat.Bits) {
				return mismatch("pixel %d is %g: no integer of %d bits", i, x, flat.Bits)
			}
			if flat.Bits == 8 {
				out[i] = byte(x)
			} else {
				binary.BigEndian.PutUint16(out[2*i:], uint16(x))
			}
			return nil
		})
	}
	if err != nil {
		return nil, err
	}
	return kept(convertcore.NewRaster(flat.Dims[0], flat.Dims[1], flat.Channels, flat.Bits, out))(im)
}}

func flatHeader(h convertcore.Header) (convertcore.Header, error) {
	if h.Form == convertcore.PNG {
		return h, nil
	}
	bytes := h.Bits == 8 && !h.Signed && !h.Float
	switch {
	case h.Dims[2] == 3 && h.Dims[3] == 1 && h.Channels == 1 && bytes, h.Channels == 3 && h.Dims[2]*h.Dims[3] == 1, h.Channels == 1 && h.Dims[2] == 1 && h.Dims[3] == 3:
		return convertcore.RasterHeader(h.Dims[0], h.Dims[1], 3, 8), nil
	case h.Dims[2]*h.Dims[3] != 1 || h.Channels != 1:
		return h, mismatch("an image of %v with %d samples is not 2-D", h.Dims, h.Channels)
	case bytes:
		return convertcore.RasterHeader(h.Dims[0], h.Dims[1], 1, 8), nil
	}
	return convertcore.RasterHeader(h.Dims[0], h.Dims[1], 1, 16), nil
}

// scale16 makes a PNG of 16 bits of a 2-D volume: the least value becomes 0,
// the greatest 65535, what is not finite 0. The scale is recorded.
var scale16 = step{scaledHeader, func(im convertcore.Image) (convertcore.Image, error) {
	v, ok := im.(*convertcore.Volume)
	if !ok {
		return im, nil
	}
	h, err := scaledHeader(v.Header())
	if err != nil {
		return nil, err
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	_ = eachValue(v, func(_ int, x float64) error {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			lo, hi = math.Min(lo, x), math.Max(hi, x)
		}
		return nil
	})
	if lo > hi {
		lo, hi = 0, 0
	}
	unit := (hi - lo) / math.MaxUint16
	if unit == 0 {
		unit = 1
	}
	out := make([]byte, h.PayloadSize())
	_ = eachValue(v, func(i int, x float64) error {
		if x >= lo && x <= hi {
			binary.BigEndian.PutUint16(out[2*i:], uint16(math.Round((x-lo)/unit)))
		}
		return nil
	})
	r, err := convertcore.NewRaster(h.Dims[0], h.Dims[1], 1, 16, out)
	if err != nil {
		return nil, err
	}
	return kept(r.Warn(fmt.Sprintf("scaled to 16 bits: value = %g + %g * pixel", lo, unit)), nil)(im)
}}

func scaledHeader(h convertcore.Header) (convertcore.Header, error) {
	if h.Form == convertcore.PNG {
		return h, nil
	}
	if h.Dims[2]*h.Dims[3] != 1 || h.Channels != 1 {
		return h, mismatch("an image of %v with %d samples is not 2-D", h.Dims, h.Channels)
	}
	return convertcore.RasterHeader(h.Dims[0], h.Dims[1], 1, 16), nil
}

// eachValue gives the values of a volume of one sample, after scaling.
func eachValue(v *convertcore.Volume, f func(i int, x float64) error) error {
	h, data := v.Header(), v.Payload()
	slope, inter := v.Scaling()
	for i := range int(h.Pixels()) {
		if err := f(i, voxel(h, data[i*h.Elem():])*slope+inter); err != nil {
			return err
		}
	}
	return nil
}

func voxel(h convertcore.Header, b []byte) float64 {
	le := binary.LittleEndian
	var u uint64
	for k := range h.Elem() {
		u |= uint64(b[k]) << (8 * k)
	}
	switch {
	case h.Float && h.Bits == 32:
		return float64(math.Float32frombits(le.Uint32(b)))
	case h.Float:
		return math.Float64frombits(u)
	case h.Signed:
		return float64(int64(u<<(64-h.Bits)) >> (64 - h.Bits))
	}
	return float64(u)
}

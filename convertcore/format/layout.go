package format

import (
	"encoding/binary"
	"math"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// sample is the type of the numbers that a file stores.
type sample struct {
	bits          int // 8, 16, 32 or 64
	float, signed bool
	half          bool // 16-bit float, which becomes a 32-bit one: all its values are kept
}

// elem is the number of bytes of one stored number.
func (s sample) elem() int { return s.bits / 8 }

// axis is one axis of stored samples: how many, and how many samples apart.
type axis struct {
	n, stride int64
}

// layout says where the samples of an image lie in the array that a file
// stores, and what they are. Formats that keep axes in any order (NumPy,
// MATLAB, HDF5, NRRD, MetaImage) describe themselves by one.
type layout struct {
	sample
	big    bool // stored big-endian
	plane  bool // a 2-D picture: PNG where PNG can hold the samples
	color  axis // samples of a pixel; n is 1 where there is one
	dims   [4]axis
	affine geom.Affine
}

// The axes of a layout whose samples all lie in one row.
var one1 = axis{n: 1}

// picture reports whether the samples can be served as PNG: 8 or 16 bits
// without sign. Anything else that is 2-D becomes a NIfTI of one slice.
func (l *layout) picture() bool {
	return l.plane && !l.float && !l.half && !l.signed && l.bits <= 16 && l.dims[2].n == 1 && l.dims[3].n == 1 && l.pixel()
}

// pixel reports whether the color axis is one that the form can hold.
func (l *layout) pixel() bool { return l.color.n == 1 || l.color.n == 3 || l.color.n == 4 }

// settle decides about the color axis: RGB and RGBA stay together, vectors of
// anything else become the fourth dimension.
func (l *layout) settle() error {
	if l.color.n == 1 || l.picture() || l.pixel() && l.bits == 8 && !l.signed && !l.float {
		return nil
	}
	if l.dims[3].n != 1 {
		return unsupported("vectors of %d numbers in a series of %d", l.color.n, l.dims[3].n)
	}
	l.dims[3], l.color = l.color, one1
	return nil
}

// header is the Header of the image that the layout describes.
func (l *layout) header() (convertcore.Header, error) {
	if err := l.settle(); err != nil {
		return convertcore.Header{}, err
	}
	h := convertcore.Header{Channels: int(l.color.n), Bits: l.bits, Float: l.float || l.half, Signed: l.signed && !l.float && !l.half}
	for i, a := range l.dims {
		if a.n < 1 || a.n > math.MaxInt32 {
			return h, malformed("%d samples along an axis", a.n)
		}
		h.Dims[i] = int(a.n)
	}
	if l.half {
		h.Bits = 32
	}
	if l.picture() {
		h = convertcore.RasterHeader(h.Dims[0], h.Dims[1], h.Channels, h.Bits)
		return h, h.Check()
	}
	h.Affine = l.affine
	return geom.VolumeHeader(h)
}

// stored is the number of bytes of the samples as the file stores them. It is
// right after header succeeded.
func (l *layout) stored() int64 {
	n := int64(l.elem()) * l.color.n
	for _, a := range l.dims {
		n *= a.n
	}
	return n
}

// image makes the image of the stored samples, which it takes over.
func (l *layout) image(src []byte, slope, inter float64) (convertcore.Image, error) {
	h, err := l.header()
	if err != nil {
		return nil, err
	}
	pix, err := l.gather(src)
	if err != nil {
		return nil, err
	}
	if l.big != l.picture() { // PNG's samples are big-endian, NIfTI's little
		swapElems(pix, l.elem())
	}
	if l.half {
		pix = widen(pix)
	}
	if l.picture() {
		return convertcore.NewRaster(h.Dims[0], h.Dims[1], h.Channels, h.Bits, pix)
	}
	return geom.NewVolume(h, slope, inter, pix)
}

// widen turns 16-bit floats into 32-bit ones, both little-endian.
func widen(b []byte) []byte {
	out := make([]byte, 2*len(b))
	for i := 0; i+1 < len(b); i += 2 {
		binary.LittleEndian.PutUint32(out[2*i:], halfBits(binary.LittleEndian.Uint16(b[i:])))
	}
	return out
}

// halfBits is the IEEE 754 binary32 of a binary16.
func halfBits(h uint16) uint32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch {
	case exp == 31: // infinity and NaN
		return sign | 255<<23 | frac<<13
	case exp == 0: // zero and subnormal: frac·2^-24
		return sign | math.Float32bits(float32(frac)*0x1p-24)
	}
	return sign | (exp+112)<<23 | frac<<13
}

// appendFloat appends v as a little-endian float of 32 or 64 bits.
func (s sample) appendFloat(b []byte, v float64) []byte {
	if s.bits == 32 {
		return s.appendBits(b, uint64(math.Float32bits(float32(v))))
	}
	return s.appendBits(b, math.Float64bits(v))
}

// appendBits appends the low bits of v, little-endian.
func (s sample) appendBits(b []byte, v uint64) []byte {
	for range s.elem() {
		b = append(b, byte(v))
		v >>= 8
	}
	return b
}

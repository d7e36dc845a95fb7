package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// ErrShape marks images that are not 2-D or 3-D, or do not fit each other.
var ErrShape = errors.New("image has another shape than needed")

// MaxBytes bounds the decoded size of one image.
const MaxBytes = 8 << 30

// Type is the number type of samples.
type Type struct {
	Bits      int // 8, 16, 32 or 64
	Float     bool
	Signed    bool
	BigEndian bool
}

// Name is NumPy's name of the type: "uint8", "float32", …
func (t Type) Name() string {
	switch {
	case t.Float:
		return fmt.Sprintf("float%d", t.Bits)
	case t.Signed:
		return fmt.Sprintf("int%d", t.Bits)
	}
	return fmt.Sprintf("uint%d", t.Bits)
}

// Image is a decoded 2-D or 3-D image. It is safe for many goroutines.
type Image struct {
	Dims     []int     // array order, 2 or 3
	Channels int       // interleaved samples a pixel; with 2 or 4 the last is alpha
	Spacing  []float64 // mm a voxel, array order; 1 where the file has none
	Affine   [][]float64
	Type     Type
	Order    mask.Order // memory order of Dims in Data
	Data     []byte
	// Slope and Inter turn stored numbers into intensities.
	Slope, Inter float64

	indices []byte // palette indices, one a pixel: what a label map means

	once   sync.Once
	sorted []float32
}

// check tells whether the fields fit together.
func (im *Image) check() error {
	if n := len(im.Dims); n != 2 && n != 3 {
		return fmt.Errorf("%w: %d axes, want 2 or 3", ErrShape, n)
	}
	size := int64(im.Channels) * int64(im.Type.Bits/8)
	for _, d := range im.Dims {
		if d < 1 || size > MaxBytes/int64(d) {
			return fmt.Errorf("%w: %v", ErrShape, im.Dims)
		}
		size *= int64(d)
	}
	if size != int64(len(im.Data)) {
		return fmt.Errorf("%w: %d bytes for %v", ErrShape, len(im.Data), im.Dims)
	}
	return nil
}

// Voxels is the number of pixels or voxels.
func (im *Image) Voxels() int {
	n := 1
	for _, d := range im.Dims {
		n *= d
	}
	return n
}

// colors is the number of channels without alpha.
func (im *Image) colors() int { return im.Channels - (im.Channels+1)%2 }

// index returns the position of p's pixel in Data, counted in pixels.
func (im *Image) index(p mask.Point) int {
	if im.Order == mask.COrder {
		return (p[0]*im.Dims[max(0, len(im.Dims)-2)]+p[1])*im.Dims[len(im.Dims)-1] + p[2]
	}
	if len(im.Dims) == 2 {
		return p[2]*im.Dims[0] + p[1]
	}
	return (p[2]*im.Dims[1]+p[1])*im.Dims[0] + p[0]
}

// At returns the intensity at p.
func (im *Image) At(p mask.Point) float64 { return im.Value(im.index(p)) }

// Value is the intensity of the i-th pixel in memory order.
func (im *Image) Value(i int) float64 {
	n := im.colors()
	var sum float64
	for c := range n {
		sum += im.sample(i*im.Channels + c)
	}
	return sum/float64(n)*im.Slope + im.Inter
}

// sample is the stored number at sample position i.
func (im *Image) sample(i int) float64 {
	var order binary.ByteOrder = binary.LittleEndian
	if im.Type.BigEndian {
		order = binary.BigEndian
	}
	t := im.Type
	switch t.Bits {
	case 8:
		if t.Signed {
			return float64(int8(im.Data[i]))
		}
		return float64(im.Data[i])
	case 16:
		v := order.Uint16(im.Data[2*i:])
		if t.Float {
			return half(v)
		}
		if t.Signed {
			return float64(int16(v))
		}
		return float64(v)
	case 32:
		v := order.Uint32(im.Data[4*i:])
		switch {
		case t.Float:
			return float64(math.Float32frombits(v))
		case t.Signed:
			return float64(int32(v))
		}
		return float64(v)
	}
	v := order.Uint64(im.Data[8*i:])
	switch {
	case t.Float:
		return math.Float64frombits(v)
	case t.Signed:
		return float64(int64(v))
	}
	return float64(v)
}

// half is the value of an IEEE 754 binary16.
func half(v uint16) float64 {
	exponent, fraction := int(v>>10&31), float64(v&1023)
	f := math.Ldexp(fraction, -24)
	switch {
	case exponent == 31 && fraction == 0:
		f = math.Inf(1)
	case exponent == 31:
		f = math.NaN()
	case exponent > 0:
		f = math.Ldexp(1024+fraction, exponent-25)
	}
	return math.Copysign(f, float64(1-2*int(v>>15)))
}

// Percentile returns the q-th percentile (0..100) of the intensities, linear
// between order statistics as numpy.percentile; NaN voxels do not count.
func (im *Image) Percentile(q float64) float64 {
	im.once.Do(func() {
		s := make([]float32, 0, im.Voxels())
		for i := range im.Voxels() {
			if v := float32(im.Value(i)); v == v {
				s = append(s, v)
			}
		}
		slices.Sort(s)
		im.sorted = s
	})
	n := len(im.sorted)
	if n == 0 {
		return math.NaN()
	}
	at := min(max(q, 0), 100) / 100 * float64(n-1)
	low := int(at)
	high := min(low+1, n-1)
	f := at - float64(low)
	return float64(im.sorted[low])*(1-f) + float64(im.sorted[high])*f
}

// Mask returns the voxels where the scaled value of any color channel is other
// than zero, or the palette index is not zero. spacing replaces the image's own where it is not nil.
func (im *Image) Mask(spacing []float64) (*mask.Mask, error) {
	if spacing == nil {
		spacing = im.Spacing
	}
	raw := im.Data
	if im.indices != nil {
		raw = im.indices
	} else if im.Channels != 1 || im.Type.Bits != 8 || im.Inter != 0 {
		raw = im.nonzero()
	}
	return mask.FromBytes(im.Dims, spacing, raw, im.Order)
}

// nonzero has one byte a pixel, 1 where it is set. Negative zero is zero.
func (im *Image) nonzero() []byte {
	out := make([]byte, im.Voxels())
	n := im.colors()
	for i := range out {
		for c := range n {
			if im.sample(i*im.Channels+c)*im.Slope+im.Inter != 0 {
				out[i] = 1
				break
			}
		}
	}
	return out
}

// Descr is NumPy's array-protocol name of the type: "|u1", "<i2", ">f4".
func (t Type) Descr() string {
	order, kind := "<", "u"
	switch {
	case t.Bits == 8:
		order = "|"
	case t.BigEndian:
		order = ">"
	}
	if t.Float {
		kind = "f"
	} else if t.Signed {
		kind = "i"
	}
	return fmt.Sprintf("%s%s%d", order, kind, t.Bits/8)
}

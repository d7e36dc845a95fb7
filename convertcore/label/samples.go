package label

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// samples is a decoded label as numbers.
type samples struct {
	convertcore.Header
	data         []byte
	order        binary.ByteOrder
	slope, inter float64
}

// newSamples checks that dst has one byte for each pixel of src.
func newSamples(dst []byte, src convertcore.Image) (*samples, error) {
	s := &samples{Header: src.Header(), data: src.Payload(), order: binary.BigEndian, slope: 1}
	if v, ok := src.(*convertcore.Volume); ok {
		s.slope, s.inter = v.Scaling()
	}
	if s.Form == convertcore.NIfTI {
		s.order = binary.LittleEndian
	}
	if int64(len(dst)) != s.Pixels() {
		return nil, fmt.Errorf("%w: selection of %d pixels over an image of %d", convertcore.ErrMismatch, len(dst), s.Pixels())
	}
	return s, nil
}

// stored is the value of sample i as the file holds it. Integers beyond 2^53
// are rounded.
func (s *samples) stored(i int) float64 {
	at := s.data[i*s.Elem():]
	switch {
	case s.Bits == 8 && s.Signed:
		return float64(int8(at[0]))
	case s.Bits == 8:
		return float64(at[0])
	case s.Bits == 16 && s.Signed:
		return float64(int16(s.order.Uint16(at)))
	case s.Bits == 16:
		return float64(s.order.Uint16(at))
	case s.Float && s.Bits == 32:
		return float64(math.Float32frombits(s.order.Uint32(at)))
	case s.Float:
		return math.Float64frombits(s.order.Uint64(at))
	case s.Bits == 32 && s.Signed:
		return float64(int32(s.order.Uint32(at)))
	case s.Bits == 32:
		return float64(s.order.Uint32(at))
	case s.Signed:
		return float64(int64(s.order.Uint64(at)))
	}
	return float64(s.order.Uint64(at))
}

// value is stored after the header's scaling.
func (s *samples) value(stored float64) float64 { return stored*s.slope + s.inter }

// table tells for every stored sample of 8 or 16 bits, by its bits, whether its
// value is selected.
func (s *samples) table(selected func(float64) bool) []byte {
	t := make([]byte, 1<<s.Bits)
	for i := range t {
		v := float64(i)
		if s.Signed && i >= len(t)/2 {
			v -= float64(len(t))
		}
		if selected(s.value(v)) {
			t[i] = 1
		}
	}
	return t
}

// colors is the number of samples of a pixel that are not alpha.
func (s *samples) colors() int { return [...]int{1: 1, 2: 1, 3: 3, 4: 3}[s.Channels] }

// mask sets dst where selected accepts a pixel. Of a pixel with three colours
// either any may be accepted, or all must be and be equal: a gray that was
// saved as RGB.
func (s *samples) mask(dst []byte, selected func(float64) bool, either bool) {
	switch {
	case s.Bits > 16:
		for i := range dst {
			if selected(s.value(s.stored(i))) {
				dst[i] = 1
			}
		}
	case s.colors() == 3:
		s.maskRGB(dst, s.table(selected), either)
	case s.Bits == 8 && s.Channels == 1:
		t := (*[256]byte)(s.table(selected))
		data := s.data[:len(dst)]
		for i, v := range data {
			dst[i] |= t[v]
		}
	case s.Bits == 16 && s.Channels == 1 && s.Form == convertcore.NIfTI:
		t := (*[1 << 16]byte)(s.table(selected))
		data := s.data
		for i := range dst {
			dst[i] |= t[binary.LittleEndian.Uint16(data[2*i:])]
		}
	default:
		t := s.table(selected)
		for i := range dst {
			dst[i] |= t[s.bits(i*s.Channels)]
		}
	}
}

func (s *samples) maskRGB(dst, t []byte, either bool) {
	for i := range dst {
		a, b, c := s.bits(i*s.Channels), s.bits(i*s.Channels+1), s.bits(i*s.Channels+2)
		if either {
			dst[i] |= t[a] | t[b] | t[c]
		} else if a == b && b == c {
			dst[i] |= t[a]
		}
	}
}

// bits is sample i of 8 or 16 bits without its sign.
func (s *samples) bits(i int) uint16 {
	if s.Bits == 8 {
		return uint16(s.data[i])
	}
	return s.order.Uint16(s.data[2*i:])
}

package format

import (
	"encoding/binary"
	"math"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// convertMAT turns stored numbers into those of the class, little-endian:
// MATLAB stores them as the smallest type that holds them. Logical ones are 0
// and 1.
func convertMAT(b []byte, stored sample, big bool, class sample, logical bool) ([]byte, error) {
	if big {
		swapElems(b, stored.elem())
	}
	if stored == class && !logical {
		return b, nil
	}
	n := len(b) / stored.elem()
	if int64(n)*int64(class.elem()) > convertcore.MaxPayload {
		return nil, malformed("%d numbers of MATLAB", n)
	}
	out := make([]byte, 0, n*class.elem())
	for ; len(b) > 0; b = b[stored.elem():] {
		i, f := stored.number(b)
		switch {
		case logical:
			v := byte(0)
			if f != 0 || i != 0 {
				v = 1
			}
			out = append(out, v)
		case class.float && stored.float:
			out = class.appendFloat(out, f)
		case class.float && stored.bits == 64:
			return nil, unsupported("MATLAB floats that are stored as integers of 64 bits")
		case class.float && stored.signed:
			out = class.appendFloat(out, float64(int64(i)))
		case class.float:
			out = class.appendFloat(out, float64(i))
		case stored.float:
			return nil, unsupported("MATLAB integers that are stored as floats")
		default:
			out = class.appendBits(out, i)
			if i != class.back(i) {
				return nil, malformed("%d does not fit in %d bits", int64(i), class.bits)
			}
		}
	}
	return out, nil
}

// number is a little-endian number: an integer, its sign extended, or a float.
func (s sample) number(b []byte) (i uint64, f float64) {
	switch s.bits {
	case 8:
		i = uint64(b[0])
	case 16:
		i = uint64(binary.LittleEndian.Uint16(b))
	case 32:
		i = uint64(binary.LittleEndian.Uint32(b))
	default:
		i = binary.LittleEndian.Uint64(b)
	}
	if s.float {
		if s.bits == 32 {
			return 0, float64(math.Float32frombits(uint32(i)))
		}
		return 0, math.Float64frombits(i)
	}
	return s.extend(i), 0
}

// extend repeats the sign of a number of s.bits.
func (s sample) extend(i uint64) uint64 {
	if up := 64 - s.bits; s.signed {
		return uint64(int64(i<<up) >> up)
	}
	return i
}

// back is a number after it was kept in s.bits.
func (s sample) back(i uint64) uint64 { return s.extend(i << (64 - s.bits) >> (64 - s.bits)) }

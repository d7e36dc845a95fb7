package label

import (
	"fmt"
	"math"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// {bits=[0,3]} selects the pixels that have any of these bits set, 0 the
// lowest: labels that hold one binary mask a bit.
func init() {
	Register("bits", func(arg any) (convertcore.Selector, error) {
		list, ok := arg.([]any)
		if !ok {
			list = []any{arg}
		}
		var b Bits
		for _, item := range list {
			x, err := number(item)
			if err != nil {
				return nil, err
			}
			if x != math.Trunc(x) || x < 0 || x > 52 {
				return nil, fmt.Errorf("%v is no bit from 0 to 52", item)
			}
			b |= 1 << int(x)
		}
		if b == 0 {
			return nil, fmt.Errorf("no bit")
		}
		return b, nil
	})
}

// Bits is a bit mask, tested against whole values from 0 to 2^53.
type Bits uint64

// Mask implements convertcore.Selector.
func (b Bits) Mask(dst []byte, src convertcore.Image) error {
	s, err := newSamples(dst, src)
	if err != nil {
		return err
	}
	if r, ok := src.(*convertcore.Raster); ok && r.Indices() != nil {
		s.Channels, s.Bits, s.data = 1, 8, r.Indices()
	}
	s.mask(dst, func(x float64) bool {
		return x >= 0 && x <= maxExact && x == math.Trunc(x) && uint64(x)&uint64(b) != 0
	}, false)
	return nil
}

package label

import (
	"encoding/hex"
	"fmt"
	"math"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

func init() {
	Register("color", func(arg any) (convertcore.Selector, error) {
		var c Color
		if table, ok := arg.(map[string]any); ok {
			t, err := number(table["tolerance"])
			if err != nil || t < 0 || t > 255 || t != math.Trunc(t) {
				return nil, fmt.Errorf("tolerance %v is not an integer from 0 to 255", table["tolerance"])
			}
			c.Tolerance, arg = uint8(t), table["color"]
		}
		text, _ := arg.(string)
		rgb, err := hex.DecodeString(text[min(1, len(text)):])
		if err != nil || len(rgb) != 3 || text[0] != '#' {
			return nil, fmt.Errorf("%v is not a colour such as \"#ff0000\"", arg)
		}
		c.RGB = [3]uint8(rgb)
		return c, nil
	}, "tolerance")
}

// Color selects the pixels of one colour, each of whose samples may be off by
// the tolerance. Both are in 8 bits; samples of 16 bits are compared with 257
// times as much. Gray pixels have three equal colours; alpha does not count.
type Color struct {
	RGB       [3]uint8
	Tolerance uint8
}

// Mask implements convertcore.Selector. Voxels that are not colours are
// ErrUnsupported.
func (c Color) Mask(dst []byte, src convertcore.Image) error {
	s, err := newSamples(dst, src)
	if err != nil {
		return err
	}
	if s.Form == convertcore.NIfTI && s.Channels == 1 {
		return fmt.Errorf("%w: a colour in voxels that are numbers", convertcore.ErrUnsupported)
	}
	var tables [3][]byte
	unit := 1.0
	if s.Bits == 16 {
		unit = 257
	}
	for i, v := range c.RGB {
		tables[i] = s.table(func(x float64) bool { return math.Abs(x-unit*float64(v)) <= unit*float64(c.Tolerance) })
	}
	step := s.colors() / 3 // 0 for gray: the same sample three times
	for i := range dst {
		at := i * s.Channels
		dst[i] |= tables[0][s.bits(at)] & tables[1][s.bits(at+step)] & tables[2][s.bits(at+2*step)]
	}
	return nil
}

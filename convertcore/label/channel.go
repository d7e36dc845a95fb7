package label

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// {channel="r", above=127} selects by one sample of each pixel; channel is r,
// g, b or a (of gray, r, g and b are the one sample), or their sum: r, g and b
// added up, so that a mean below 128 is {channel="sum", below=384}. One of
// above, below and values goes with it.
func init() {
	Register("channel", func(arg any) (convertcore.Selector, error) {
		table, ok := arg.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("needs above, below or values beside it")
		}
		name, _ := table["channel"].(string)
		k := slices.Index([]string{"r", "g", "b", "a", "sum"}, name)
		if k < 0 {
			return nil, fmt.Errorf("%v is not r, g, b, a or sum", table["channel"])
		}
		rest := map[string]any{}
		for key, v := range table {
			if key != "channel" {
				rest[key] = v
			}
		}
		s, err := New(rest)
		return Channel{k, s}, err
	}, "above", "below", "between", "values", "bits")
}

// Channel selects by sample K of each pixel, or by the sum of the colours where
// K is 4.
type Channel struct {
	K  int
	Of convertcore.Selector
}

// Mask implements convertcore.Selector.
func (c Channel) Mask(dst []byte, src convertcore.Image) error {
	s, err := newSamples(dst, src)
	if err != nil {
		return err
	}
	if c.K == 4 {
		return c.sum(dst, s)
	}
	at := c.K
	switch {
	case c.K == 3 && s.Channels%2 == 0:
		at = s.Channels - 1
	case c.K == 3:
		return fmt.Errorf("%w: no alpha among %d samples", convertcore.ErrUnsupported, s.Channels)
	case s.Channels < 3:
		at = 0
	}
	if s.Channels == 1 {
		return c.Of.Mask(dst, src)
	}
	size := s.Elem()
	out := make([]byte, 0, len(dst)*size)
	for i := at * size; i+size <= len(s.data); i += s.Channels * size {
		out = append(out, s.data[i:i+size]...)
	}
	bits, pix := s.Bits, out
	if s.Form == convertcore.NIfTI && bits != 8 {
		return fmt.Errorf("%w: a channel of voxels of %d bits", convertcore.ErrUnsupported, bits)
	}
	one, err := convertcore.NewRaster(s.Dims[0], s.Dims[1]*s.Dims[2]*s.Dims[3], 1, bits, pix)
	if err != nil {
		return err
	}
	return c.Of.Mask(dst, one)
}

// sum selects by r+g+b of samples of 8 bits, which fit 16.
func (c Channel) sum(dst []byte, s *samples) error {
	if s.Form != convertcore.PNG || s.Bits != 8 {
		return fmt.Errorf("%w: the sum of colours of %d bits", convertcore.ErrUnsupported, s.Bits)
	}
	out := make([]byte, 0, 2*len(dst))
	for i := 0; i+s.Channels <= len(s.data); i += s.Channels {
		v := 3 * uint16(s.data[i])
		if s.colors() == 3 {
			v = uint16(s.data[i]) + uint16(s.data[i+1]) + uint16(s.data[i+2])
		}
		out = binary.BigEndian.AppendUint16(out, v)
	}
	one, err := convertcore.NewRaster(s.Dims[0], s.Dims[1], 1, 16, out)
	if err != nil {
		return err
	}
	return c.Of.Mask(dst, one)
}

package label

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

func init() {
	Register("values", func(arg any) (convertcore.Selector, error) {
		list, ok := arg.([]any)
		if !ok {
			list = []any{arg}
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("no value")
		}
		var v Values
		for _, item := range list {
			r, err := parseRange(item)
			if err != nil {
				return nil, err
			}
			v = append(v, r)
		}
		return v, nil
	})
}

// Range is the values Lo to Hi, both included.
type Range struct{ Lo, Hi float64 }

// Values selects the pixels of a label map whose value lies in any range. The
// value is the palette index where the label has a palette, the voxel after
// slope and intercept in NIfTI, and the gray value else; colours that are not
// gray are no value.
type Values []Range

// Mask implements convertcore.Selector.
func (v Values) Mask(dst []byte, src convertcore.Image) error {
	s, err := newSamples(dst, src)
	if err != nil {
		return err
	}
	if r, ok := src.(*convertcore.Raster); ok && r.Indices() != nil {
		s.Channels, s.Bits, s.data = 1, 8, r.Indices()
	}
	s.mask(dst, v.has, false)
	return nil
}

func (v Values) has(x float64) bool {
	for _, r := range v {
		if r.Lo <= x && x <= r.Hi {
			return true
		}
	}
	return false
}

var rangePattern = regexp.MustCompile(`^(-?[0-9]+)-(-?[0-9]+)$`)

// parseRange reads a number or a range of integers such as "55-70".
func parseRange(item any) (Range, error) {
	text, ok := item.(string)
	if !ok {
		x, err := number(item)
		return Range{x, x}, err
	}
	m := rangePattern.FindStringSubmatch(text)
	if m == nil {
		return Range{}, fmt.Errorf("%q is neither a number nor a range such as \"55-70\"", text)
	}
	var r Range
	for i, to := range []*float64{&r.Lo, &r.Hi} {
		n, err := strconv.ParseInt(m[i+1], 10, 64)
		if err != nil {
			return Range{}, fmt.Errorf("%q: %w", text, err)
		}
		if *to, err = number(n); err != nil {
			return Range{}, fmt.Errorf("%q: %w", text, err)
		}
	}
	if r.Lo > r.Hi {
		return Range{}, fmt.Errorf("%q is empty", text)
	}
	return r, nil
}

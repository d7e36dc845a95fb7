package label

import "github.com/omnimedseg/omnimedfs/convertcore"

func init() {
	Register("below", func(arg any) (convertcore.Selector, error) {
		x, err := number(arg)
		return Below(x), err
	})
}

// Below selects the pixels of which all colours lie below a threshold, after
// slope and intercept in NIfTI: dark ink on a bright page. Alpha does not
// count.
type Below float64

// Mask implements convertcore.Selector.
func (b Below) Mask(dst []byte, src convertcore.Image) error {
	return gather(dst, src, func(x float64) bool { return x < float64(b) })
}

// gather selects the pixels of which every colour is accepted.
func gather(dst []byte, src convertcore.Image, accept func(float64) bool) error {
	s, err := newSamples(dst, src)
	if err != nil {
		return err
	}
	if s.colors() == 1 {
		s.mask(dst, accept, true)
		return nil
	}
	// All are accepted where none is refused.
	refused := make([]byte, len(dst))
	s.mask(refused, func(x float64) bool { return !accept(x) }, true)
	for i, v := range refused {
		dst[i] |= 1 - v
	}
	return nil
}

package label

import "github.com/omnimedseg/omnimedfs/convertcore"

func init() {
	Register("above", func(arg any) (convertcore.Selector, error) {
		x, err := number(arg)
		return Above(x), err
	})
}

// Above selects the pixels of which any colour lies above a threshold, after
// slope and intercept in NIfTI. Alpha does not count.
type Above float64

// Mask implements convertcore.Selector.
func (a Above) Mask(dst []byte, src convertcore.Image) error {
	s, err := newSamples(dst, src)
	if err != nil {
		return err
	}
	s.mask(dst, func(x float64) bool { return x > float64(a) }, true)
	return nil
}

package label

import (
	"encoding/binary"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

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
	over := func(x float64) bool { return x > float64(a) }
	if s.Bits == 8 && s.Channels == 1 {
		maskBytes(dst, s.data[:len(dst)], (*[256]byte)(s.table(over)))
		return nil
	}
	s.mask(dst, over, true)
	return nil
}

// maskBytes sets dst where table has 1. Masks are mostly background: eight
// pixels of one value that is not selected are passed over at once.
func maskBytes(dst, data []byte, table *[256]byte) {
	le := binary.LittleEndian
	n := len(data) &^ 7
	for i := 0; i < n; i += 8 {
		v := le.Uint64(data[i:])
		if v == uint64(data[i])*0x0101010101010101 {
			d := le.Uint64(dst[i:])
			le.PutUint64(dst[i:], d|uint64(table[data[i]])*0x0101010101010101)
			continue
		}
		d, t := dst[i:i+8:i+8], data[i:i+8:i+8]
		for j := range d {
			d[j] |= table[t[j]]
		}
	}
	for i := n; i < len(data); i++ {
		dst[i] |= table[data[i]]
	}
}

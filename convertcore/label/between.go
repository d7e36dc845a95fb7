package label

import (
	"fmt"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

func init() {
	Register("between", func(arg any) (convertcore.Selector, error) {
		list, ok := arg.([]any)
		if !ok || len(list) != 2 {
			return nil, fmt.Errorf("%v is not [least, greatest]", arg)
		}
		lo, err := number(list[0])
		if err != nil {
			return nil, err
		}
		hi, err := number(list[1])
		if err != nil {
			return nil, err
		}
		if !(lo <= hi) {
			return nil, fmt.Errorf("%v is empty", arg)
		}
		return Between{lo, hi}, nil
	})
}

// Between selects the pixels all of whose colours lie in the range, both ends
// included, also between integers; see Below.
type Between Range

// Mask implements convertcore.Selector.
func (b Between) Mask(dst []byte, src convertcore.Image) error {
	return gather(dst, src, func(x float64) bool { return b.Lo <= x && x <= b.Hi })
}

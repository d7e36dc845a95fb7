package metric

import "fmt"

func init() { Register("nsd_cvpr25", newNSDCVPR25) }

// newNSDCVPR25 is nsd as the CVPR 2025 interactive segmentation challenge
// scores it: 0 where the Dice is not above 0.2. The argument is tau, 2 without
// one.
func newNSDCVPR25(arg string) (Metric, error) {
	if arg == "" {
		arg = "2"
	}
	nsd, err := newNSD("nsd_cvpr25", arg, (*Pair).surfels)
	if err != nil {
		return nil, fmt.Errorf("tau: %w", err)
	}
	inner := nsd.(shared)
	return shared{inner.name, true, func(p *Pair) float64 {
		if dice(p) <= 0.2 {
			return 0
		}
		return inner.of(p)
	}}, nil
}

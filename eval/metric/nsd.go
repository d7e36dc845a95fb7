package metric

import (
	"fmt"
	"math"
	"strconv"
)

func init() {
	Register("nsd", func(arg string) (Metric, error) { return newNSD("nsd", arg, (*Pair).surfels) })
	Register("nsd_voxel", func(arg string) (Metric, error) { return newNSD("nsd_voxel", arg, (*Pair).borders) })
}

// newNSD is the normalized surface Dice: the part of both surfaces that lies
// within tau mm of the other one. nsd weighs surface elements by area, as
// surface-distance does; nsd_voxel counts border voxels, as MONAI does. The
// argument is tau, 1 without one.
func newNSD(name, arg string, spreads func(p *Pair) (a, b *spread)) (Metric, error) {
	tau, err := positive(arg, 1)
	if err != nil {
		return nil, err
	}
	return shared{fmt.Sprintf("%s@%v", name, tau), true, func(p *Pair) float64 {
		if p.Status() != OK {
			return p.ratio(0, 1)
		}
		a, b := spreads(p)
		return (a.within(tau) + b.within(tau)) / (a.total + b.total)
	}}, nil
}

// positive reads a number of at least 0, or gives the default for "".
func positive(arg string, byDefault float64) (float64, error) {
	if arg == "" {
		return byDefault, nil
	}
	v, err := strconv.ParseFloat(arg, 64)
	if err != nil || !(v >= 0) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a number of at least 0", arg)
	}
	return v, nil
}

package metric

import (
	"fmt"
	"math"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

func init() { Register("biou", newBoundaryIoU) }

// newBoundaryIoU is the IoU of the two masks' boundary regions, the voxels
// that a square (cube in 3-D) of side 2d+1 around them does not fit inside of
// the mask (B. Cheng et al., Boundary IoU, 2021). d is a part of the image
// diagonal in voxels, at least 1: the argument, 0.02 without one.
func newBoundaryIoU(arg string) (Metric, error) {
	part, err := positive(arg, 0.02)
	if err != nil {
		return nil, err
	}
	name := "biou"
	if arg != "" {
		name = fmt.Sprintf("biou@%v", part)
	}
	return shared{name, true, func(p *Pair) float64 {
		if p.Status() != OK {
			return p.ratio(0, 1)
		}
		sum := 0.0
		for _, n := range p.Truth.Dims() {
			sum += float64(n) * float64(n)
		}
		d := max(1, int(math.RoundToEven(part*math.Sqrt(sum))))
		// Wider than the mask, every further step is the same.
		size := p.Truth.Shape()
		d = min(d, max(size[0], size[1], size[2]))
		return boundaryIoU(p, d)
	}}, nil
}

func boundaryIoU(p *Pair, d int) float64 {
	tmp := &p.work.tmp
	boundaryRegion(tmp, p.Pred, d)
	tp, fp, fn, _, err := mask.Confusion(tmp, p.ref.boundary(d))
	if err != nil {
		return nan
	}
	return float64(tp) / float64(tp+fp+fn)
}

// boundary is the truth's boundary region of width d.
func (r *Reference) boundary(d int) *mask.Mask {
	r.regionMu.Lock()
	defer r.regionMu.Unlock()
	if r.regions == nil {
		r.regions = map[int]*mask.Mask{}
	}
	m, ok := r.regions[d]
	if !ok {
		m = new(mask.Mask)
		boundaryRegion(m, r.truth, d)
		r.regions[d] = m
	}
	return m
}

// boundaryRegion makes dst the voxels of m within d of its outside.
func boundaryRegion(dst, m *mask.Mask, d int) {
	dst.ErodeBox(m, d)
	_ = dst.Xor(dst, m) // both have m's axes
}

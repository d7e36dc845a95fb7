package metric

func init() { define("hd", false, hausdorff) }

// hausdorff is the largest distance in mm from a border voxel of one mask to
// the border of the other.
func hausdorff(p *Pair) float64 {
	return p.distance(func() float64 {
		a, b := p.borders()
		return max(a.max(), b.max())
	})
}

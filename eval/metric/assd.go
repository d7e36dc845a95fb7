package metric

func init() { define("assd", false, assd) }

// assd is the average symmetric surface distance in mm: the mean over the
// border voxels of both masks together (MetricsReloaded).
func assd(p *Pair) float64 {
	return p.distance(func() float64 {
		a, b := p.borders()
		return (a.sum() + b.sum()) / float64(a.n+b.n)
	})
}

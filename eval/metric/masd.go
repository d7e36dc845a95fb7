package metric

func init() { define("masd", false, masd) }

// masd is the mean of the two directions' mean distances in mm
// (MetricsReloaded; MedPy calls it assd).
func masd(p *Pair) float64 {
	return p.distance(func() float64 {
		a, b := p.borders()
		return (a.mean() + b.mean()) / 2
	})
}

package metric

func init() {
	define("hd95", false, hausdorff95)
	define("hd95_pooled", false, hausdorff95Pooled)
	define("hd95_surfel", false, hausdorff95Surfel)
	define("hd_surfel", false, hausdorffSurfel)
}

// hausdorff95 is the larger of the two directions' 95th percentiles of the
// distance between border voxels (MONAI, MetricsReloaded).
func hausdorff95(p *Pair) float64 {
	return p.distance(func() float64 {
		a, b := p.borders()
		return max(a.percentile(0.95), b.percentile(0.95))
	})
}

// hausdorff95Pooled is the 95th percentile of both directions together
// (MedPy).
func hausdorff95Pooled(p *Pair) float64 {
	return p.distance(func() float64 {
		a, b := p.borders()
		return pooledPercentile(a, b, 0.95)
	})
}

// hausdorff95Surfel is the larger of the two distances within which 95 % of a
// surface's area lies (surface-distance).
func hausdorff95Surfel(p *Pair) float64 {
	return p.distance(func() float64 {
		a, b := p.surfels()
		return max(a.robust(0.95), b.robust(0.95))
	})
}

// hausdorffSurfel is hausdorff95Surfel for all of the area.
func hausdorffSurfel(p *Pair) float64 {
	return p.distance(func() float64 {
		a, b := p.surfels()
		return max(a.robust(1), b.robust(1))
	})
}

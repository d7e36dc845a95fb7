package metric

func init() { define("fnv", false, falseNegativeVolume) }

// falseNegativeVolume is the volume in ml (in 2-D the area in mm²) of the
// truth's components that the prediction misses altogether (autoPET).
func falseNegativeVolume(p *Pair) float64 {
	return p.missedVoxels(p.Truth, p.Pred) * p.volumeUnit()
}

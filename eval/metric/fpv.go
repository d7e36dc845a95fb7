package metric

func init() { define("fpv", false, falsePositiveVolume) }

// falsePositiveVolume is the volume in ml (in 2-D the area in mm²) of the
// prediction's components that touch no true voxel (autoPET; 18-connected, in
// 2-D 8-connected).
func falsePositiveVolume(p *Pair) float64 {
	return p.missedVoxels(p.Pred, p.Truth) * p.volumeUnit()
}

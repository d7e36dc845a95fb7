package metric

func init() { define("dice", true, dice) }

// dice is 2·TP / (2·TP + FP + FN), the F1 score of voxels.
func dice(p *Pair) float64 { return p.ratio(2*float64(p.TP), float64(2*p.TP+p.FP+p.FN)) }

package metric

func init() { define("specificity", true, specificity) }

// specificity is TN / (TN + FP): the part of the background that was left
// alone. It is 1 where the truth leaves no background.
func specificity(p *Pair) float64 {
	if p.TN+p.FP == 0 {
		return 1
	}
	return float64(p.TN) / float64(p.TN+p.FP)
}

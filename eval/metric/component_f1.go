package metric

func init() { define("cf1", true, componentF1) }

// componentF1 is the F1 score of components (full connectivity): a component
// is found where one voxel at least is in the other mask; FN are truth
// components that are not, FP prediction components that are not.
func componentF1(p *Pair) float64 {
	if p.Status() != OK {
		return p.ratio(0, 1)
	}
	m := p.lesions()
	tp := float64(m.truthFound)
	return 2 * tp / (2*tp + float64(m.truth-m.truthFound) + float64(m.pred-m.predFound))
}

package metric

import "github.com/omnimedseg/omnimedfs/eval/mask"

func init() { define("cldice", true, clDice) }

// clDice is the harmonic mean of the part of the prediction's skeleton that
// lies in the truth and of the truth's that lies in the prediction (S. Shit et
// al., clDice, 2021). Skeletons are Zhang-Suen's in 2-D and Lee's in 3-D.
func clDice(p *Pair) float64 {
	if p.Status() != OK {
		return p.ratio(0, 1)
	}
	if p.once(haveThin) {
		truth := p.ref.truthThin()
		_ = p.work.thinner.Thin(&p.thin, p.Pred)
		p.thinTP = part(&p.thin, p.Truth)
		p.thinSens = part(truth, p.Pred)
	}
	if p.thinTP+p.thinSens == 0 {
		return 0
	}
	return 2 * p.thinTP * p.thinSens / (p.thinTP + p.thinSens)
}

// part is the part of thin that lies in m.
func part(thin, m *mask.Mask) float64 {
	n := thin.Count()
	in, err := mask.CountAnd(thin, m)
	if err != nil || n == 0 {
		return 0
	}
	return float64(in) / float64(n)
}

package metric

import "github.com/omnimedseg/omnimedfs/eval/mask"

func init() { define("lesion_dice", true, lesionDice) }

// lesionDice is the mean Dice over the truth's components, each compared with
// all prediction components that touch it; a prediction component that touches
// none counts as one more of Dice 0 (BraTS 2023's lesion-wise Dice without its
// dilation and size threshold).
func lesionDice(p *Pair) float64 {
	if p.Status() != OK {
		return p.ratio(0, 1)
	}
	m := p.lesions()
	return m.diceSum / float64(m.truth+m.pred-m.predFound)
}

// lesionDiceSum sums the Dice of every truth component.
func lesionDiceSum(truth, pred *mask.Labeling) float64 {
	shared, size := make([]int, truth.Len()), make([]int, truth.Len())
	truth.Overlaps(pred, func(t, p, voxels int) {
		shared[t] += voxels
		size[t] += pred.Component(p).Size
	})
	sum := 0.0
	for i := range truth.Len() {
		sum += 2 * float64(shared[i]) / float64(truth.Component(i).Size+size[i])
	}
	return sum
}

package metric

import "github.com/omnimedseg/omnimedfs/eval/mask"

// matches says how the components of truth and prediction meet. A component is
// found where one voxel at least is in the other mask.
type matches struct {
	truth, pred           int     // components
	truthFound, predFound int     // of them met by the other mask
	truthMissed           int     // voxels of truth components that are not
	predMissed            int     // voxels of prediction components that are not
	diceSum               float64 // over truth components, see lesion_dice.go
}

// lesions counts the components (full connectivity) of both masks and how they
// meet.
func (p *Pair) lesions() *matches {
	if !p.once(haveLesions) {
		return &p.lesionCounts
	}
	m := &p.lesionCounts
	*m = matches{}
	r, l := p.ref, &p.work.label
	r.labelMu.Lock()
	defer r.labelMu.Unlock()
	if r.labels == nil {
		r.labels = new(mask.Labeling)
		// The connectivity fits, so Label cannot fail.
		_ = r.labels.Label(p.Truth, mask.FullConnectivity(p.Truth.NDim()))
	}
	_ = l.Label(p.Pred, mask.FullConnectivity(p.Pred.NDim()))
	m.truth, m.pred = r.labels.Len(), l.Len()
	m.truthFound, m.truthMissed = p.work.meet(r.labels, p.Pred)
	m.predFound, m.predMissed = p.work.meet(l, p.Truth)
	m.diceSum = lesionDiceSum(r.labels, l)
	return m
}

// meet counts the components that o touches, and the voxels of the others.
func (w *Work) meet(l *mask.Labeling, o *mask.Mask) (found, missed int) {
	w.met = l.Meet(w.met, o)
	for i, met := range w.met {
		if met {
			found++
		} else {
			missed += l.Component(i).Size
		}
	}
	return found, missed
}

// missedVoxels labels with the connectivity that autoPET counts with, 18 in 3-D,
// and returns the voxels of components that the other mask does not touch.
func (p *Pair) missedVoxels(of, other *mask.Mask) float64 {
	c := mask.Connectivity(18)
	if of.NDim() == 2 {
		c = 8
	}
	l := &p.work.label
	_ = l.Label(of, c)
	_, missed := p.work.meet(l, other)
	return float64(missed)
}

package metric

import "github.com/omnimedseg/omnimedfs/eval/mask"

// Pair is one prediction beside the truth. Each part is computed when first
// asked for.
type Pair struct {
	Pred, Truth    *mask.Mask
	TP, FP, FN, TN int // voxels

	ref  *Reference
	work *Work
	have parts

	border       mask.Mask // of Pred
	corners      surface   // of Pred
	thin         mask.Mask // of Pred
	toTruth      spread    // border of Pred -> border of Truth
	toPred       spread
	cornerTruth  spread // the same between the surfaces of corners
	cornerPred   spread
	thinTP       float64
	thinSens     float64
	lesionCounts matches
}

// parts says what of a Pair has been computed.
type parts uint8

const (
	haveBorders parts = 1 << iota
	haveCorners
	haveThin
	haveLesions
)

// once tells whether part is still to be computed, and notes that it will be.
func (p *Pair) once(part parts) bool {
	if p.have&part != 0 {
		return false
	}
	p.have |= part
	return true
}

// Status says which masks hold anything.
func (p *Pair) Status() Status {
	switch gt, pred := p.TP+p.FN > 0, p.TP+p.FP > 0; {
	case gt && pred:
		return OK
	case gt:
		return PredEmpty
	case pred:
		return GTEmpty
	}
	return BothEmpty
}

// ratio is a / b by the convention for overlaps: 1 where both masks are empty,
// 0 where one is.
func (p *Pair) ratio(a, b float64) float64 {
	switch p.Status() {
	case BothEmpty:
		return 1
	case OK:
		return a / b
	}
	return 0
}

// distance is of() by the convention for distances: 0 where both masks are
// empty, undefined where one is.
func (p *Pair) distance(of func() float64) float64 {
	switch p.Status() {
	case BothEmpty:
		return 0
	case OK:
		return of()
	}
	return nan
}

// borders returns the distances in mm between the inner voxel borders (face
// connectivity, outside the image background), from the prediction's to the
// truth's and back. Both masks hold something.
func (p *Pair) borders() (toTruth, toPred *spread) {
	if p.once(haveBorders) {
		r, w := p.ref, p.work
		r.borderOnce.Do(func() { r.border.Border(r.truth) })
		p.border.Border(p.Pred)
		p.toTruth.measure(&w.nearest, &w.sort, &r.border, &p.border, nil, nil)
		p.toPred.measure(&w.nearest, &w.sort, p.truthSpaced(&p.border), &r.border, nil, nil)
	}
	return &p.toTruth, &p.toPred
}

// truthSpaced gives a mask made from the prediction the truth's spacing.
func (p *Pair) truthSpaced(m *mask.Mask) *mask.Mask {
	m.SetSpacing(p.Truth)
	return m
}

// surfels returns the distances in mm between the surface elements at voxel
// corners, each weighted with its area (length in 2-D).
func (p *Pair) surfels() (toTruth, toPred *spread) {
	if p.once(haveCorners) {
		r, w := p.ref, p.work
		r.cornerOnce.Do(func() {
			r.corners.find(r.truth)
			r.areas = areasOf(r.truth.Spacing())
		})
		p.corners.find(p.Pred)
		p.truthSpaced(&p.corners.at)
		p.cornerTruth.measure(&w.corner, &w.sort, &r.corners.at, &p.corners.at, p.corners.codes, &r.areas)
		p.cornerPred.measure(&w.corner, &w.sort, &p.corners.at, &r.corners.at, r.corners.codes, &r.areas)
	}
	return &p.cornerTruth, &p.cornerPred
}

// surface is the corners of voxels that a mask's surface passes, with the code
// of which voxels around are set.
type surface struct {
	at    mask.Mask
	codes []uint8
}

func (s *surface) find(m *mask.Mask) { s.codes = s.at.Corners(m, s.codes) }

// truthThin is the truth's skeleton.
func (r *Reference) truthThin() *mask.Mask {
	r.thinOnce.Do(func() {
		var s mask.Skeleton
		// The error is that of a skeleton for other axes than the mask has.
		_ = s.Thin(&r.thin, r.truth)
	})
	return &r.thin
}

// volumeUnit is the volume of a voxel in ml, in 2-D its area in mm².
func (p *Pair) volumeUnit() float64 {
	v := 1.0
	for _, s := range p.Truth.Spacing() {
		v *= s
	}
	if p.Truth.NDim() == 3 {
		v /= 1000
	}
	return v
}

package metric

import (
	"fmt"
	"math"
	"sync"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

var nan = math.NaN()

// Status says which masks hold anything.
type Status string

const (
	OK        Status = "ok"
	GTEmpty   Status = "gt_empty"
	PredEmpty Status = "pred_empty"
	BothEmpty Status = "both_empty"
)

// Result is the metrics of one prediction.
type Result struct {
	Status  Status
	Values  []float64 // one for each metric asked for; NaN where undefined
	Penalty float64   // mm: the image diagonal, in place of an undefined distance
}

// Reference is a true mask with all that the metrics need of it, computed when
// first asked for and kept: over the steps of a session and over users. It is
// safe for many goroutines, each with a Work of its own. The mask must not
// change.
type Reference struct {
	truth *mask.Mask
	count int

	borderOnce sync.Once
	border     mask.Mask // inner voxel border
	cornerOnce sync.Once
	corners    surface
	areas      areaTable
	thinOnce   sync.Once
	thin       mask.Mask
	regionMu   sync.Mutex
	regions    map[int]*mask.Mask // boundary regions by width
	labelMu    sync.Mutex
	labels     *mask.Labeling // full connectivity
}

// NewReference prepares truth.
func NewReference(truth *mask.Mask) *Reference {
	return &Reference{truth: truth, count: truth.Count()}
}

// Truth returns the mask.
func (r *Reference) Truth() *mask.Mask { return r.truth }

// Work is the scratch memory of one goroutine that computes metrics. The zero
// value is ready; Workers is the number of goroutines that it may use itself
// (0 means 1), on which no result depends.
type Work struct {
	Workers int
	pair    Pair
	nearest mask.Nearest
	corner  mask.Nearest
	sort    sorter
	label   mask.Labeling
	met     []bool // components that the other mask touches
	thinner mask.Skeleton
	tmp     mask.Mask
}

// Compute returns the metrics of pred. mask.ErrGrid where its axes are not the
// truth's.
func (r *Reference) Compute(w *Work, pred *mask.Mask, metrics []Metric) (Result, error) {
	p, err := r.Pair(w, pred)
	if err != nil {
		return Result{}, err
	}
	res := Result{Status: p.Status(), Penalty: r.truth.Diagonal(), Values: make([]float64, len(metrics))}
	for i, m := range metrics {
		if pm, ok := m.(PairMetric); ok {
			res.Values[i] = pm.ComputePair(p)
		} else {
			res.Values[i] = m.Compute(pred, r.truth)
		}
	}
	return res, nil
}

// Compute returns the metrics of one pair of masks.
func Compute(pred, truth *mask.Mask, metrics []Metric) (Result, error) {
	return NewReference(truth).Compute(new(Work), pred, metrics)
}

// Named returns the values by name, nil where undefined: the form that JSON
// wants.
func (r Result) Named(metrics []Metric) map[string]*float64 {
	out := make(map[string]*float64, len(metrics))
	for i, m := range metrics {
		if v := r.Values[i]; math.IsNaN(v) || math.IsInf(v, 0) {
			out[m.Name()] = nil
		} else {
			out[m.Name()] = &v
		}
	}
	return out
}

// Pair prepares pred for metrics that share. It is valid until w is used
// again.
func (r *Reference) Pair(w *Work, pred *mask.Mask) (*Pair, error) {
	tp, fp, fn, tn, err := mask.ConfusionOf(pred, r.truth, r.count)
	if err != nil {
		return nil, fmt.Errorf("prediction and truth: %w", err)
	}
	p := &w.pair
	p.Pred, p.Truth, p.ref, p.work = pred, r.truth, r, w
	p.TP, p.FP, p.FN, p.TN = tp, fp, fn, tn
	p.have = 0
	w.nearest.Workers, w.corner.Workers = w.Workers, w.Workers
	w.corner.Share(&w.nearest)
	return p, nil
}

package report

import (
	"errors"
	"fmt"
	"math"

	"github.com/omnimedseg/omnimedfs/eval/metric"
	"github.com/omnimedseg/omnimedfs/eval/session"
)

// unit is what one unit's records come to.
type unit struct {
	session.Unit
	steps  []int
	status string // of the last step
	failed int    // steps
	gt     metric.Status
	curves []metric.Curve // in the order of the run's metrics; NaN where undefined
	filled []metric.Curve // distances: the penalty where undefined
}

// Run is a run read back.
type Run struct {
	Dir   string
	Info  *session.Info
	units []unit
	names []string // metrics
	lower []bool   // metrics of which less is better
}

// Load reads the records of a run. Units that are not finished are an error
// unless partial.
func Load(dir string, partial bool) (*Run, error) {
	info, err := session.ReadInfo(dir)
	if err != nil {
		return nil, err
	}
	r := &Run{Dir: dir, Info: info, names: info.Config.Metrics}
	for _, n := range r.names {
		m, err := metric.Open(n)
		r.lower = append(r.lower, err == nil && !m.HigherIsBetter())
	}
	if err := session.Records(dir, func(rec *session.Record) error { r.add(rec); return nil }); err != nil {
		return nil, err
	}
	if len(r.units) != info.Units && !partial {
		return nil, fmt.Errorf("%s: %d of %d units are recorded; omnieval resume finishes the run", dir, len(r.units), info.Units)
	}
	if len(r.units) == 0 {
		return nil, errors.New(dir + ": no unit is recorded")
	}
	return r, nil
}

// add takes the next record; those of a unit come together.
func (r *Run) add(rec *session.Record) {
	if n := len(r.units); n == 0 || r.units[n-1].Unit != rec.Unit {
		u := unit{Unit: rec.Unit, gt: metric.Status(rec.MetricStatus)}
		for range r.names {
			u.curves = append(u.curves, metric.Curve{First: rec.Step})
			u.filled = append(u.filled, metric.Curve{First: rec.Step})
		}
		r.units = append(r.units, u)
	}
	u := &r.units[len(r.units)-1]
	u.steps = append(u.steps, rec.Step)
	u.status = rec.Status
	if rec.Failed() {
		u.failed++
	}
	for i, n := range r.names {
		v, filled := math.NaN(), math.NaN()
		if p := rec.Metrics[n]; p != nil {
			v, filled = *p, *p
		} else if r.lower[i] {
			filled = rec.Penalty
		}
		u.curves[i].Values = append(u.curves[i].Values, v)
		u.filled[i].Values = append(u.filled[i].Values, filled)
	}
}

// gtEmpty tells whether the unit's class is absent from the case.
func (u *unit) gtEmpty() bool { return u.gt == metric.GTEmpty || u.gt == metric.BothEmpty }

// summed is the part of a curve that areas are over.
func (r *Run) summed(c metric.Curve) metric.Curve {
	if from := r.Info.Config.AUCFrom; from != nil {
		return c.From(*from)
	}
	return c
}

// index returns the position of a metric, -1 where the run does not have it.
func (r *Run) index(name string) int {
	for i, n := range r.names {
		if n == name {
			return i
		}
	}
	return -1
}

// main is the metric that plots and rankings are of: that of the NoC, else the
// first.
func (r *Run) main() int { return max(0, r.index(r.Info.Config.NoCMetric)) }

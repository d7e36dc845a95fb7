package metric

import "math"

// Curve is one metric's value after each step of an interaction. Values[0] is
// step First; a step that brought nothing new repeats the value before it, so
// that all curves of a budget are equally long (Extend).
type Curve struct {
	First  int
	Values []float64
}

// Extend repeats the last value until the curve reaches step last; an empty
// curve stays empty.
func (c Curve) Extend(last int) Curve {
	if len(c.Values) == 0 {
		return c
	}
	v := append([]float64(nil), c.Values...)
	for c.First+len(v) <= last {
		v = append(v, v[len(v)-1])
	}
	return Curve{c.First, v}
}

// From drops the steps before first.
func (c Curve) From(first int) Curve {
	drop := min(max(0, first-c.First), len(c.Values))
	return Curve{c.First + drop, c.Values[drop:]}
}

// Last keeps the last n values. The CVPR 2025 challenge scores
// Last(5).AUCRaw(): clicks 1 to 5 without the box, from 0 to 4.
func (c Curve) Last(n int) Curve {
	drop := max(0, len(c.Values)-n)
	return Curve{c.First + drop, c.Values[drop:]}
}

// AUC is the area under the curve divided by its length, in the metric's own
// units: the trapezoid rule over n-1. A curve of one value has that value, an
// empty one NaN.
func (c Curve) AUC() float64 {
	switch n := len(c.Values); n {
	case 0:
		return nan
	case 1:
		return c.Values[0]
	default:
		return c.AUCRaw() / float64(n-1)
	}
}

// AUCRaw is the trapezoid rule with steps of 1, not normalized; 0 for a curve
// of one value, NaN for an empty one.
func (c Curve) AUCRaw() float64 {
	if len(c.Values) == 0 {
		return nan
	}
	sum := 0.0
	for i := 1; i < len(c.Values); i++ {
		sum += (c.Values[i-1] + c.Values[i]) / 2
	}
	return sum
}

// Final is the last value, NaN for an empty curve.
func (c Curve) Final() float64 {
	if len(c.Values) == 0 {
		return nan
	}
	return c.Values[len(c.Values)-1]
}

// Best is the best value of all steps, undefined ones left out; NaN where
// there is none.
func (c Curve) Best(higherIsBetter bool) float64 {
	best := nan
	for _, v := range c.Values {
		if math.IsNaN(best) || v > best == higherIsBetter && v != best && !math.IsNaN(v) {
			best = v
		}
	}
	return best
}

// Clicks is a number of clicks to reach a score.
type Clicks struct {
	N      int  // clicks, the budget where the score was never reached
	Max    int  // the budget
	Failed bool // never reached
}

// NoC counts the clicks until a score of at least target. Step 0 is before the
// first click and does not count, unless the curve has nothing else; the
// budget is the number of values that count. An empty curve fails with 0.
func (c Curve) NoC(target float64) Clicks {
	v := c.Values
	if c.First == 0 && len(v) > 1 {
		v = v[1:]
	}
	for i, x := range v {
		if x >= target {
			return Clicks{N: i + 1, Max: len(v)}
		}
	}
	return Clicks{N: len(v), Max: len(v), Failed: true}
}

// FailedRITM is RITM's count of failures, which takes a success at exactly the
// last click for one.
func (c Clicks) FailedRITM() bool { return c.N >= c.Max }

// Summary is a metric made interactive.
type Summary struct {
	First, N           int // first step and number of values that the areas are over
	AUC, AUCRaw, Final float64
	Best               float64
}

// Summarize sums the curve up. Step 0 is part of it exactly when the curve has
// it, that is when there was a prediction before any correction; From drops it.
func (c Curve) Summarize(higherIsBetter bool) Summary {
	return Summary{
		First: c.First, N: len(c.Values),
		AUC: c.AUC(), AUCRaw: c.AUCRaw(), Final: c.Final(), Best: c.Best(higherIsBetter),
	}
}

// Thresholds are the scores that NoC and NoF are reported for.
var Thresholds = []float64{0.80, 0.85, 0.90}

// NoF is the number of curves that never reach target.
func NoF(curves []Curve, target float64) int {
	n := 0
	for _, c := range curves {
		if c.NoC(target).Failed {
			n++
		}
	}
	return n
}

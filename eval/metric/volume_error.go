package metric

import "math"

func init() { define("rve", false, volumeError) }

// volumeError is the relative volume error |V(pred) - V(truth)| / V(truth): 0
// where both masks are empty, undefined where only the truth is.
func volumeError(p *Pair) float64 {
	switch p.Status() {
	case BothEmpty:
		return 0
	case GTEmpty:
		return nan
	}
	return math.Abs(float64(p.FP-p.FN)) / float64(p.TP+p.FN)
}

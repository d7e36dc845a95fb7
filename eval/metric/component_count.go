package metric

import "math"

func init() { define("count_error", false, componentCountError) }

// componentCountError is the difference between the numbers of components
// (full connectivity), without its sign.
func componentCountError(p *Pair) float64 {
	m := p.lesions()
	return math.Abs(float64(m.pred - m.truth))
}

package metric

func init() { define("precision", true, precision) }

// precision is TP / (TP + FP): the part of the prediction that is right.
func precision(p *Pair) float64 { return p.ratio(float64(p.TP), float64(p.TP+p.FP)) }

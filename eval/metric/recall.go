package metric

func init() { define("recall", true, recall) }

// recall is TP / (TP + FN): the part of the truth that was found
// (sensitivity).
func recall(p *Pair) float64 { return p.ratio(float64(p.TP), float64(p.TP+p.FN)) }

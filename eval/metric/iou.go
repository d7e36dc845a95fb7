package metric

func init() { define("iou", true, iou) }

// iou is TP / (TP + FP + FN), the Jaccard index.
func iou(p *Pair) float64 { return p.ratio(float64(p.TP), float64(p.TP+p.FP+p.FN)) }

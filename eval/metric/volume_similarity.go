package metric

import "math"

func init() { define("vs", true, volumeSimilarity) }

// volumeSimilarity is 1 - |FN - FP| / (2·TP + FP + FN) (Taha and Hanbury,
// Metrics for evaluating 3D medical image segmentation, 2015): it compares
// volumes only, not where they lie.
func volumeSimilarity(p *Pair) float64 {
	return p.ratio(float64(2*p.TP+p.FP+p.FN)-math.Abs(float64(p.FN-p.FP)), float64(2*p.TP+p.FP+p.FN))
}

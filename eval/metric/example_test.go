package metric_test

import (
	"fmt"
	"math"

	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/metric"
)

// bias is a metric of one's own: how much larger the prediction is than the
// truth, with its sign. Three methods make a Metric; NaN means undefined.
type bias struct{}

func (bias) Name() string         { return "bias" }
func (bias) HigherIsBetter() bool { return false }
func (bias) Compute(pred, truth *mask.Mask) float64 {
	n := truth.Count()
	if n == 0 {
		return math.NaN()
	}
	return float64(pred.Count()-n) / float64(n)
}

// Registered from init, a metric is known by its name to every command:
// omnieval metrics GT PRED --metrics dice,bias. A metric that needs voxel
// counts may implement PairMetric too and take them from the Pair.
func init() {
	metric.Register("bias", func(string) (metric.Metric, error) { return bias{}, nil })
}

// A user adds a metric in Go: one type, registered under a name.
func Example_addMetric() {
	truth, _ := mask.FromBytes([]int{2, 4}, nil, []byte{0, 1, 1, 0, 0, 1, 1, 0}, mask.COrder)
	pred, _ := mask.FromBytes([]int{2, 4}, nil, []byte{1, 1, 1, 0, 1, 1, 1, 0}, mask.COrder)
	metrics, err := metric.Parse("dice,bias,hd")
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := metric.Compute(pred, truth, metrics)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, m := range metrics {
		fmt.Printf("%s %.2f\n", m.Name(), res.Values[i])
	}
	// Output:
	// dice 0.80
	// bias 0.50
	// hd 1.00
}

package report

import (
	"math"
	"math/rand/v2"
	"sort"

	"github.com/omnimedseg/omnimedfs/eval/robot"
)

const (
	// resamples of a bootstrap: the ends of a 95 % interval move by about 2 %
	// of its width from seed to seed.
	resamples = 1000
	// bootstrapMax is how many values are resampled; above, the normal
	// approximation is as good and a thousand times faster.
	bootstrapMax = 5000
	normal95     = 1.959963984540054 // 97.5 % quantile of N(0, 1)
)

// interval is a mean with its 95 % confidence interval.
type interval struct{ mean, low, high, median float64 }

// bootstrap is the percentile bootstrap of the mean. name keys the random
// numbers: equal data and name give equal intervals.
func bootstrap(v []float64, name string) interval {
	b := stratified([]sample{{values: v}}, name)
	b.median = median(v)
	return b
}

// stratified is the mean of the samples' means, each resampled on its own.
func stratified(samples []sample, name string) interval {
	var means []float64
	largest := 0
	for _, s := range samples {
		means = append(means, mean(s.values))
		largest = max(largest, len(s.values))
	}
	b := interval{mean: mean(means), median: median(means)}
	if largest > bootstrapMax {
		half := normal95 * standardError(samples)
		b.low, b.high = b.mean-half, b.mean+half
		return b
	}
	rng := robot.Key{User: "bootstrap\x00" + name}.Rand()
	draws := make([]float64, resamples)
	for i := range draws {
		sum := 0.0
		for _, s := range samples {
			sum += resample(s.values, rng)
		}
		draws[i] = sum / float64(len(samples))
	}
	sort.Float64s(draws)
	b.low, b.high = quantile(draws, 0.025), quantile(draws, 0.975)
	return b
}

func resample(v []float64, rng *rand.Rand) float64 {
	sum := 0.0
	for range v {
		sum += v[rng.IntN(len(v))]
	}
	return sum / float64(len(v))
}

func standardError(samples []sample) float64 {
	total := 0.0
	for _, s := range samples {
		m, sum := mean(s.values), 0.0
		for _, x := range s.values {
			sum += (x - m) * (x - m)
		}
		n := float64(len(s.values))
		total += sum / math.Max(1, n-1) / n
	}
	return math.Sqrt(total) / float64(len(samples))
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// quantile is that of sorted values, linear between them.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	f := at - float64(i)
	return sorted[i]*(1-f) + sorted[i+1]*f
}

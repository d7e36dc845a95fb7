package report

import (
	"math"
	"slices"
	"sort"
	"strconv"
)

// statistic is one number of a unit that is averaged.
type statistic struct {
	metric, name string
	of           func(u *unit) float64
}

func (r *Run) statistics() []statistic {
	var out []statistic
	for i, n := range r.names {
		curve := func(u *unit) []float64 {
			s := r.summed(u.filled[i]).Summarize(!r.lower[i])
			return []float64{s.AUC, s.AUCRaw, s.Final, s.Best}
		}
		for k, name := range []string{"auc", "auc_raw", "final", "best"} {
			out = append(out, statistic{n, name, func(u *unit) float64 { return curve(u)[k] }})
		}
		if r.lower[i] { // beside the penalized values: what is defined alone
			out = append(out, statistic{n, "final_defined", func(u *unit) float64 { return u.curves[i].Final() }})
		}
	}
	for _, t := range r.Info.Config.NoC {
		m := r.main()
		out = append(out,
			statistic{r.names[m], "noc@" + r.nocName(t), func(u *unit) float64 { return float64(u.curves[m].NoC(t).N) }},
			statistic{r.names[m], "nof@" + r.nocName(t), func(u *unit) float64 {
				if u.curves[m].NoC(t).Failed {
					return 1
				}
				return 0
			}})
	}
	return out
}

// sample is the value of every case of a dataset: the mean over its classes
// and trials.
type sample struct {
	dataset string
	values  []float64
}

// samples groups a statistic by dataset, for one user and the cases that keep
// lets through. Cases without a defined value are left out.
func (r *Run) samples(s statistic, user string, keep func(u *unit) bool) []sample {
	type key struct{ dataset, id string }
	sums := make(map[key][2]float64)
	var order []key
	for i := range r.units {
		u := &r.units[i]
		if u.User != user || !keep(u) {
			continue
		}
		v := s.of(u)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		k := key{u.Dataset, u.Case}
		if _, ok := sums[k]; !ok {
			order = append(order, k)
		}
		sum := sums[k]
		sums[k] = [2]float64{sum[0] + v, sum[1] + 1}
	}
	var out []sample
	for _, k := range order { // units are in order of datasets
		if n := len(out); n == 0 || out[n-1].dataset != k.dataset {
			out = append(out, sample{dataset: k.dataset})
		}
		last := &out[len(out)-1]
		last.values = append(last.values, sums[k][0]/sums[k][1])
	}
	return out
}

// subsets are the cases that a summary is over. Cases that lack the class say
// something else than the others and are also reported apart.
var subsets = []struct {
	name string
	keep func(u *unit) bool
}{
	{"all", func(*unit) bool { return true }},
	{"gt_present", func(u *unit) bool { return !u.gtEmpty() }},
	{"gt_empty", func(u *unit) bool { return u.gtEmpty() }},
}

// writeSummary writes the mean of every statistic: of each dataset, over all
// cases (micro) and over the datasets' means (macro).
func (r *Run) writeSummary() error {
	header := []string{"level", "dataset", "user", "subset", "metric", "statistic", "cases", "mean", "ci95_low", "ci95_high", "median"}
	return r.write(SummaryFile, header, func(line func([]string) error) error {
		for _, user := range r.Info.Config.Users {
			for _, sub := range subsets {
				for _, s := range r.statistics() {
					if err := r.summaryLines(line, user, sub.name, s, r.samples(s, user, sub.keep)); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
}

func (r *Run) summaryLines(line func([]string) error, user, subset string, s statistic, samples []sample) error {
	if len(samples) == 0 {
		return nil
	}
	put := func(level, dataset string, b interval, n int) error {
		return line([]string{level, dataset, user, subset, s.metric, s.name, strconv.Itoa(n),
			number(b.mean), number(b.low), number(b.high), number(b.median)})
	}
	id := user + "\x00" + subset + "\x00" + s.metric + "\x00" + s.name
	var all []float64
	for _, d := range samples {
		if err := put("dataset", d.dataset, bootstrap(d.values, id+"\x00"+d.dataset), len(d.values)); err != nil {
			return err
		}
		all = append(all, d.values...)
	}
	if err := put("micro", "", bootstrap(all, id), len(all)); err != nil {
		return err
	}
	return put("macro", "", stratified(samples, id), len(all))
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	s := slices.Clone(v)
	sort.Float64s(s)
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

package metric

import (
	"math"
	"slices"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// spread is the distances in mm from one surface to another, in rising order,
// each with its weight: equal ones as one run, as a ragged surface of a large
// volume has a hundred million of them, but few that differ.
type spread struct {
	runs     []run
	spare    []run
	weighted bool
	total    float64 // sum of the weights
}

// run is equal distances of equal weight.
type run struct {
	key  key
	d    float64
	area float64
	end  int // how many distances there are up to and with this run
}

// key is a distance and the class of its area, to be sorted by both.
type key struct {
	bits  uint64 // of the squared distance: positive floats sort like them
	class uint32 // rank of the area
}

// sorter is scratch memory for measuring.
type sorter struct {
	d         []float64
	keys, tmp []key
}

// portion is how many distances are sorted at a time.
const portion = 1 << 20

// measure fills s with the distances from the voxels (or corners) of from to
// the nearest of set. codes and table give each one's area; without them each
// weighs 1.
func (s *spread) measure(n *mask.Nearest, w *sorter, set, from *mask.Mask, codes []uint8, table *areaTable) {
	s.runs = s.runs[:0]
	s.weighted = codes != nil
	w.d = slices.Grow(w.d[:0], min(from.Count(), portion))
	at := 0
	// Grids differ only where a caller passed masks that Pair refuses.
	_ = n.Each(w.d, set, from, portion, func(d []float64) {
		w.keys = slices.Grow(w.keys[:0], len(d))[:len(d)]
		for i, v := range d {
			w.keys[i] = key{bits: math.Float64bits(v)}
		}
		if codes != nil {
			for i, c := range codes[at : at+len(d)] {
				w.keys[i].class = uint32(table.rank[c])
			}
		}
		at += len(d)
		w.keys, w.tmp = radixSort(w.keys, w.tmp)
		s.merge(w.keys)
	})
	end := 0
	for i := range s.runs {
		r := &s.runs[i]
		r.d, r.area = math.Sqrt(math.Float64frombits(r.key.bits)), 1
		if codes != nil {
			r.area = table.byRank[r.key.class]
		}
		r.end += end // a count until now
		end = r.end
	}
	s.total = s.weight(end)
}

// merge adds sorted keys to the runs, whose ends are counts as yet.
func (s *spread) merge(keys []key) {
	old := s.runs
	out := s.spare[:0]
	add := func(k key, n int) {
		if i := len(out) - 1; i >= 0 && out[i].key == k {
			out[i].end += n
			return
		}
		out = append(out, run{key: k, end: n})
	}
	for _, k := range keys {
		for len(old) > 0 && (old[0].key.bits < k.bits || old[0].key.bits == k.bits && old[0].key.class <= k.class) {
			add(old[0].key, old[0].end)
			old = old[1:]
		}
		add(k, 1)
	}
	for _, r := range old {
		add(r.key, r.end)
	}
	s.runs, s.spare = out, s.runs
}

// count is the number of distances.
func (s *spread) count() int { return s.runs[len(s.runs)-1].end }

// at is the i-th distance, the last for an i beyond.
func (s *spread) at(i int) float64 {
	k, _ := slices.BinarySearchFunc(s.runs, i, func(r run, i int) int {
		if r.end <= i {
			return -1
		}
		return 1
	})
	return s.runs[min(k, len(s.runs)-1)].d
}

// radixSort sorts keys by distance, then class, in passes of eight bits; the
// digits that all keys share, most of a float's, cost one look. It returns the
// sorted slice and the other one.
func radixSort(keys, tmp []key) (sorted, spare []key) {
	tmp = slices.Grow(tmp[:0], len(keys))[:len(keys)]
	var or, and uint64 = 0, math.MaxUint64
	var classes uint32
	for _, k := range keys {
		or |= k.bits
		and &= k.bits
		classes |= k.class
	}
	if classes != 0 {
		keys, tmp = radixPass(keys, tmp, func(k key) uint8 { return uint8(k.class) })
	}
	for shift := 0; shift < 64; shift += 8 {
		if uint8((or^and)>>shift) != 0 {
			keys, tmp = radixPass(keys, tmp, func(k key) uint8 { return uint8(k.bits >> shift) })
		}
	}
	return keys, tmp
}

func radixPass(src, dst []key, digit func(key) uint8) (sorted, spare []key) {
	var at [256]int
	for _, k := range src {
		at[digit(k)]++
	}
	sum := 0
	for i, n := range at {
		at[i], sum = sum, sum+n
	}
	for _, k := range src {
		d := digit(k)
		dst[at[d]] = k
		at[d]++
	}
	return dst, src
}

// max is the largest distance.
func (s *spread) max() float64 { return s.runs[len(s.runs)-1].d }

// sum adds the distances, unweighted.
func (s *spread) sum() float64 {
	sum, begin := 0.0, 0
	for _, r := range s.runs {
		sum += r.d * float64(r.end-begin)
		begin = r.end
	}
	return sum
}

// mean is the unweighted mean.
func (s *spread) mean() float64 { return s.sum() / float64(s.count()) }

// percentile is the q-th part (0 to 1) of the distances, linear between the
// ranks, as numpy.percentile has it.
func (s *spread) percentile(q float64) float64 {
	return rankValue(q*float64(s.count()-1), s.at)
}

// rankValue interpolates between the values at the ranks around at.
func rankValue(at float64, value func(i int) float64) float64 {
	i := int(at)
	t := at - float64(i)
	a, b := value(i), value(i+1)
	if t >= 0.5 {
		return b - (b-a)*(1-t)
	}
	return a + (b-a)*t
}

// pooledPercentile is the percentile of both spreads together.
func pooledPercentile(a, b *spread, q float64) float64 {
	return rankValue(q*float64(a.count()+b.count()-1), func(i int) float64 {
		i = min(i, a.count()+b.count()-1)
		x, y := a.runs, b.runs
		begin := [2]int{}
		for { // merge as far as rank i
			first := len(y) == 0 || len(x) > 0 && x[0].d <= y[0].d
			var r run
			if first {
				r, x = x[0], x[1:]
				begin[0] = r.end
			} else {
				r, y = y[0], y[1:]
				begin[1] = r.end
			}
			if begin[0]+begin[1] > i {
				return r.d
			}
		}
	})
}

// within sums the weights of the distances up to tau.
func (s *spread) within(tau float64) float64 {
	k, _ := slices.BinarySearchFunc(s.runs, tau, func(r run, tau float64) int {
		if r.d <= tau {
			return -1
		}
		return 1
	})
	if k == 0 {
		return 0
	}
	return s.weight(s.runs[k-1].end)
}

// weight sums the weights of the first n distances.
func (s *spread) weight(n int) float64 {
	if !s.weighted {
		return float64(n)
	}
	return pairwiseSum(n, &areas{runs: s.runs})
}

// robust is the distance at which the share of the area, summed up from the
// smallest distance on, reaches q: surface-distance's compute_robust_hausdorff.
func (s *spread) robust(q float64) float64 {
	cum, begin := 0.0, 0
	for _, r := range s.runs {
		for range r.end - begin { // one by one, as rounding is part of the definition
			if cum += r.area; cum/s.total >= q {
				return r.d
			}
		}
		begin = r.end
	}
	return s.max()
}

// areas gives the weights of runs one by one.
type areas struct {
	runs []run
	at   int
}

func (a *areas) next() float64 {
	for a.runs[0].end <= a.at {
		a.runs = a.runs[1:]
	}
	a.at++
	return a.runs[0].area
}

// pairwiseSum adds the next n weights as NumPy does (eight sums in blocks of
// at most 128, halves above), so that a share that falls on a rank's edge
// falls on the same side.
func pairwiseSum(n int, v *areas) float64 {
	switch {
	case n < 8:
		sum := 0.0
		for range n {
			sum += v.next()
		}
		return sum
	case n > 128:
		half := n / 2
		half -= half % 8
		return pairwiseSum(half, v) + pairwiseSum(n-half, v)
	}
	var r [8]float64
	for i := 0; i < n-n%8; i += 8 {
		for k := range r {
			r[k] += v.next()
		}
	}
	sum := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
	for range n % 8 {
		sum += v.next()
	}
	return sum
}

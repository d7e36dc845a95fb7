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
	n        int // how many distances there are
	weighted bool
	byRank   []float64 // the area of each class
	total    float64   // sum of the weights
}

// run is n equal distances of equal weight.
type run struct {
	bits     uint64 // of the squared distance: positive floats sort like them
	class, n uint32
}

// d is the distance.
func (r run) d() float64 { return math.Sqrt(math.Float64frombits(r.bits)) }

// key is a distance and the class of its area, to be sorted by both.
type key struct {
	bits  uint64 // of the squared distance: positive floats sort like them
	class uint32 // rank of the area
}

// sorter is scratch memory for measuring.
type sorter struct {
	d         []float64
	keys, tmp []key
	spare     []run
}

// portion is how many distances are sorted at a time.
const portion = 1 << 19

// measure fills s with the distances from the voxels (or corners) of from to
// the nearest of set. codes and table give each one's area; without them each
// weighs 1.
func (s *spread) measure(n *mask.Nearest, w *sorter, set, from *mask.Mask, codes []uint8, table *areaTable) {
	s.runs = s.runs[:0]
	s.n, s.weighted, s.byRank = 0, codes != nil, nil
	if s.weighted {
		s.byRank = table.byRank
	}
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
		s.n += len(d)
		s.runs, w.spare = merge(w.spare[:0], s.runs, w.keys), s.runs
	})
	s.total = s.weight(len(s.runs), s.n)
}

// merge appends to out the runs of old with sorted keys added.
func merge(out, old []run, keys []key) []run {
	out = slices.Grow(out, len(old))
	add := func(r run) {
		if i := len(out) - 1; i >= 0 && out[i].bits == r.bits && out[i].class == r.class && out[i].n <= math.MaxUint32-r.n {
			out[i].n += r.n
			return
		}
		out = append(out, r)
	}
	for _, k := range keys {
		for len(old) > 0 && (old[0].bits < k.bits || old[0].bits == k.bits && old[0].class <= k.class) {
			add(old[0])
			old = old[1:]
		}
		add(run{k.bits, k.class, 1})
	}
	for _, r := range old {
		add(r)
	}
	return out
}

// at is the i-th distance, the last for an i beyond.
func (s *spread) at(i int) float64 {
	for _, r := range s.runs {
		if i -= int(r.n); i < 0 {
			return r.d()
		}
	}
	return s.max()
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
func (s *spread) max() float64 { return s.runs[len(s.runs)-1].d() }

// sum adds the distances, unweighted.
func (s *spread) sum() float64 {
	sum := 0.0
	for _, r := range s.runs {
		sum += r.d() * float64(r.n)
	}
	return sum
}

// mean is the unweighted mean.
func (s *spread) mean() float64 { return s.sum() / float64(s.n) }

// percentile is the q-th part (0 to 1) of the distances, linear between the
// ranks, as numpy.percentile has it.
func (s *spread) percentile(q float64) float64 {
	return rankValue(q*float64(s.n-1), s.at)
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
	return rankValue(q*float64(a.n+b.n-1), func(i int) float64 {
		i = min(i, a.n+b.n-1)
		x, y := a.runs, b.runs
		for { // merge as far as rank i
			var r run
			if len(y) == 0 || len(x) > 0 && x[0].bits <= y[0].bits {
				r, x = x[0], x[1:]
			} else {
				r, y = y[0], y[1:]
			}
			if i -= int(r.n); i < 0 {
				return r.d()
			}
		}
	})
}

// within sums the weights of the distances up to tau.
func (s *spread) within(tau float64) float64 {
	k, _ := slices.BinarySearchFunc(s.runs, tau, func(r run, tau float64) int {
		if r.d() <= tau {
			return -1
		}
		return 1
	})
	n := 0
	for _, r := range s.runs[:k] {
		n += int(r.n)
	}
	return s.weight(k, n)
}

// weight sums the weights of the first k runs, which are n distances.
func (s *spread) weight(k, n int) float64 {
	if !s.weighted {
		return float64(n)
	}
	return pairwiseSum(n, &areas{runs: s.runs[:k], byRank: s.byRank})
}

// robust is the distance at which the share of the area, summed up from the
// smallest distance on, reaches q: surface-distance's compute_robust_hausdorff.
func (s *spread) robust(q float64) float64 {
	cum := 0.0
	for _, r := range s.runs {
		for range r.n { // one by one, as rounding is part of the definition
			if cum += s.byRank[r.class]; cum/s.total >= q {
				return r.d()
			}
		}
	}
	return s.max()
}

// areas gives the weights of runs one by one.
type areas struct {
	runs   []run
	byRank []float64
	left   uint32 // of the run last begun
	area   float64
}

func (a *areas) next() float64 {
	for a.left == 0 {
		a.left, a.area = a.runs[0].n, a.byRank[a.runs[0].class]
		a.runs = a.runs[1:]
	}
	a.left--
	return a.area
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

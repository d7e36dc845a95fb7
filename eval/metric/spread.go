package metric

import (
	"math"
	"slices"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// spread is the distances in mm from one surface to another, sorted, each with
// its weight; weights nil means 1 each.
type spread struct {
	d     []float64
	area  []float64
	keys  []key
	tmp   []key
	total float64 // sum of the weights
}

// key is a distance and the class of its area, to be sorted by both.
type key struct {
	bits  uint64 // of the squared distance: positive floats sort like them
	class uint32 // rank of the area
}

// measure fills s with the distances from the voxels (or corners) of from to
// the nearest of set. codes and table give each one's area.
func (s *spread) measure(n *mask.Nearest, set, from *mask.Mask, codes []uint8, table *areaTable) {
	// Grids differ only where a caller passed masks that Pair refuses.
	s.d, _ = n.Distances(s.d, set, from)
	s.keys = slices.Grow(s.keys[:0], len(s.d))[:len(s.d)]
	for i, d := range s.d {
		s.keys[i] = key{bits: math.Float64bits(d)}
	}
	if codes != nil {
		for i, c := range codes {
			s.keys[i].class = uint32(table.rank[c])
		}
	}
	s.keys, s.tmp = radixSort(s.keys, s.tmp)
	for i, k := range s.keys {
		s.d[i] = math.Float64frombits(k.bits)
	}
	sqrtAll(s.d)
	s.area = s.area[:0]
	s.total = float64(len(s.d))
	if codes != nil {
		for _, k := range s.keys {
			s.area = append(s.area, table.byRank[k.class])
		}
		s.total = pairwiseSum(s.area)
	}
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
func (s *spread) max() float64 { return s.d[len(s.d)-1] }

// sum adds the distances, unweighted.
func (s *spread) sum() float64 {
	sum := 0.0
	for _, d := range s.d {
		sum += d
	}
	return sum
}

// mean is the unweighted mean.
func (s *spread) mean() float64 { return s.sum() / float64(len(s.d)) }

// percentile is the q-th part (0 to 1) of the distances, linear between the
// ranks, as numpy.percentile has it.
func (s *spread) percentile(q float64) float64 {
	return rankValue(q*float64(len(s.d)-1), func(i int) float64 { return s.d[min(i, len(s.d)-1)] })
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
	at := q * float64(len(a.d)+len(b.d)-1)
	i := int(at)
	var low, high float64
	x, y := 0, 0
	for k := 0; k <= i+1; k++ { // merge as far as the two ranks
		low = high
		switch {
		case x == len(a.d) && y == len(b.d):
		case y == len(b.d) || x < len(a.d) && a.d[x] <= b.d[y]:
			high = a.d[x]
			x++
		default:
			high = b.d[y]
			y++
		}
	}
	return rankValue(at, func(k int) float64 {
		if k == i {
			return low
		}
		return high
	})
}

// within sums the weights of the distances up to tau.
func (s *spread) within(tau float64) float64 {
	n, _ := slices.BinarySearchFunc(s.d, tau, func(d, tau float64) int {
		if d <= tau {
			return -1
		}
		return 1
	})
	if len(s.area) == 0 {
		return float64(n)
	}
	return pairwiseSum(s.area[:n])
}

// robust is the distance at which the share of the area, summed up from the
// smallest distance on, reaches q: surface-distance's compute_robust_hausdorff.
func (s *spread) robust(q float64) float64 {
	cum := 0.0
	for i, a := range s.area {
		if cum += a; cum/s.total >= q {
			return s.d[i]
		}
	}
	return s.max()
}

// pairwiseSum adds as NumPy does (eight sums in blocks of at most 128, halves
// above), so that a share that falls on a rank's edge falls on the same side.
func pairwiseSum(v []float64) float64 {
	n := len(v)
	switch {
	case n < 8:
		sum := 0.0
		for _, x := range v {
			sum += x
		}
		return sum
	case n > 128:
		half := n / 2
		half -= half % 8
		return pairwiseSum(v[:half]) + pairwiseSum(v[half:])
	}
	r := [8]float64(v)
	i := 8
	for ; i < n-n%8; i += 8 {
		for k := range r {
			r[k] += v[i+k]
		}
	}
	sum := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
	for ; i < n; i++ {
		sum += v[i]
	}
	return sum
}

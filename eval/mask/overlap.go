package mask

import (
	"cmp"
	"slices"
)

// Overlaps calls emit for every pair of components, one of l and one of o,
// that share voxels, ordered by l's component, then o's, with their number.
// Both were labeled on masks of the same axes; else nothing is called.
func (l *Labeling) Overlaps(o *Labeling, emit func(i, j, voxels int)) {
	if l.shape.dims != o.shape.dims {
		return
	}
	type pair struct{ i, j, n int32 }
	var pairs []pair
	for r := range l.shape.rows() {
		a, b := l.rowAt[r], o.rowAt[r]
		for a < l.rowAt[r+1] && b < o.rowAt[r+1] {
			p, q := l.runs[a], o.runs[b]
			if lo, hi := max(p.lo, q.lo), min(p.hi, q.hi); lo < hi {
				n := int32(hi - lo)
				next := pair{l.comp[a], o.comp[b], n}
				if k := len(pairs) - 1; k >= 0 && pairs[k].i == next.i && pairs[k].j == next.j {
					pairs[k].n += n
				} else {
					pairs = append(pairs, next)
				}
			}
			if p.hi < q.hi {
				a++
			} else {
				b++
			}
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Or(cmp.Compare(a.i, b.i), cmp.Compare(a.j, b.j)) })
	for k := 0; k < len(pairs); {
		first, sum := pairs[k], 0
		for ; k < len(pairs) && pairs[k].i == first.i && pairs[k].j == first.j; k++ {
			sum += int(pairs[k].n)
		}
		emit(int(first.i), int(first.j), sum)
	}
}

package mask

import "math/bits"

// Flood adds the seeds to m, and all voxels that are connected to them by
// faces through voxels that are allowed. allow is asked at most once for each
// row that the flood comes near: it gets the row's first position and words of
// zeros, of which it sets bit x%64 of word x/64 where voxel x may be flooded.
//
// Whole rows are flooded at a time, so that what is left to do is a list of
// rows, never one of voxels.
func (m *Mask) Flood(seeds []Point, allow func(first Point, words []uint64)) {
	f := flood{m: m, allow: allow, known: make([]bool, m.rows()), queued: make([]bool, m.rows())}
	f.allowed.ResetLike(m)
	for _, p := range seeds {
		if m.Contains(p) {
			m.Set(p, true)
			r := p[0]*m.dims[1] + p[1]
			f.add(r)
			f.around(r)
		}
	}
	for len(f.next) > 0 {
		f.now, f.next = f.next, f.now[:0]
		for _, r := range f.now {
			f.queued[r] = false
			if f.fill(int(r)) {
				f.around(int(r))
			}
		}
	}
}

type flood struct {
	m             *Mask
	allowed       Mask
	allow         func(first Point, words []uint64)
	known, queued []bool // by row: allowed is filled; it is in next
	now, next     []int32
}

func (f *flood) add(r int) {
	if !f.queued[r] {
		f.queued[r] = true
		f.next = append(f.next, int32(r))
	}
}

// around lists the rows beside r.
func (f *flood) around(r int) {
	n0, n1 := f.m.dims[0], f.m.dims[1]
	if r%n1 > 0 {
		f.add(r - 1)
	}
	if r%n1 < n1-1 {
		f.add(r + 1)
	}
	if r/n1 > 0 {
		f.add(r - n1)
	}
	if r/n1 < n0-1 {
		f.add(r + n1)
	}
}

// fill floods row r from the rows beside it and along itself, and tells
// whether that added anything.
func (f *flood) fill(r int) bool {
	n1 := f.m.dims[1]
	row, open := f.m.row(r), f.allowed.row(r)
	if !f.known[r] {
		f.known[r] = true
		f.allow(Point{r / n1, r % n1, 0}, open)
	}
	z, y := r/n1, r%n1
	beside := [4][]uint64{f.m.rowOrNone(z, y-1), f.m.rowOrNone(z, y+1), f.m.rowOrNone(z-1, y), f.m.rowOrNone(z+1, y)}
	changed := false
	var carry uint64
	for i, old := range row {
		w := old
		for _, b := range beside {
			if b != nil {
				w |= b[i] & open[i]
			}
		}
		w, carry = along(w, open[i]|w, carry)
		changed = changed || w != old
		row[i] = w
	}
	carry = 0
	for i := len(row) - 1; i >= 0; i-- {
		old := row[i]
		var w uint64
		w, carry = along(bits.Reverse64(old), bits.Reverse64(open[i]|old), carry)
		row[i] = bits.Reverse64(w)
		changed = changed || row[i] != old
	}
	return changed
}

// along spreads the bits of w, all of them open, to the higher bits of the
// open runs that they lie in: adding a bit to a run of ones turns them over as
// far as the run goes. carry leads from word to word.
func along(w, open, carry uint64) (spread, out uint64) {
	sum, out := bits.Add64(open, w, carry)
	return w | (sum^open)&open, out
}

package mask

import (
	"fmt"
	"math/bits"
	"sort"
)

// Connectivity is the number of neighbors of a voxel: 4 or 8 in 2-D, 6, 18 or
// 26 in 3-D.
type Connectivity int

// FullConnectivity is 8 in 2-D and 26 in 3-D, the default everywhere.
func FullConnectivity(ndim int) Connectivity {
	if ndim == 2 {
		return 8
	}
	return 26
}

// reach says how far a run touches runs of a neighboring row: voxels beyond
// its ends, or -1 where that row does not count.
type reach struct{ side, up, diagonal int32 }

func (c Connectivity) reach(ndim int) (reach, error) {
	switch {
	case ndim == 2 && c == 4:
		return reach{side: 0, up: -1, diagonal: -1}, nil
	case ndim == 2 && c == 8:
		return reach{side: 1, up: -1, diagonal: -1}, nil
	case ndim == 3 && c == 6:
		return reach{side: 0, up: 0, diagonal: -1}, nil
	case ndim == 3 && c == 18:
		return reach{side: 1, up: 1, diagonal: 0}, nil
	case ndim == 3 && c == 26:
		return reach{side: 1, up: 1, diagonal: 1}, nil
	}
	return reach{}, fmt.Errorf("connectivity %d does not exist in %d-D", c, ndim)
}

// Component is one connected component.
type Component struct {
	Size  int   // voxels
	First Point // its first voxel in C order
	Box   Box
}

// run is a row's voxels [lo, hi), which MaxAxis keeps in 16 bits.
type run struct{ lo, hi uint16 }

// Labeling is the connected components of a mask, numbered from 0 by their
// first voxel in C order. It works on runs of voxels: no label image is made,
// and a run takes eight bytes, as a ragged mask of a large volume has ten
// million of them. Reuse one for many masks; the zero value is ready.
type Labeling struct {
	shape Mask // axes only
	runs  []run
	rowAt []int32 // runs of row r: [rowAt[r], rowAt[r+1])
	comp  []int32 // component of each run; while uniting, an earlier run of its set
	comps []part
}

// part is a Component in 32 bytes.
type part struct {
	size            int
	first, min, max [3]uint16
}

// Label finds the components of m. It fails on a connectivity that m's
// dimension does not have. m is not kept.
func (l *Labeling) Label(m *Mask, c Connectivity) error {
	reach, err := c.reach(m.nd)
	if err != nil {
		return err
	}
	l.shape = *m
	l.shape.bits = nil
	l.extract(m)
	l.comp = grow(l.comp, len(l.runs))
	for i := range l.comp {
		l.comp[i] = int32(i)
	}
	l.unite(m, reach)
	l.number(m)
	return nil
}

// extract lists the runs of every row.
func (l *Labeling) extract(m *Mask) {
	l.rowAt = grow(l.rowAt, m.rows()+1)
	runs := grow(l.runs, countRuns(m.bits))[:0]
	for r := range m.rows() {
		l.rowAt[r] = int32(len(runs))
		runs = appendRuns(runs, m.row(r))
	}
	l.rowAt[m.rows()] = int32(len(runs))
	l.runs = runs
}

// countRuns counts the runs of rows of words, those that cross a word once for
// each word.
func countRuns(words []uint64) int {
	n := 0
	for _, w := range words {
		n += bits.OnesCount64(w &^ (w << 1))
	}
	return n
}

// appendRuns appends the runs of a row; one that crosses a word stays one.
func appendRuns(runs []run, row []uint64) []run {
	open := -1 // start of a run that reached the end of the last word
	for i, w := range row {
		base := i << 6
		if open >= 0 {
			if w == ^uint64(0) {
				continue
			}
			n := bits.TrailingZeros64(^w)
			runs = append(runs, run{uint16(open), uint16(base + n)})
			open = -1
			w &= ^uint64(0) << n
		}
		for w != 0 {
			lo := bits.TrailingZeros64(w)
			n := bits.TrailingZeros64(^(w >> lo))
			if lo+n == 64 {
				open = base + lo
				break
			}
			runs = append(runs, run{uint16(base + lo), uint16(base + lo + n)})
			w &= ^uint64(0) << (lo + n)
		}
	}
	if open >= 0 {
		runs = append(runs, run{uint16(open), uint16(len(row) << 6)})
	}
	return runs
}

// unite joins the runs of every row with those of the rows before it.
func (l *Labeling) unite(m *Mask, c reach) {
	n1 := m.dims[1]
	for r := range m.rows() {
		if l.rowAt[r] == l.rowAt[r+1] {
			continue
		}
		z, y := r/n1, r%n1
		if y > 0 {
			l.join(r, r-1, c.side)
		}
		if z == 0 || c.up < 0 {
			continue
		}
		l.join(r, r-n1, c.up)
		if c.diagonal < 0 {
			continue
		}
		if y > 0 {
			l.join(r, r-n1-1, c.diagonal)
		}
		if y+1 < n1 {
			l.join(r, r-n1+1, c.diagonal)
		}
	}
}

// join unites the touching runs of rows a and b, b before a.
func (l *Labeling) join(a, b int, ext int32) {
	i, iEnd := l.rowAt[a], l.rowAt[a+1]
	j, jEnd := l.rowAt[b], l.rowAt[b+1]
	for i < iEnd && j < jEnd {
		p, q := l.runs[i], l.runs[j]
		if int32(p.lo) < int32(q.hi)+ext && int32(q.lo) < int32(p.hi)+ext {
			l.link(i, j)
		}
		if p.hi < q.hi {
			i++
		} else {
			j++
		}
	}
}

// link unites the sets of runs i and j under the smaller root, so that a root
// is its component's first run in C order.
func (l *Labeling) link(i, j int32) {
	i, j = l.root(i), l.root(j)
	if i < j {
		l.comp[j] = i
	} else {
		l.comp[i] = j
	}
}

// root finds the first run of i's set and halves the path to it.
func (l *Labeling) root(i int32) int32 {
	p := l.comp
	for p[i] != i {
		p[i] = p[p[i]]
		i = p[i]
	}
	return i
}

// number gives each run its component and sums the components up. The run
// that comp names comes earlier, and so has its component already.
func (l *Labeling) number(m *Mask) {
	l.comps = l.comps[:0]
	for r := range m.rows() {
		lo, hi := l.rowAt[r], l.rowAt[r+1]
		if lo == hi {
			continue
		}
		z, y := uint16(r/m.dims[1]), uint16(r%m.dims[1])
		for i := lo; i < hi; i++ {
			run := l.runs[i]
			id := int32(len(l.comps))
			if p := l.comp[i]; p != i {
				id = l.comp[p]
			} else {
				first := [3]uint16{z, y, run.lo}
				l.comps = append(l.comps, part{first: first, min: first, max: first})
			}
			l.comp[i] = id
			l.comps[id].add(z, y, run)
		}
	}
}

// add counts a run of row (z, y); rows come in C order.
func (c *part) add(z, y uint16, r run) {
	c.size += int(r.hi - r.lo)
	c.max[0] = z + 1
	c.min[1], c.max[1] = min(c.min[1], y), max(c.max[1], y+1)
	c.min[2], c.max[2] = min(c.min[2], r.lo), max(c.max[2], r.hi)
}

// Len is the number of components.
func (l *Labeling) Len() int { return len(l.comps) }

// Component returns component i; 0 ≤ i < Len.
func (l *Labeling) Component(i int) Component {
	c := &l.comps[i]
	point := func(v [3]uint16) Point { return Point{int(v[0]), int(v[1]), int(v[2])} }
	return Component{c.size, point(c.first), Box{point(c.min), point(c.max)}}
}

// Largest returns the component of most voxels, the first in C order where
// several tie, and -1 where there is none.
func (l *Labeling) Largest() int {
	best := -1
	for i := range l.comps {
		if best < 0 || l.comps[i].size > l.comps[best].size {
			best = i
		}
	}
	return best
}

// At returns the component of the voxel at p, -1 where none is.
func (l *Labeling) At(p Point) int {
	if !l.shape.Contains(p) {
		return -1
	}
	r := p[0]*l.shape.dims[1] + p[1]
	lo, hi := int(l.rowAt[r]), int(l.rowAt[r+1])
	i := lo + sort.Search(hi-lo, func(i int) bool { return int(l.runs[lo+i].hi) > p[2] })
	if i == hi || int(l.runs[i].lo) > p[2] {
		return -1
	}
	return int(l.comp[i])
}

// Draw makes dst the mask of component i alone, reusing dst's memory.
func (l *Labeling) Draw(i int, dst *Mask) {
	dst.ResetLike(&l.shape)
	c := &l.comps[i]
	n1 := l.shape.dims[1]
	for z := int(c.min[0]); z < int(c.max[0]); z++ {
		for r := z*n1 + int(c.min[1]); r < z*n1+int(c.max[1]); r++ {
			row := dst.row(r)
			for k := l.rowAt[r]; k < l.rowAt[r+1]; k++ {
				if l.comp[k] == int32(i) {
					fillRun(row, int(l.runs[k].lo), int(l.runs[k].hi))
				}
			}
		}
	}
}

// Meet tells of every component, in order, whether a voxel of it is set in m,
// which has the axes of the labeled mask. dst is reused.
func (l *Labeling) Meet(dst []bool, m *Mask) []bool {
	dst = grow(dst, len(l.comps))
	clear(dst)
	for r := range m.rows() {
		row := m.row(r)
		for k := l.rowAt[r]; k < l.rowAt[r+1]; k++ {
			if c := l.comp[k]; !dst[c] {
				dst[c] = anyInRun(row, int(l.runs[k].lo), int(l.runs[k].hi))
			}
		}
	}
	return dst
}

// anyInRun tells whether one of the bits [lo, hi) of a row is set.
func anyInRun(row []uint64, lo, hi int) bool {
	first, last := lo>>6, (hi-1)>>6
	head := ^uint64(0) << (uint(lo) & 63)
	tail := ^uint64(0) >> (63 - uint(hi-1)&63)
	if first == last {
		return row[first]&head&tail != 0
	}
	for _, w := range row[first+1 : last] {
		if w != 0 {
			return true
		}
	}
	return row[first]&head != 0 || row[last]&tail != 0
}

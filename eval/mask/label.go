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

// run is a row's voxels [lo, hi).
type run struct{ lo, hi int32 }

// Labeling is the connected components of a mask, numbered from 0 by their
// first voxel in C order. It works on runs of voxels: no label image is made.
// Reuse one for many masks; the zero value is ready.
type Labeling struct {
	shape   Mask // axes only
	runs    []run
	rowAt   []int32 // runs of row r: [rowAt[r], rowAt[r+1])
	parent  []int32
	comp    []int32 // component of each run
	comps   []Component
	byComp  []int32 // runs sorted by component, made on demand
	compAt  []int32 // runs of component i in byComp: [compAt[i], compAt[i+1])
	rowOf   []int32 // row of each run in byComp order
	indexed bool
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
	l.indexed = false
	l.extract(m)
	l.parent = grow(l.parent, len(l.runs))
	for i := range l.parent {
		l.parent[i] = int32(i)
	}
	l.unite(m, reach)
	l.number(m)
	return nil
}

// extract lists the runs of every row.
func (l *Labeling) extract(m *Mask) {
	l.runs = l.runs[:0]
	l.rowAt = grow(l.rowAt, m.rows()+1)
	runs := l.runs
	for r := range m.rows() {
		l.rowAt[r] = int32(len(runs))
		runs = appendRuns(runs, m.row(r))
	}
	l.rowAt[m.rows()] = int32(len(runs))
	l.runs = runs
}

// appendRuns appends the runs of a row; one that crosses a word stays one.
func appendRuns(runs []run, row []uint64) []run {
	open := int32(-1) // start of a run that reached the end of the last word
	for i, w := range row {
		base := int32(i) << 6
		if open >= 0 {
			if w == ^uint64(0) {
				continue
			}
			n := bits.TrailingZeros64(^w)
			runs = append(runs, run{open, base + int32(n)})
			open = -1
			w &= ^uint64(0) << n
		}
		for w != 0 {
			lo := bits.TrailingZeros64(w)
			n := bits.TrailingZeros64(^(w >> lo))
			if lo+n == 64 {
				open = base + int32(lo)
				break
			}
			runs = append(runs, run{base + int32(lo), base + int32(lo+n)})
			w &= ^uint64(0) << (lo + n)
		}
	}
	if open >= 0 {
		runs = append(runs, run{open, int32(len(row)) << 6})
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
		if p.lo < q.hi+ext && q.lo < p.hi+ext {
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
		l.parent[j] = i
	} else {
		l.parent[i] = j
	}
}

// root finds the first run of i's set and halves the path to it.
func (l *Labeling) root(i int32) int32 {
	p := l.parent
	for p[i] != i {
		p[i] = p[p[i]]
		i = p[i]
	}
	return i
}

// number gives each run its component and sums the components up.
func (l *Labeling) number(m *Mask) {
	l.comp = grow(l.comp, len(l.runs))
	l.comps = l.comps[:0]
	for r := range m.rows() {
		lo, hi := l.rowAt[r], l.rowAt[r+1]
		if lo == hi {
			continue
		}
		z, y := r/m.dims[1], r%m.dims[1]
		for i := lo; i < hi; i++ {
			run := l.runs[i]
			id := int32(len(l.comps))
			if p := l.parent[i]; p != i {
				id = l.comp[p]
			} else {
				first := Point{z, y, int(run.lo)}
				l.comps = append(l.comps, Component{First: first, Box: Box{Min: first, Max: first}})
			}
			l.comp[i] = id
			l.comps[id].add(z, y, run)
		}
	}
}

// add counts a run of row (z, y); rows come in C order.
func (c *Component) add(z, y int, r run) {
	c.Size += int(r.hi - r.lo)
	c.Box.Max[0] = z + 1
	c.Box.Min[1], c.Box.Max[1] = min(c.Box.Min[1], y), max(c.Box.Max[1], y+1)
	c.Box.Min[2], c.Box.Max[2] = min(c.Box.Min[2], int(r.lo)), max(c.Box.Max[2], int(r.hi))
}

// Len is the number of components.
func (l *Labeling) Len() int { return len(l.comps) }

// Component returns component i; 0 ≤ i < Len.
func (l *Labeling) Component(i int) Component { return l.comps[i] }

// Largest returns the component of most voxels, the first in C order where
// several tie, and -1 where there is none.
func (l *Labeling) Largest() int {
	best := -1
	for i := range l.comps {
		if best < 0 || l.comps[i].Size > l.comps[best].Size {
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

// index sorts the runs by component, once a labeling.
func (l *Labeling) index() {
	if l.indexed {
		return
	}
	l.compAt = grow(l.compAt, len(l.comps)+1)
	clear(l.compAt)
	for _, c := range l.comp {
		l.compAt[c+1]++
	}
	for i := range l.comps {
		l.compAt[i+1] += l.compAt[i]
	}
	l.byComp, l.rowOf = grow(l.byComp, len(l.runs)), grow(l.rowOf, len(l.runs))
	next := l.parent // no longer needed, and never shorter than the components
	copy(next, l.compAt[:len(l.comps)])
	for r := range l.shape.rows() {
		for i := l.rowAt[r]; i < l.rowAt[r+1]; i++ {
			at := next[l.comp[i]]
			next[l.comp[i]]++
			l.byComp[at], l.rowOf[at] = i, int32(r)
		}
	}
	l.indexed = true
}

// Draw makes dst the mask of component i alone, reusing dst's memory.
func (l *Labeling) Draw(i int, dst *Mask) {
	dst.ResetLike(&l.shape)
	l.index()
	for k := l.compAt[i]; k < l.compAt[i+1]; k++ {
		run := l.runs[l.byComp[k]]
		fillRun(dst.row(int(l.rowOf[k])), int(run.lo), int(run.hi))
	}
}

// Voxel returns the n-th voxel of component i in C order, 0 ≤ n < its Size.
func (l *Labeling) Voxel(i, n int) Point {
	l.index()
	for k := l.compAt[i]; k < l.compAt[i+1]; k++ {
		run := l.runs[l.byComp[k]]
		if size := int(run.hi - run.lo); n >= size {
			n -= size
			continue
		}
		r := int(l.rowOf[k])
		return Point{r / l.shape.dims[1], r % l.shape.dims[1], int(run.lo) + n}
	}
	return l.comps[i].First
}

// CountIn is the number of voxels of component i that are set in m, which has
// the axes of the labeled mask.
func (l *Labeling) CountIn(i int, m *Mask) int {
	l.index()
	n := 0
	for k := l.compAt[i]; k < l.compAt[i+1]; k++ {
		run := l.runs[l.byComp[k]]
		n += countRun(m.row(int(l.rowOf[k])), int(run.lo), int(run.hi))
	}
	return n
}

// countRun counts the set bits [lo, hi) of a row.
func countRun(row []uint64, lo, hi int) int {
	first, last := lo>>6, (hi-1)>>6
	head := ^uint64(0) << (uint(lo) & 63)
	tail := ^uint64(0) >> (63 - uint(hi-1)&63)
	if first == last {
		return bits.OnesCount64(row[first] & head & tail)
	}
	return bits.OnesCount64(row[first]&head) + popcount(row[first+1:last]) + bits.OnesCount64(row[last]&tail)
}

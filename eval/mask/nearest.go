package mask

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// Nearest answers how far voxels are from the nearest set voxel of a mask, in
// mm, exactly. Reuse one for many masks; the zero value is ready.
//
// Near voxels are found by looking at the rows around in order of distance,
// which costs nothing but the look; where many lie far away a distance
// transform is made (see far.go). Both add the squares of the three axes in
// SciPy's order, so that a distance on the edge of a tolerance falls on the
// same side.
type Nearest struct {
	// Workers is the number of goroutines; 0 means 1. The result does not
	// depend on it.
	Workers int

	rows    []nearRow
	spacing [3]float64
	dims    [3]int
	bound   float64 // every row at most this far (mm²) is in rows
	far     *farField
}

// Share makes n use the memory that o has for far voxels. The two are then not
// to be used at the same time.
func (n *Nearest) Share(o *Nearest) {
	if o.far == nil {
		o.far = new(farField)
	}
	n.far = o.far
}

// nearRow is a row at an offset, base its squared distance in mm².
type nearRow struct {
	dz, dy int
	base   float64
}

// nearRows is about how many rows a voxel looks at in 3-D: at equal spacing
// the disk of radius 9 voxels.
const nearRows = 256

// Distances returns, for every set voxel of queries in C order, the squared
// distance in mm² to the nearest set voxel of set, appended to dst[:0]. Both
// masks have the same axes, else ErrGrid; the spacing is set's. An empty set
// is infinitely far.
func (n *Nearest) Distances(dst []float64, set, queries *Mask) ([]float64, error) {
	err := n.Each(dst, set, queries, math.MaxInt, func(d []float64) { dst = d })
	if queries.Empty() {
		dst = dst[:0]
	}
	return dst, err
}

// Each is Distances in portions of about limit voxels, given to f one after
// the other; buf is memory for them, and f may keep what it is given only
// until it returns.
func (n *Nearest) Each(buf []float64, set, queries *Mask, limit int, f func(d []float64)) error {
	if !SameGrid(set, queries) {
		return gridError(set, queries)
	}
	total := queries.Count()
	n.prepare(set)
	if n.far == nil {
		n.far = new(farField)
	}
	far := n.far
	// Most voxels far: do not look at rows in vain.
	close := false
	if !set.Empty() {
		tried, missed := n.walk(nil, set, queries, 0, queries.rows(), max(1, total/256))
		close = missed*4 <= tried
	}
	swept := false
	for from := 0; from < queries.rows(); {
		to, count := queries.portion(from, limit)
		buf = slices.Grow(buf[:0], count)[:count]
		far.left = far.left[:0]
		switch {
		case set.Empty():
			for i := range buf {
				buf[i] = math.Inf(1)
			}
		case close:
			n.walk(buf, set, queries, from, to, 1)
		default:
			far.left = slices.Grow(far.left, count)
			far.all(queries, from, to)
		}
		if len(far.left) > 0 {
			if !swept {
				far.span(set, queries, to-from == queries.rows())
				swept = true
			}
			far.distances(buf, set, max(1, n.Workers))
		}
		if count > 0 {
			f(buf)
		}
		from = to
	}
	return nil
}

// portion returns where the rows from from on hold limit voxels, one row at
// least, and how many they hold.
func (m *Mask) portion(from, limit int) (to, count int) {
	for to = from; to < m.rows() && (to == from || count < limit); to++ {
		for _, w := range m.row(to) {
			count += bits.OnesCount64(w)
		}
	}
	return to, count
}

// asked is a voxel whose distance is wanted, and where it goes.
type asked struct {
	place
	to int
}

// place is a voxel in 8 bytes; the limits of a mask leave room.
type place struct {
	row int32
	x   uint16
}

// placeOf returns the place of column x in row r.
func placeOf(r, x int) place { return place{int32(r), uint16(x)} }

// in is the place as a position in m.
func (p place) in(m *Mask) Point {
	return Point{int(p.row) / m.dims[1], int(p.row) % m.dims[1], int(p.x)}
}

// walk looks around every step-th voxel of some rows of queries, fills dst and
// lists what was not settled; without dst it only counts.
func (n *Nearest) walk(dst []float64, set, queries *Mask, from, to, step int) (tried, missed int) {
	n1, i := queries.dims[1], 0
	for r := from; r < to; r++ {
		for k, w := range queries.row(r) {
			for ; w != 0; w &= w - 1 {
				if i++; i%step != 0 {
					continue
				}
				p := Point{r / n1, r % n1, k<<6 + bits.TrailingZeros64(w)}
				d, ok := n.near(set, p)
				tried++
				if !ok {
					missed++
				}
				switch {
				case dst == nil:
				case ok:
					dst[i-1] = d
				default:
					n.far.left = append(n.far.left, asked{placeOf(r, p[2]), i - 1})
				}
			}
		}
	}
	return tried, missed
}

// all lists every voxel of some rows of queries.
func (f *farField) all(queries *Mask, from, to int) {
	i := 0
	for r := from; r < to; r++ {
		for k, w := range queries.row(r) {
			for ; w != 0; w &= w - 1 {
				f.left = append(f.left, asked{placeOf(r, k<<6+bits.TrailingZeros64(w)), i})
				i++
			}
		}
	}
}

// prepare lists the rows around by distance for set's axes and spacing.
func (n *Nearest) prepare(set *Mask) {
	if n.dims == set.dims && n.spacing == set.spacing && len(n.rows) > 0 {
		return
	}
	n.dims, n.spacing = set.dims, set.spacing
	n.rows = n.rows[:0]
	// In 2-D every row is cheap to reach; in 3-D those within a radius are,
	// whose ellipse holds about nearRows of them.
	s0, s1 := set.spacing[0], set.spacing[1]
	limit := [2]int{0, set.dims[1] - 1}
	radius := math.Inf(1)
	if set.dims[0] > 1 {
		radius = math.Sqrt(nearRows * s0 * s1 / math.Pi)
		limit[0] = min(set.dims[0]-1, int(radius/s0))
		limit[1] = min(set.dims[1]-1, int(radius/s1))
	}
	for dz := -limit[0]; dz <= limit[0]; dz++ {
		for dy := -limit[1]; dy <= limit[1]; dy++ {
			a, b := float64(dz)*s0, float64(dy)*s1
			if base := float64(a*a) + float64(b*b); base <= radius*radius {
				n.rows = append(n.rows, nearRow{dz, dy, base})
			}
		}
	}
	slices.SortFunc(n.rows, func(a, b nearRow) int {
		return cmp.Or(cmp.Compare(a.base, b.base), a.dz-b.dz, a.dy-b.dy)
	})
	n.bound = radius * radius
}

// near looks for the nearest voxel in the rows around p; false where one
// beyond them might be nearer.
func (n *Nearest) near(set *Mask, p Point) (float64, bool) {
	best := math.Inf(1)
	sx := n.spacing[2]
	for _, r := range n.rows {
		if r.base >= best {
			return best, true
		}
		z, y := p[0]+r.dz, p[1]+r.dy
		if uint(z) >= uint(n.dims[0]) || uint(y) >= uint(n.dims[1]) {
			continue
		}
		row := set.row(z*n.dims[1] + y)
		if dx, ok := nearestInRow(row, p[2], (best-r.base)/(sx*sx)); ok {
			d := float64(dx) * sx
			best = min(best, r.base+float64(d*d))
		}
	}
	return best, best <= n.bound
}

// nearestInRow returns the distance from x to the nearest set bit of a row.
// Bits whose squared distance exceeds limit may be missed.
func nearestInRow(row []uint64, x int, limit float64) (int, bool) {
	i, b := x>>6, uint(x)&63
	best := math.MaxInt
	if w := row[i] >> b; w != 0 {
		best = bits.TrailingZeros64(w)
	}
	if w := row[i] << (63 - b); w != 0 {
		best = min(best, bits.LeadingZeros64(w))
	}
	right, left := 64-int(b), int(b)+1 // distance of the next word's first bit
	for k := 1; ; k++ {
		step := min(right, left)
		if step >= best || float64(step)*float64(step) > limit || i+k >= len(row) && i-k < 0 {
			break
		}
		if i+k < len(row) && row[i+k] != 0 {
			best = min(best, right+bits.TrailingZeros64(row[i+k]))
		}
		if i-k >= 0 && row[i-k] != 0 {
			best = min(best, left+bits.LeadingZeros64(row[i-k]))
		}
		right, left = right+64, left+64
	}
	return best, best != math.MaxInt
}

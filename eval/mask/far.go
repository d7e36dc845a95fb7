package mask

import "math"

// farField is a distance transform of which only the planes that are asked
// for are finished: the distance along axis 0, then for one plane at a time
// the lower envelope along axis 1, then a search along the row for every voxel
// asked for.
//
// The distances along axis 0 are kept where blocks of planes meet, and are
// found again inside the block that is looked at: a whole volume of them would
// be the largest thing in memory.
type farField struct {
	box    Box
	size   [3]int
	block  int      // planes a block
	before []uint16 // steps back from the plane before each block to the nearest set voxel, farAway if none
	after  []uint16 // steps ahead from the plane after each block
	work   []farPlane
	left   []asked // queries that rows did not settle
}

// farBlock is the planes of a block: those at the seams and those inside are
// then about as many for an axis of 512.
const farBlock = 32

// farAway stands for no set voxel; an axis has at most 65535 voxels, so it is
// never a distance.
const farAway = math.MaxUint16

// span prepares the box around set and the voxels that will be asked for:
// those in f.left where these are all, else all of queries.
func (f *farField) span(set, queries *Mask, whole bool) {
	f.box = set.Box()
	if !whole {
		f.box = f.box.Union(queries.Box())
	} else {
		for _, q := range f.left {
			p := q.in(set)
			f.box = f.box.Union(Box{Min: p, Max: Point{p[0] + 1, p[1] + 1, p[2] + 1}})
		}
	}
	f.size = f.box.Size()
	f.sweep(set)
}

// distances fills dst for the voxels in f.left, which are in C order.
func (f *farField) distances(dst []float64, set *Mask, workers int) {
	f.workers(workers)
	if workers == 1 {
		f.fill(dst, set, f.left, 0)
		return
	}
	split(workers, len(f.left), func(k, lo, hi int) { f.fill(dst, set, f.left[lo:hi], k) })
}

// workers makes memory for so many.
func (f *farField) workers(n int) {
	for len(f.work) < n {
		f.work = append(f.work, farPlane{loaded: -1})
	}
}

// fill does the voxels in left with the memory of one worker.
func (f *farField) fill(dst []float64, set *Mask, left []asked, worker int) {
	w, plane := &f.work[worker], -1
	for _, q := range left {
		p := q.in(set)
		if z := p[0] - f.box.Min[0]; z != plane {
			plane = z
			w.load(f, set, z/f.block)
			w.envelope(f, z%f.block, set.spacing)
		}
		dst[q.to] = w.at(f, p[1]-f.box.Min[1], p[2]-f.box.Min[2], set.spacing[2])
	}
}

// sweep finds the distances along axis 0 at the seams, forward and back. A
// short axis is one block without seams.
func (f *farField) sweep(set *Mask) {
	f.workers(1)
	for i := range f.work {
		f.work[i].loaded = -1
	}
	n, plane := f.size[0], f.size[1]*f.size[2]
	if f.block = farBlock; n <= 2*farBlock {
		f.block = max(n, 1)
	}
	blocks := (n + f.block - 1) / f.block
	f.before, f.after = grow(f.before, blocks*plane), grow(f.after, blocks*plane)
	f.work[0].along = grow(f.work[0].along, plane)
	here := f.work[0].along
	away(here)
	for z := range n {
		if z%f.block == 0 {
			copy(f.before[z/f.block*plane:], here)
		}
		nextPlane(here, here)
		f.zero(here, set, z)
	}
	away(here)
	for z := n - 1; z >= 0; z-- {
		if z%f.block == f.block-1 || z == n-1 {
			copy(f.after[z/f.block*plane:], here)
		}
		nextPlane(here, here)
		f.zero(here, set, z)
	}
}

// away says that there is no set voxel.
func away(plane []uint16) {
	for i := range plane {
		plane[i] = farAway
	}
}

// load finds the distances along axis 0 in a block.
func (w *farPlane) load(f *farField, set *Mask, block int) {
	if w.loaded == block {
		return
	}
	w.loaded = block
	plane := f.size[1] * f.size[2]
	z0 := block * f.block
	n := min(f.block, f.size[0]-z0)
	w.along = grow(w.along, n*plane)
	at := func(i int) []uint16 { return w.along[i*plane : (i+1)*plane] }
	last := f.before[block*plane : (block+1)*plane]
	for i := range n {
		nextPlane(at(i), last)
		last = at(i)
		f.zero(last, set, z0+i)
	}
	last = f.after[block*plane : (block+1)*plane]
	for i := n - 1; i >= 0; i-- {
		here := at(i)
		for k, v := range last {
			if v < here[k] { // v + 1 is less, and not farAway
				here[k] = min(here[k], v+1)
			}
		}
		last = here
	}
}

// nextPlane writes above + 1, farAway staying.
func nextPlane(here, above []uint16) {
	for i, v := range above[:len(here)] {
		if v != farAway {
			v++
		}
		here[i] = v
	}
}

// zero marks the set voxels of plane z.
func (f *farField) zero(here []uint16, set *Mask, z int) {
	x0 := f.box.Min[2]
	for y := range f.size[1] {
		row := set.row((z+f.box.Min[0])*set.dims[1] + y + f.box.Min[1])
		line := here[y*f.size[2]:][:f.size[2]]
		for lo, hi := nextRun(row, x0); lo != hi && lo-x0 < len(line); lo, hi = nextRun(row, hi) {
			clear(line[lo-x0 : min(hi-x0, len(line))])
		}
	}
}

// farPlane is the scratch memory of one worker.
type farPlane struct {
	loaded int       // the block that along holds, -1 for none
	along  []uint16  // steps to the nearest set voxel on axis 0
	d      []float64 // squared distance within axes 0 and 1, one plane
	site   []int32
	start  []float64
	value  []float64
}

// envelope fills w.d for plane z of the block: for every column along axis 1 the lower
// envelope of the parabolas (dy·s1)² + (along·s0)².
func (w *farPlane) envelope(f *farField, z int, s [3]float64) {
	n, width := f.size[1], f.size[2]
	w.d = grow(w.d, n*width)
	w.site, w.start, w.value = grow(w.site, n), grow(w.start, n+1), grow(w.value, n)
	along := w.along[z*n*width : (z+1)*n*width]
	for x := range width {
		w.column(along[x:], w.d[x:], n, width, s)
	}
}

// column is the lower envelope of one column, values step apart.
func (w *farPlane) column(along []uint16, d []float64, n, step int, s [3]float64) {
	k := -1
	scale := 1 / (2 * s[1] * s[1])
	for y := range n {
		g := along[y*step]
		if g == farAway {
			continue
		}
		a, b := float64(g)*s[0], float64(y)*s[1]
		value := float64(a * a)
		height := value + float64(b*b)
		from := math.Inf(-1)
		for k >= 0 {
			c := float64(w.site[k]) * s[1]
			from = (height - w.value[k] - float64(c*c)) * scale / float64(y-int(w.site[k]))
			if from > w.start[k] {
				break
			}
			k--
			from = math.Inf(-1)
		}
		k++
		w.site[k], w.value[k], w.start[k] = int32(y), value, from
	}
	if k < 0 {
		for y := range n {
			d[y*step] = math.Inf(1)
		}
		return
	}
	last, k := k, 0
	for y := range n {
		for k < last && w.start[k+1] <= float64(y) {
			k++
		}
		b := float64(y-int(w.site[k])) * s[1]
		d[y*step] = w.value[k] + float64(b*b)
	}
}

// at searches row y outward from x.
func (w *farPlane) at(f *farField, y, x int, sx float64) float64 {
	row := w.d[y*f.size[2]:][:f.size[2]]
	best := row[x]
	for k := 1; x-k >= 0 || x+k < len(row); k++ {
		b := float64(k) * sx
		b *= b
		if b >= best {
			break
		}
		if x-k >= 0 {
			best = min(best, row[x-k]+b)
		}
		if x+k < len(row) {
			best = min(best, row[x+k]+b)
		}
	}
	return best
}

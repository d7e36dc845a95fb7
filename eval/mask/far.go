package mask

import "math"

// farField is a distance transform of which only the planes that are asked
// for are finished: the distance along axis 0 for every voxel of the box
// (two bytes each), then for one plane at a time the lower envelope along
// axis 1, then a search along the row for every voxel asked for.
type farField struct {
	box   Box
	size  [3]int
	along []uint16 // steps to the nearest set voxel on axis 0, farAway if none
	work  []farPlane
}

// farAway stands for no set voxel; an axis has at most 65535 voxels, so it is
// never a distance.
const farAway = math.MaxUint16

// span prepares the box around set and the voxels that will be asked for:
// those in left where these are all, else all of queries.
func (f *farField) span(set, queries *Mask, left []asked, whole bool) {
	f.box = set.Box()
	if !whole {
		f.box = f.box.Union(queries.Box())
	} else {
		for _, q := range left {
			p := q.in(set)
			f.box = f.box.Union(Box{Min: p, Max: Point{p[0] + 1, p[1] + 1, p[2] + 1}})
		}
	}
	f.size = f.box.Size()
	f.sweep(set)
}

// distances fills dst for the voxels in left, which are in C order.
func (f *farField) distances(dst []float64, set *Mask, left []asked, workers int) {
	if len(f.work) < workers {
		f.work = make([]farPlane, workers)
	}
	if workers == 1 {
		f.fill(dst, set, left, 0)
		return
	}
	split(workers, len(left), func(k, lo, hi int) { f.fill(dst, set, left[lo:hi], k) })
}

// fill does the voxels in left with the memory of one worker.
func (f *farField) fill(dst []float64, set *Mask, left []asked, worker int) {
	w, plane := &f.work[worker], -1
	for _, q := range left {
		p := q.in(set)
		if z := p[0] - f.box.Min[0]; z != plane {
			plane = z
			w.envelope(f, z, set.spacing)
		}
		dst[q.to] = w.at(f, p[1]-f.box.Min[1], p[2]-f.box.Min[2], set.spacing[2])
	}
}

// sweep finds the distances along axis 0, forward and back.
func (f *farField) sweep(set *Mask) {
	plane := f.size[1] * f.size[2]
	if n := f.size[0] * plane; cap(f.along) < n {
		f.along = nil // to be freed before as much again is taken
		f.along = make([]uint16, n)
	} else {
		f.along = f.along[:n]
	}
	for z := range f.size[0] {
		here := f.along[z*plane : (z+1)*plane]
		if z == 0 {
			for i := range here {
				here[i] = farAway
			}
		} else {
			nextPlane(here, f.along[(z-1)*plane:z*plane])
		}
		f.zero(here, set, z)
	}
	for z := f.size[0] - 2; z >= 0; z-- {
		here, below := f.along[z*plane:(z+1)*plane], f.along[(z+1)*plane:(z+2)*plane]
		for i, v := range below {
			if v < here[i] { // below + 1 is less, and not farAway
				here[i] = min(here[i], v+1)
			}
		}
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
	d     []float64 // squared distance within axes 0 and 1, one plane
	site  []int32
	start []float64
	value []float64
}

// envelope fills w.d for plane z: for every column along axis 1 the lower
// envelope of the parabolas (dy·s1)² + (along·s0)².
func (w *farPlane) envelope(f *farField, z int, s [3]float64) {
	n, width := f.size[1], f.size[2]
	w.d = grow(w.d, n*width)
	w.site, w.start, w.value = grow(w.site, n), grow(w.start, n+1), grow(w.value, n)
	along := f.along[z*n*width : (z+1)*n*width]
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

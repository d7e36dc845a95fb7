package mask

import (
	"math/bits"
	"sync"
)

// number is what squared distances are counted in.
type number interface{ ~int32 | ~float64 }

// field is squared distances over a box, the last axis fastest.
type field[T number] struct {
	box  Box
	size [3]int
	d    []T
	work []columns[T]
}

func (f *field[T]) at(p Point) T {
	if !f.box.Contains(p) {
		return 0
	}
	z, y, x := p[0]-f.box.Min[0], p[1]-f.box.Min[1], p[2]-f.box.Min[2]
	return f.d[(z*f.size[1]+y)*f.size[2]+x]
}

func (f *field[T]) max() T {
	var a, b, c, d T
	v := f.d
	for ; len(v) >= 4; v = v[4:] {
		a, b, c, d = max(a, v[0]), max(b, v[1]), max(c, v[2]), max(d, v[3])
	}
	for _, x := range v {
		a = max(a, x)
	}
	return max(a, b, c, d)
}

// collect appends the voxels whose value is at least low, in C order.
func (f *field[T]) collect(dst []Point, low T) []Point {
	for r := range f.size[0] * f.size[1] {
		for x, v := range f.d[r*f.size[2] : (r+1)*f.size[2]] {
			if v >= low {
				dst = append(dst, Point{f.box.Min[0] + r/f.size[1], f.box.Min[1] + r%f.size[1], f.box.Min[2] + x})
			}
		}
	}
	return dst
}

// inside fills f with the distances within m: along rows from the runs of
// voxels, then the lower envelope of parabolas along axis 1 and axis 0
// (Felzenszwalb and Huttenlocher, Distance Transforms of Sampled Functions,
// 2012; Meijster's integer form). Voxels that are not set are never visited.
// w is the squared voxel size of each axis, far stands for no bound.
func (f *field[T]) inside(m *Mask, w [3]T, far T, workers int) {
	f.box = m.Box()
	f.size = f.box.Size()
	f.d = grow(f.d, f.box.Voxels())
	if f.box.Empty() {
		return
	}
	if m.dims == [3]int{1, 1, 1} {
		f.d[0] = 1
		return
	}
	workers = max(1, workers)
	if len(f.work) < workers {
		f.work = make([]columns[T], workers)
	}
	n0, n1 := f.size[0], f.size[1]
	deep := m.dims[0] > 1
	if workers == 1 {
		f.planes(0, 0, n0, m, w, far)
		if deep {
			f.depth(0, 0, n1, m, w)
		}
		return
	}
	f.parallel(m, w, far, workers, deep)
}

// parallel is apart so that its closures cost the other case no allocation.
func (f *field[T]) parallel(m *Mask, w [3]T, far T, workers int, deep bool) {
	split(workers, f.size[0], func(k, lo, hi int) { f.planes(k, lo, hi, m, w, far) })
	if deep {
		split(workers, f.size[1], func(k, lo, hi int) { f.depth(k, lo, hi, m, w) })
	}
}

// planes does axes 2 and 1 of the planes [lo, hi) of axis 0.
func (f *field[T]) planes(worker, lo, hi int, m *Mask, w [3]T, far T) {
	n1, n2 := f.size[1], f.size[2]
	for z := lo; z < hi; z++ {
		for y := range n1 {
			f.rowPass(m, z, y, w[2], far)
		}
		if m.dims[1] > 1 {
			row := (z+f.box.Min[0])*m.dims[1] + f.box.Min[1]
			f.work[worker].pass(f, m, row, 1, n1, z*n1*n2, n2, w[1])
		}
	}
}

// depth does axis 0 of the planes [lo, hi) of axis 1.
func (f *field[T]) depth(worker, lo, hi int, m *Mask, w [3]T) {
	for y := lo; y < hi; y++ {
		row := f.box.Min[0]*m.dims[1] + f.box.Min[1] + y
		f.work[worker].pass(f, m, row, m.dims[1], f.size[0], y*f.size[2], f.size[1]*f.size[2], w[0])
	}
}

// split runs work over [0, n) in as many parts as there are workers.
func split(workers, n int, work func(k, lo, hi int)) {
	if workers = min(workers, n); workers <= 1 {
		work(0, 0, n)
		return
	}
	var wg sync.WaitGroup
	for k := range workers {
		wg.Go(func() { work(k, k*n/workers, (k+1)*n/workers) })
	}
	wg.Wait()
}

// rowPass writes the squared distances along the last axis of one row.
func (f *field[T]) rowPass(m *Mask, z, y int, w, far T) {
	x0 := f.box.Min[2]
	d := f.d[(z*f.size[1]+y)*f.size[2]:][:f.size[2]]
	clear(d)
	row := m.row((z+f.box.Min[0])*m.dims[1] + y + f.box.Min[1])
	for lo := 0; ; {
		var hi int
		if lo, hi = nextRun(row, lo); lo == hi {
			return
		}
		part := d[lo-x0 : hi-x0]
		lo = hi
		if m.dims[2] == 1 {
			part[0] = far
			continue
		}
		for i, j := 0, len(part)-1; i <= j; i, j = i+1, j-1 {
			v := T(i+1) * T(i+1) * w
			part[i], part[j] = v, v
		}
	}
}

// nextRun returns the first run [lo, hi) of set bits at or after from; lo ==
// hi where there is none.
func nextRun(row []uint64, from int) (lo, hi int) {
	i := from >> 6
	if i >= len(row) {
		return 0, 0
	}
	w := row[i] &^ (1<<(uint(from)&63) - 1)
	for w == 0 {
		if i++; i == len(row) {
			return 0, 0
		}
		w = row[i]
	}
	b := bits.TrailingZeros64(w)
	lo = i<<6 + b
	w = ^w &^ (1<<uint(b) - 1)
	for w == 0 {
		if i++; i == len(row) {
			return lo, i << 6
		}
		w = ^row[i]
	}
	return lo, i<<6 + bits.TrailingZeros64(w)
}

package mask

import "math/bits"

// batch is the number of neighboring columns that are moved at a time: as
// many as make a cache line of int32, so that every line is read once.
const batch = 16

// columns is the scratch memory of a pass along axis 0 or 1.
type columns[T number] struct {
	buf  []T // batch columns one after the other
	site []int32
	from []int32
	out  []T
	sq   []T // sq[k] = k² · w, as far as half a column
	w    T
}

// pass replaces the values along one axis by the lower envelope of their
// parabolas, for all columns of a plane: n values a column, step apart in f.d
// from start on; the mask's rows beside them are rowStep apart from row on.
func (c *columns[T]) pass(f *field[T], m *Mask, row, rowStep, n, start, step int, w T) {
	c.prepare(n, w)
	x0, x1 := f.box.Min[2], f.box.Max[2]
	for word := x0 >> 6; word <= (x1-1)>>6; word++ {
		var any uint64
		lo, hi := n, 0
		at := row*m.stride + word
		for i := range n {
			if v := m.bits[at]; v != 0 {
				any |= v
				lo = min(lo, i)
				hi = i + 1
			}
			at += rowStep * m.stride
		}
		for any != 0 {
			b := bits.TrailingZeros64(any) &^ (batch - 1)
			any &^= (1<<batch - 1) << b
			from := max(word<<6+b, x0) - x0
			to := min(word<<6+b+batch, x1) - x0
			c.block(f.d[start+from:], step, lo, hi, to-from)
		}
	}
}

func (c *columns[T]) prepare(n int, w T) {
	c.buf = grow(c.buf, batch*n)
	c.site, c.from, c.out = grow(c.site, n+2), grow(c.from, n+2), grow(c.out, n)
	if len(c.sq) >= n/2+2 && c.w == w {
		return
	}
	c.w, c.sq = w, grow(c.sq, n/2+2)
	for k := range c.sq {
		c.sq[k] = T(k) * T(k) * w
	}
}

// block does the columns 0 … width-1 of d, rows lo … hi-1, step apart.
func (c *columns[T]) block(d []T, step, lo, hi, width int) {
	n := hi - lo
	buf := c.buf[:batch*n]
	for i := range n {
		line := d[(lo+i)*step:][:width]
		for k, v := range line {
			buf[k*n+i] = v
		}
	}
	for k := range width {
		c.column(buf[k*n : (k+1)*n])
	}
	for i := range n {
		line := d[(lo+i)*step:][:width]
		for k := range line {
			line[k] = buf[k*n+i]
		}
	}
}

// column does every run of non-zero values of one column. A zero, and what
// lies beyond the ends, is background.
func (c *columns[T]) column(col []T) {
	for lo := 0; lo < len(col); lo++ {
		if col[lo] == 0 {
			continue
		}
		hi := lo + 1
		for hi < len(col) && col[hi] != 0 {
			hi++
		}
		c.scan(col[lo:hi])
		lo = hi
	}
}

// scan looks outward from every voxel until nothing nearer can come. f's ends
// bound the value at i by the distance to them, so the search never leaves f.
func (c *columns[T]) scan(f []T) {
	n := len(f)
	out := c.out[:n]
	sq := c.sq
	for i, best := range f {
		best = min(best, sq[min(i+1, n-i)])
		for k := 1; sq[k] < best; k++ {
			s := sq[k]
			best = min(best, f[i-k]+s, f[i+k]+s)
		}
		out[i] = best
	}
	copy(f, out)
}

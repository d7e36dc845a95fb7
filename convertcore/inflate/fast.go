package inflate

import (
	"encoding/binary"
	"unsafe"
)

// margin is the input that the fast loop wants before it: two words.
const margin = 16

// word is the 8 bytes at p+i.
func word(p unsafe.Pointer, i int) *[8]byte { return (*[8]byte)(unsafe.Add(p, i)) }

func load(p unsafe.Pointer, i int) uint64     { return binary.LittleEndian.Uint64(word(p, i)[:]) }
func store(p unsafe.Pointer, i int, v uint64) { binary.LittleEndian.PutUint64(word(p, i)[:], v) }

func store2(p unsafe.Pointer, i int, v uint16) {
	binary.LittleEndian.PutUint16((*[2]byte)(unsafe.Add(p, i))[:], v)
}

// fast decodes while there are a margin of input and room, and returns how many
// bytes it used. It goes without the compiler's checks of bounds, which would cost a
// third: what one turn reads at most lies within the margin, what it writes at most
// within the slack behind limit, and matches begin within buf. Only the low 6 bits
// of n count: entries are taken off it whole.
func (r *Reader) fast(in []byte) (used int, done bool, err error) {
	if len(in) < margin || r.n > 7 || r.to < 0 || r.limit > len(r.buf)-slack {
		return 0, false, nil
	}
	src, buf := unsafe.Pointer(unsafe.SliceData(in)), unsafe.Pointer(unsafe.SliceData(r.buf))
	b, n, to, limit := r.bits, uint64(r.n), r.to, r.limit
	pos, end := 0, len(in)-margin
	b |= load(src, pos) << (n & 63)
	pos += 7 - int(n>>3&7)
	n |= 56
	e := r.lit[b&(1<<litBits-1)]
	for pos <= end && to < limit {
		b |= load(src, pos) << (n & 63)
		pos += 7 - int(n>>3&7)
		n |= 56
		if e&literal != 0 { // three times: 56 bits are enough for it
			store2(buf, to, uint16(e>>16))
			to += int(e >> 12 & 3)
			b >>= e & 63
			n -= uint64(e)
			if e = r.lit[b&(1<<litBits-1)]; e&literal != 0 {
				store2(buf, to, uint16(e>>16))
				to += int(e >> 12 & 3)
				b >>= e & 63
				n -= uint64(e)
				if e = r.lit[b&(1<<litBits-1)]; e&literal != 0 {
					store2(buf, to, uint16(e>>16))
					to += int(e >> 12 & 3)
					b >>= e & 63
					n -= uint64(e)
					e = r.lit[b&(1<<litBits-1)]
					continue
				}
			}
			b |= load(src, pos) << (n & 63)
			pos += 7 - int(n>>3&7)
			n |= 56
		}
		if e&rare != 0 {
			if e&sub != 0 {
				e = r.lit[e>>16+uint32(b>>litBits)&(1<<(e&63)-1)]
			}
			if e&literal != 0 {
				store2(buf, to, uint16(e>>16))
				to++
				b >>= e & 63
				n -= uint64(e)
				e = r.lit[b&(1<<litBits-1)]
				continue
			}
			if e&rare != 0 {
				if done = e&endOfBlock != 0; done {
					b >>= e & 63
					n -= uint64(e)
				} else {
					err = ErrCorrupt
				}
				break
			}
		}
		length := int(e>>16&511) + int(uint32(b>>(e>>8&15))&(e>>lengthMask))
		b >>= e & 63
		n -= uint64(e)
		d := r.dist[b&(1<<distBits-1)]
		if d&rare != 0 {
			if d&sub != 0 {
				d = r.dist[d>>16+b>>distBits&(1<<(d&63)-1)]
			}
			if d&rare != 0 {
				err = ErrCorrupt
				break
			}
		}
		back := int(d>>16&0xffff) + int(b>>(d>>8&15)&(d>>distMask))
		b >>= d & 63
		n -= d
		if back > to {
			err = ErrCorrupt
			break
		}
		e = r.lit[b&(1<<litBits-1)]
		p := &periods[min(back, 8)]
		store(buf, to, load(buf, to-back)&p.mask*p.copies)
		if length > 8 {
			repeat(buf, to, back, length)
		}
		to += length
	}
	// Whole bytes go back: fewer than 8 bits were there before.
	n &= 63
	pos -= int(n >> 3)
	n &= 7
	r.bits, r.n, r.to = b&(1<<n-1), uint(n), to
	return pos, done, err
}

// A period makes a word of the first bytes of one that are repeated: of up to 7, and
// of 8, which are the word. Step is the most whole repetitions in a word, in bytes.
type period struct {
	mask, copies uint64
	step         int
}

var periods = func() (p [9]period) {
	for n := 1; n <= 8; n++ {
		p[n] = period{1<<(8*n) - 1, 0, 8 / n * n}
		for i := 0; i < 8; i += n {
			p[n].copies |= 1 << (8 * i)
		}
	}
	return p
}()

// repeat writes length bytes from back before to; up to 15 more may be
// written behind them.
func repeat(buf unsafe.Pointer, to, back, length int) {
	end := to + length
	from := to - back
	switch {
	case back < 8:
		p := &periods[back]
		for v := load(buf, from) & p.mask * p.copies; to < end; to += p.step {
			store(buf, to, v)
		}
	case back >= length && length > 64:
		copy(unsafe.Slice((*byte)(unsafe.Add(buf, to)), length), unsafe.Slice((*byte)(unsafe.Add(buf, from)), length))
	default:
		for to < end {
			store(buf, to, load(buf, from))
			store(buf, to+8, load(buf, from+8))
			to += 16
			from += 16
		}
	}
}

package archive

import (
	"math/bits"
	"sync"
)

const (
	maxCode   = 15 // bits of the longest code
	firstBits = 10 // that are looked up at once
	linkFlag  = 0x80
)

// huffman is a table of prefix codes, read from their lowest bit on. An entry
// is symbol<<8 | bits of its code; where codes are longer than firstBits it is
// the place of a second table<<8 | linkFlag | bits of that table's index. An
// entry of 0 is no code.
type huffman struct {
	first  [1 << firstBits]uint32
	second []uint32
}

func (h *huffman) find(acc uint64) uint32 {
	e := h.first[acc&(1<<firstBits-1)]
	if e&linkFlag != 0 {
		e = h.second[uint64(e>>8)+acc>>firstBits&(1<<(e&31)-1)]
	}
	return e
}

// build makes the table of canonical codes of the given lengths (RFC 1951,
// section 3.2.2). Too many codes are refused, and too few, but for none or one
// of a single bit.
func (h *huffman) build(lengths []uint8) bool {
	var count, next [maxCode + 2]int
	longest := 0
	for _, n := range lengths {
		count[n]++
		longest = max(longest, int(n))
	}
	clear(h.first[:])
	h.second = h.second[:0]
	if longest == 0 {
		return true
	}
	code := 0
	for n := 1; n <= longest; n++ {
		code <<= 1
		next[n] = code
		code += count[n]
	}
	if code != 1<<longest && (code != 1 || longest != 1) {
		return false
	}
	for sym, n := range lengths {
		if n > 0 {
			h.set(uint32(sym), uint(n), uint32(next[n]), uint(longest))
			next[n]++
		}
	}
	return true
}

func (h *huffman) set(sym uint32, n uint, code uint32, longest uint) {
	code = uint32(bits.Reverse16(uint16(code)) >> (16 - n))
	e := sym<<8 | uint32(n)
	if n <= firstBits {
		for i := code; i < 1<<firstBits; i += 1 << n {
			h.first[i] = e
		}
		return
	}
	size := longest - firstBits
	low := code & (1<<firstBits - 1)
	if h.first[low] == 0 {
		h.first[low] = uint32(len(h.second))<<8 | linkFlag | uint32(size)
		for range 1 << size {
			h.second = append(h.second, 0)
		}
	}
	at := h.first[low] >> 8
	for i := code >> firstBits; i < 1<<size; i += 1 << (n - firstBits) {
		h.second[at+i] = e
	}
}

// fixedLit and fixedDist are the codes of RFC 1951, section 3.2.6.
var fixedLit = sync.OnceValue(func() *huffman {
	lengths := make([]uint8, 288)
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	h := &huffman{}
	h.build(lengths)
	return h
})

var fixedDist = sync.OnceValue(func() *huffman {
	lengths := make([]uint8, 32)
	for i := range lengths {
		lengths[i] = 5
	}
	h := &huffman{}
	h.build(lengths)
	return h
})

// codeOrder is the order of the lengths of code lengths.
var codeOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// tables reads the codes of a dynamic block (RFC 1951, section 3.2.7).
func (f *inflate) tables() error {
	v, err := f.take(14)
	if err != nil {
		return err
	}
	nlit, ndist, ncode := int(v&31)+257, int(v>>5&31)+1, int(v>>10)+4
	if nlit > 286 || ndist > 30 && !f.wide {
		return errDeflate
	}
	var lengths [320]uint8
	for _, at := range codeOrder[:ncode] {
		v, err := f.take(3)
		if err != nil {
			return err
		}
		lengths[at] = uint8(v)
	}
	f.lit, f.dist = &f.ownLit, &f.ownDist
	if !f.lit.build(lengths[:19]) {
		return errDeflate
	}
	clear(lengths[:19])
	if err := f.lengths(lengths[:nlit+ndist]); err != nil {
		return err
	}
	dist := lengths[nlit : nlit+ndist]
	if lengths[256] == 0 || !f.dist.build(dist) || !f.lit.build(lengths[:nlit]) {
		return errDeflate
	}
	return nil
}

// lengths reads code lengths, which are coded with f.lit.
func (f *inflate) lengths(out []uint8) error {
	for i := 0; i < len(out); {
		if f.n < 22 {
			if err := f.refill(); err != nil {
				return err
			}
		}
		e := f.lit.find(f.acc)
		if e == 0 {
			return f.short()
		}
		if _, err := f.take(uint(e & 31)); err != nil {
			return err
		}
		sym := e >> 8
		if sym < 16 {
			out[i] = uint8(sym)
			i++
			continue
		}
		var val uint8
		base, extra := 3, uint(2)
		switch sym {
		case 16:
			if i == 0 {
				return errDeflate
			}
			val = out[i-1]
		case 17:
			extra = 3
		default:
			base, extra = 11, 7
		}
		v, err := f.take(extra)
		if err != nil {
			return err
		}
		n := base + int(v)
		if i+n > len(out) {
			return errDeflate
		}
		for range n {
			out[i] = val
			i++
		}
	}
	return nil
}

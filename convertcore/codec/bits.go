package codec

import "encoding/binary"

// bitReader reads the entropy-coded segments of a JPEG, with stuffed zeros
// taken out. It stops at a marker and gives zeros from there; over reports
// whether any of these were consumed.
type bitReader struct {
	data []byte
	pos  int    // of the next byte that acc lacks
	acc  uint64 // from the top; what follows the first n bits is to be read again
	n    int
	pad  int // zeros that were appended to acc
}

// fill makes at least 57 bits available.
func (b *bitReader) fill() {
	if len(b.data)-b.pos >= 8 {
		v := binary.BigEndian.Uint64(b.data[b.pos:])
		if (^v-0x0101010101010101)&v&0x8080808080808080 == 0 { // no byte is 0xff
			b.acc |= v >> b.n
			k := (63 - b.n) >> 3
			b.pos += k
			b.n += k << 3
			return
		}
	}
	for b.n <= 56 {
		var c byte
		switch {
		case b.pos < len(b.data) && b.data[b.pos] != 0xff:
			c = b.data[b.pos]
			b.pos++
		case b.pos+1 < len(b.data) && b.data[b.pos+1] == 0:
			c = 0xff
			b.pos += 2
		default:
			b.pad += 8
		}
		b.acc |= uint64(c) << (56 - b.n)
		b.n += 8
	}
}

func (b *bitReader) over() bool { return b.n < b.pad }

// skip consumes k of the bits that fill made available.
func (b *bitReader) skip(k int) {
	b.acc <<= k
	b.n -= k
}

// bits returns the next k bits; k is 0 to 16.
func (b *bitReader) bits(k int) int {
	if b.n < k {
		b.fill()
	}
	v := int(b.acc >> 1 >> (63 - k))
	b.skip(k)
	return v
}

// extended returns the next k bits as the signed value that they stand for
// (ITU T.81, F.2.2.1, EXTEND).
func (b *bitReader) extended(k int) int {
	v := b.bits(k)
	return v + ((v-(1<<k>>1))>>63)&(1-1<<k)
}

// restart passes over the marker RSTi. What stands before it is padding.
func (b *bitReader) restart(i int) error {
	m := nextMarker(b.data, b.pos)
	if m >= len(b.data) || b.data[m] != 0xd0+byte(i&7) {
		return malformed("restart marker %d is missing", i&7)
	}
	*b = bitReader{data: b.data, pos: m + 1}
	return nil
}

// nextMarker returns the place of the code after 0xff of the first marker from
// pos on; len(data) where there is none.
func nextMarker(data []byte, pos int) int {
	for ; pos+1 < len(data); pos++ {
		if data[pos] == 0xff && data[pos+1] != 0 && data[pos+1] != 0xff {
			return pos + 1
		}
	}
	return len(data)
}

const huffLook = 10

// huffman is one Huffman table of ITU T.81, annex C.
type huffman struct {
	look   [1 << huffLook]uint16 // of the next bits: length<<8 | value; 0 for longer codes
	above  [18]int               // of the next 16 bits: codes of this length are below
	offset [17]int               // from a code of this length to its value
	values []byte
}

// newHuffman reads a table from its 16 counts and the values that follow them,
// and returns how many bytes it took.
func newHuffman(b []byte) (*huffman, int, error) {
	if len(b) < 16 {
		return nil, 0, malformed("Huffman table of %d bytes", len(b))
	}
	h := &huffman{}
	code, total := 0, 0
	for length := 1; length <= 16; length++ {
		count := int(b[length-1])
		if code+count > 1<<length || len(b) < 16+total+count {
			return nil, 0, malformed("Huffman table")
		}
		h.offset[length] = total - code
		for _, v := range b[16+total : 16+total+count] {
			if shift := huffLook - length; shift >= 0 {
				for i := range 1 << shift {
					h.look[code<<shift+i] = uint16(length)<<8 | uint16(v)
				}
			}
			code++
		}
		total += count
		h.above[length] = code << (16 - length)
		code <<= 1
	}
	h.values = b[16 : 16+total]
	return h, 16 + total, nil
}

// decode returns the next value. At least 16 bits must be available. A code
// that the table lacks is -1.
func (h *huffman) decode(b *bitReader) int {
	if e := h.look[b.acc>>(64-huffLook)]; e != 0 {
		b.skip(int(e >> 8))
		return int(e & 0xff)
	}
	next := int(b.acc >> 48)
	for length := huffLook + 1; length <= 16; length++ {
		if next < h.above[length] {
			b.skip(length)
			return int(h.values[h.offset[length]+next>>(16-length)])
		}
	}
	return -1
}

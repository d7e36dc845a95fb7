package convertcore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// AppendBinary appends a compact form of h, for stores of small facts.
func (h Header) AppendBinary(b []byte) []byte {
	var flags byte
	if h.Float {
		flags |= 1
	}
	if h.Signed {
		flags |= 2
	}
	b = append(b, byte(h.Form), byte(h.Channels), byte(h.Bits), flags)
	for _, v := range append(h.Dims[:], h.Lead) {
		b = binary.AppendUvarint(b, uint64(v))
	}
	if h.Form == NIfTI {
		for _, row := range h.Affine {
			for _, v := range row {
				b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
			}
		}
	}
	return b
}

// UnmarshalBinary reads what AppendBinary appended to nothing.
func (h *Header) UnmarshalBinary(data []byte) error {
	r := reader{b: data}
	out := r.header()
	if r.bad || len(r.b) != 0 || out.Check() != nil || !bytes.Equal(out.AppendBinary(nil), data) {
		return fmt.Errorf("%w: stored header", ErrFormat)
	}
	*h = out
	return nil
}

// reader takes values off the front of b; bad stays set once b ran out.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	p := r.b[:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) byte() byte {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if p := r.take(4); p != nil {
		return binary.LittleEndian.Uint32(p)
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, n = true, len(r.b)
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, n = true, len(r.b)
	}
	r.b = r.b[n:]
	return v
}

// count is a number of things of at least size bytes each, of which no more
// can follow than there are bytes.
func (r *reader) count(size int) uint64 {
	n := r.uvarint()
	if n > uint64(len(r.b)/size) {
		r.bad = true
		return 0
	}
	return n
}

func (r *reader) text() string { return string(r.take(r.uvarint())) }

func (r *reader) header() (h Header) {
	h.Form, h.Channels, h.Bits = Form(r.byte()), int(r.byte()), int(r.byte())
	flags := r.byte()
	h.Float, h.Signed = flags&1 != 0, flags&2 != 0
	for i := range h.Dims {
		h.Dims[i] = int(min(r.uvarint(), 1<<40))
	}
	h.Lead = int(min(r.uvarint(), 1<<40))
	if h.Form == NIfTI {
		for i := range h.Affine {
			for j := range h.Affine[i] {
				if p := r.take(8); p != nil {
					h.Affine[i][j] = math.Float64frombits(binary.LittleEndian.Uint64(p))
				}
			}
		}
	}
	return h
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

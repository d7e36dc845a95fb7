package dicom

import (
	"math"
	"slices"
)

// Palette maps stored values to colours (PS3.3, C.7.6.3.1.5 and 6).
type Palette struct {
	First int // stored value of entry 0; what lies outside takes the nearest entry
	Bits  int // of a colour: 8, or 16 where 8 would lose some
	RGB   [3][]uint16
}

// palette reads the three tables.
func (d *Dataset) palette() (*Palette, error) {
	p := &Palette{Bits: 8}
	segmented := d.Get(RedPaletteSegmented) != nil
	for i := range 3 {
		desc, err := d.Ints(RedPaletteDescriptor + Tag(i))
		if err != nil {
			return nil, err
		}
		if len(desc) != 3 {
			return nil, malformed("palette descriptor %v", desc)
		}
		n := desc[0] & 0xffff // a signed image has signed descriptors
		if n == 0 {
			n = 1 << 16
		}
		p.First = desc[1]
		if segmented {
			if p.RGB[i], err = d.segments(RedPaletteSegmented+Tag(i), n, desc[2]); err != nil {
				return nil, err
			}
			continue
		}
		b, err := d.Bytes(RedPaletteData + Tag(i))
		if err != nil {
			return nil, err
		}
		if p.RGB[i], err = d.lut(RedPaletteData+Tag(i), b, n); err != nil {
			return nil, err
		}
	}
	p.narrow()
	return p, nil
}

// lut returns n entries of 16 bits. Entries of 8 bits come one a byte.
func (d *Dataset) lut(t Tag, b []byte, n int) ([]uint16, error) {
	out := make([]uint16, n)
	switch {
	case len(b) >= 2*n:
		bo := order(d.Get(t).big)
		for i := range out {
			out[i] = bo.Uint16(b[2*i:])
		}
	case len(b) >= n:
		swap := byte(0)
		if d.Get(t).big && d.Get(t).VR == "OW" {
			swap = 1
		}
		for i := range out {
			at := i ^ int(swap)
			if at >= len(b) {
				at = i
			}
			out[i] = uint16(b[at]) * 0x101
		}
	default:
		return nil, malformed("palette of %d bytes for %d entries", len(b), n)
	}
	return out, nil
}

// segments returns the n entries that the segments of a table stand for (PS3.3,
// C.7.9.2): values as they are, and straight lines to a value. The numbers of a
// segment have the bits of an entry. Copies of earlier segments are unsupported:
// readers do not agree on what their offsets count.
func (d *Dataset) segments(t Tag, n, bits int) ([]uint16, error) {
	b, err := d.Bytes(t)
	if err != nil {
		return nil, err
	}
	if bits != 8 && bits != 16 {
		return nil, malformed("segmented palette of %d bits", bits)
	}
	var in []uint16
	for bo := order(d.Get(t) != nil && d.Get(t).big); len(b) >= bits/8; b = b[bits/8:] {
		if bits == 8 {
			in = append(in, uint16(b[0]))
		} else {
			in = append(in, bo.Uint16(b))
		}
	}
	out := make([]uint16, 0, n)
	for len(in) >= 2 && len(out) < n {
		kind, count := in[0], int(in[1])
		in = in[2:]
		switch {
		case kind > 1:
			return nil, unsupported("segment of kind %d in a palette", kind)
		case len(out)+count > n:
			return nil, malformed("segmented palette of more than %d entries", n)
		case kind == 0 && count <= len(in):
			out = append(out, in[:count]...)
			in = in[count:]
		case kind == 1 && len(in) > 0 && len(out) > 0:
			from, to := float64(out[len(out)-1]), float64(in[0])
			for i := range count {
				out = append(out, uint16(math.RoundToEven(from+(to-from)*float64(i+1)/float64(count))))
			}
			in = in[1:]
		default:
			return nil, malformed("segment of %d entries in a palette", count)
		}
	}
	if len(out) != n {
		return nil, malformed("segmented palette of %d entries for %d", len(out), n)
	}
	if bits == 8 {
		for i := range out {
			out[i] *= 0x101
		}
	}
	return out, nil
}

// narrow tells whether 8 bits hold every colour: entries are then either small
// or 16 bits wide with nothing in the low byte, or with the high byte repeated.
func (p *Palette) narrow() {
	small, high := true, true
	for _, lut := range p.RGB {
		for _, v := range lut {
			small = small && v < 256
			high = high && (v&0xff == 0 || v&0xff == v>>8)
		}
	}
	if !small && !high {
		p.Bits = 16
		return
	}
	for i, lut := range p.RGB {
		if !small {
			lut = slices.Clone(lut)
			for j := range lut {
				lut[j] >>= 8
			}
			p.RGB[i] = lut
		}
	}
}

// Expand returns the colours of decoded indices of bits each, three samples a
// pixel, big-endian where they have 16 bits (as PNG stores them).
func (p *Palette) Expand(indices []byte, bits int, signed bool) []byte {
	n := len(indices) / (bits / 8)
	out := make([]byte, 0, n*3*p.Bits/8)
	for i := range n {
		v := 0
		switch {
		case bits == 8 && signed:
			v = int(int8(indices[i]))
		case bits == 8:
			v = int(indices[i])
		case signed:
			v = int(int16(uint16(indices[2*i]) | uint16(indices[2*i+1])<<8))
		default:
			v = int(indices[2*i]) | int(indices[2*i+1])<<8
		}
		for _, lut := range p.RGB {
			c := lut[min(max(v-p.First, 0), len(lut)-1)]
			if p.Bits == 16 {
				out = append(out, byte(c>>8))
			}
			out = append(out, byte(c))
		}
	}
	return out
}

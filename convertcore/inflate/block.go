package inflate

import "io"

// block reads a block's header.
func (r *Reader) block() error {
	h, err := r.take(3)
	if err != nil {
		return err
	}
	r.final = h&1 != 0
	switch h >> 1 {
	case 0:
		r.bits, r.n = r.bits>>(r.n&7), r.n&^7
		v, err := r.take(32)
		if err != nil {
			return err
		}
		if v&0xffff != ^v>>16 {
			return ErrCorrupt
		}
		r.raw, r.state = int(v&0xffff), inStored
		return nil
	case 1:
		var lengths [320]uint8
		for i := range 288 {
			lengths[i] = fixedLength(i)
		}
		for i := range 32 {
			lengths[288+i] = 5
		}
		r.lit.build(lengths[:288], litEntry, litBits, true)
		r.dist.build(lengths[288:], distEntry, distBits, false)
	case 2:
		if err := r.dynamic(); err != nil {
			return err
		}
	default:
		return ErrCorrupt
	}
	r.state = inCodes
	return nil
}

// fixedLength is the length of a code in fixed blocks (RFC 1951, 3.2.6).
func fixedLength(i int) uint8 {
	switch {
	case i < 144:
		return 8
	case i < 256:
		return 9
	case i < 280:
		return 7
	}
	return 8
}

func (r *Reader) stored() error {
	for r.raw > 0 && r.n > 0 { // whole bytes among the bits
		if r.to == len(r.buf) {
			return nil
		}
		r.buf[r.to] = byte(r.bits)
		r.bits >>= 8
		r.n -= 8
		r.to++
		r.raw--
	}
	n := min(r.raw, max(0, r.limit-r.to))
	if n > 0 {
		if _, err := io.ReadFull(r.br, r.buf[r.to:r.to+n]); err != nil {
			return noEOF(err)
		}
		r.to += n
		r.raw -= n
	}
	if r.raw == 0 {
		r.state = atBlock
	}
	return nil
}

var lengthOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamic reads the codes of a block (RFC 1951, 3.2.7).
func (r *Reader) dynamic() error {
	v, err := r.take(14)
	if err != nil {
		return err
	}
	lits, dists, count := int(v&31)+257, int(v>>5&31)+1, int(v>>10)+4
	if lits > 286 {
		return ErrCorrupt
	}
	var lengths [320]uint8
	for i := range count {
		k, err := r.take(3)
		if err != nil {
			return err
		}
		lengths[lengthOrder[i]] = uint8(k)
	}
	if !r.dist.build(lengths[:19], distEntry, 7, true) {
		return ErrCorrupt
	}
	codes := r.dist
	clear(lengths[:])
	for i := 0; i < lits+dists; {
		for r.n < 7 { // near the input's end there may be fewer
			if err := r.need(r.n + 1); err != nil {
				return err
			}
			if e := codes.entries[r.bits&127]; e != 0 && uint(e&255) <= r.n {
				break
			}
		}
		e := codes.entries[r.bits&127]
		if e == 0 {
			return ErrCorrupt
		}
		sym := int(codes.symbols[r.bits&127])
		r.bits >>= e & 255
		r.n -= uint(e & 255)
		if sym < 16 {
			lengths[i] = uint8(sym)
			i++
			continue
		}
		var value uint8
		repeat, extra := 3, uint(2)
		switch sym {
		case 16:
			if i == 0 {
				return ErrCorrupt
			}
			value = lengths[i-1]
		case 17:
			extra = 3
		default:
			repeat, extra = 11, 7
		}
		k, err := r.take(extra)
		if err != nil {
			return err
		}
		if repeat += int(k); i+repeat > lits+dists {
			return ErrCorrupt
		}
		for range repeat {
			lengths[i] = value
			i++
		}
	}
	if lengths[256] == 0 || !r.lit.build(lengths[:lits], litEntry, litBits, true) || !r.dist.build(lengths[lits:lits+dists], distEntry, distBits, false) {
		return ErrCorrupt
	}
	return nil
}

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
		r.tables(lengths[:288], lengths[288:])
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
	var codes [128]uint32
	if !build(codes[:], codeBase[:], lengths[:19], 7, true) {
		return ErrCorrupt
	}
	clear(lengths[:19])
	for i := 0; i < lits+dists; {
		e, err := symbol(r, codes[:], 7)
		if err != nil {
			return err
		}
		sym := e >> 16
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
	if lengths[256] == 0 || !r.tables(lengths[:lits], lengths[lits:lits+dists]) {
		return ErrCorrupt
	}
	return nil
}

// tables builds those of a block.
func (r *Reader) tables(lits, dists []uint8) bool {
	if !build(r.lit[:], litBase[:], lits, litBits, true) || !build(r.dist[:], distBase[:], dists, distBits, false) {
		return false
	}
	r.lit.pair(lits)
	return true
}

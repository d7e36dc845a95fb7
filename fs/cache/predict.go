package cache

import "encoding/binary"

// predictor is how a byte is told from its neighbours; what is kept is the
// difference, modulo 256. Decoding up and sub adds eight bytes at a time; grad
// depends on the byte just decoded and takes as long as all else, so it must
// earn it.
type predictor byte

const (
	predNone predictor = iota
	predUp             // the byte above
	predSub            // the byte on the left
	predGrad           // left + above - above left, held between left and above (LOCO-I, ISO 14495-1 A.4.1)
	predCount
)

const (
	high = 0x8080808080808080
	low7 = 0x7f7f7f7f7f7f7f7f
)

// addBytes adds eight bytes without a carry between them.
func addBytes(a, b uint64) uint64 { return ((a & low7) + (b & low7)) ^ ((a ^ b) & high) }

// subBytes subtracts eight bytes without a borrow between them.
func subBytes(a, b uint64) uint64 { return ((a | high) - (b & low7)) ^ ((a ^ ^b) & high) }

// encode writes the differences of src to dst.
func (p predictor) encode(dst, src []byte, row, step int) {
	switch p {
	case predNone:
		copy(dst, src)
	case predUp:
		n := min(row, len(src))
		copy(dst[:n], src)
		subFrom(dst[n:], src[n:], src)
	case predSub:
		for y := 0; y < len(src); y += row {
			s, d := src[y:min(y+row, len(src))], dst[y:]
			n := min(step, len(s))
			copy(d[:n], s)
			subFrom(d[n:len(s)], s[n:], s)
		}
	case predGrad:
		encodeGrad(dst, src, row, step)
	}
}

// decode turns the differences in b into the bytes themselves.
func (p predictor) decode(b []byte, row, step int) {
	switch p {
	case predUp:
		if row < len(b) {
			addTo(b[row:], b)
		}
	case predSub:
		for y := 0; y < len(b); y += row {
			sumLine(b[y:min(y+row, len(b))], step)
		}
	case predGrad:
		decodeGrad(b, row, step)
	}
}

// subFrom sets dst to a - b, byte by byte, over len(a).
func subFrom(dst, a, b []byte) {
	i := 0
	for ; i+8 <= len(a); i += 8 {
		binary.LittleEndian.PutUint64(dst[i:], subBytes(binary.LittleEndian.Uint64(a[i:]), binary.LittleEndian.Uint64(b[i:])))
	}
	for ; i < len(a); i++ {
		dst[i] = a[i] - b[i]
	}
}

// addTo adds b to dst, byte by byte, over len(dst), where dst may be the same
// memory at least one byte further on.
func addTo(dst, b []byte) {
	i := 0
	// Eight at a time needs that what is read was finished before: true when the
	// two are eight bytes apart or more.
	if len(b)-len(dst) >= 8 {
		for ; i+8 <= len(dst); i += 8 {
			binary.LittleEndian.PutUint64(dst[i:], addBytes(binary.LittleEndian.Uint64(dst[i:]), binary.LittleEndian.Uint64(b[i:])))
		}
	}
	for ; i < len(dst); i++ {
		dst[i] += b[i]
	}
}

// sumLine adds to every byte of line the one step before it, in order. Up to
// four channels are summed within a machine word: the first two additions make
// the sums of its own bytes, the last adds what came before.
func sumLine(line []byte, step int) {
	i := 0
	switch step {
	case 1:
		i = sumBytes(line)
	case 2, 4:
		var before uint64
		for ; i+8 <= len(line); i += 8 {
			v := binary.LittleEndian.Uint64(line[i:])
			for s := 8 * step; s < 64; s *= 2 {
				v = addBytes(v, v<<s)
			}
			v = addBytes(v, before)
			binary.LittleEndian.PutUint64(line[i:], v)
			before = v >> 48 * 0x0001000100010001
			if step == 4 {
				before = v >> 32 * 0x0000000100000001
			}
		}
	case 3:
		var x, y, z byte
		for ; i+3 <= len(line); i += 3 {
			x, y, z = x+line[i], y+line[i+1], z+line[i+2]
			line[i], line[i+1], line[i+2] = x, y, z
		}
	}
	for i = max(i, step); i < len(line); i++ {
		line[i] += line[i-step]
	}
}

// sumBytes is sumLine for a step of 1 over whole words; it returns how far it
// came.
func sumBytes(line []byte) (i int) {
	var before uint64 // the last sum, in every byte
	for ; i+8 <= len(line); i += 8 {
		v := binary.LittleEndian.Uint64(line[i:])
		v = addBytes(v, v<<8)
		v = addBytes(v, v<<16)
		v = addBytes(v, v<<32)
		v = addBytes(v, before)
		binary.LittleEndian.PutUint64(line[i:], v)
		before = v >> 56 * 0x0101010101010101
	}
	return i
}

func gradient(a, b, c byte) byte {
	lo, hi := min(a, b), max(a, b)
	p := int(a) + int(b) - int(c)
	return byte(min(max(p, int(lo)), int(hi)))
}

func encodeGrad(dst, src []byte, row, step int) {
	n := min(row, len(src))
	predSub.encode(dst[:n], src[:n], row, step)
	for y := row; y < len(src); y += row {
		end := min(y+row, len(src))
		s, d := src[y:end], dst[y:end]
		up := src[y-row : y]
		for i := range s {
			if i < step {
				d[i] = s[i] - up[i]
				continue
			}
			d[i] = s[i] - gradient(s[i-step], up[i], up[i-step])
		}
	}
}

func decodeGrad(b []byte, row, step int) {
	n := min(row, len(b))
	predSub.decode(b[:n], row, step)
	for y := row; y < len(b); y += row {
		line := b[y:min(y+row, len(b))]
		up := b[y-row : y][:len(line)]
		head := min(step, len(line))
		for i := range head {
			line[i] += up[i]
		}
		if step == 1 {
			a, c := line[0], up[0]
			for i := 1; i < len(line); i++ {
				u := up[i]
				a = line[i] + gradient(a, u, c)
				line[i] = a
				c = u
			}
			continue
		}
		for i := head; i < len(line); i++ {
			line[i] += gradient(line[i-step], up[i], up[i-step])
		}
	}
}

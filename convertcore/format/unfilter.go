package format

import "encoding/binary"

const (
	lows = 0x7f7f7f7f7f7f7f7f
	tops = 0x8080808080808080
)

// unfilter undoes a row's PNG filter (PNG specification, section 9): dst and
// src have the row's length, prev is the row above, unfiltered, bpp the number
// of bytes a pixel, at least 1.
func unfilter(kind byte, dst, src, prev []byte, bpp int) error {
	src, prev = src[:len(dst)], prev[:len(dst)]
	switch kind {
	case 0:
		copy(dst, src)
	case 1:
		unfilterSub(dst, src, bpp)
	case 2:
		unfilterUp(dst, src, prev)
	case 3:
		unfilterAverage(dst, src, prev, bpp)
	case 4:
		unfilterPaeth(dst, src, prev, bpp)
	default:
		return malformed("row filter %d", kind)
	}
	return nil
}

// unfilterUp adds eight bytes at a time, without carries between them.
func unfilterUp(dst, src, prev []byte) {
	le, n := binary.LittleEndian, len(dst)&^7
	for i := 0; i < n; i += 8 {
		x, y := le.Uint64(src[i:]), le.Uint64(prev[i:])
		le.PutUint64(dst[i:], (x&lows+y&lows)^(x^y)&tops)
	}
	for i := n; i < len(dst); i++ {
		dst[i] = src[i] + prev[i]
	}
}

func unfilterSub(dst, src []byte, bpp int) {
	n := copy(dst, src[:min(bpp, len(src))])
	switch bpp {
	case 1:
		a := dst[0]
		for i, v := range src[1:] {
			a += v
			dst[i+1] = a
		}
	case 3:
		a, b, c := dst[0], dst[1], dst[2]
		for i := 3; i+2 < len(src) && i+2 < len(dst); i += 3 {
			a, b, c = a+src[i], b+src[i+1], c+src[i+2]
			dst[i], dst[i+1], dst[i+2] = a, b, c
		}
	case 4:
		le := binary.LittleEndian
		a := le.Uint32(dst)
		for i := 4; i+3 < len(src); i += 4 {
			x := le.Uint32(src[i:])
			a = (a&(lows>>32) + x&(lows>>32)) ^ (a^x)&(tops>>32)
			le.PutUint32(dst[i:], a)
		}
	default:
		for i := n; i < len(dst); i++ {
			dst[i] = src[i] + dst[i-bpp]
		}
	}
}

func unfilterAverage(dst, src, prev []byte, bpp int) {
	for i := range min(bpp, len(dst)) {
		dst[i] = src[i] + prev[i]/2
	}
	switch bpp {
	case 1:
		a := int(dst[0])
		for i := 1; i < len(src) && i < len(prev) && i < len(dst); i++ {
			a = int(src[i]+byte((a+int(prev[i]))>>1)) & 255
			dst[i] = byte(a)
		}
	case 3:
		a, b, c := int(dst[0]), int(dst[1]), int(dst[2])
		for i := 3; i+2 < len(src) && i+2 < len(prev) && i+2 < len(dst); i += 3 {
			a = int(src[i]+byte((a+int(prev[i]))>>1)) & 255
			b = int(src[i+1]+byte((b+int(prev[i+1]))>>1)) & 255
			c = int(src[i+2]+byte((c+int(prev[i+2]))>>1)) & 255
			dst[i], dst[i+1], dst[i+2] = byte(a), byte(b), byte(c)
		}
	default:
		for i := bpp; i < len(dst); i++ {
			dst[i] = src[i] + byte((int(dst[i-bpp])+int(prev[i]))/2)
		}
	}
}

func unfilterPaeth(dst, src, prev []byte, bpp int) {
	for i := range min(bpp, len(dst)) {
		dst[i] = src[i] + prev[i]
	}
	// Each sample waits for its left neighbour. Channels that go side by side
	// wait together, and those neighbours stay in registers.
	k, n := 0, min(bpp, len(dst))
	for ; k+2 < n; k += 3 {
		unfilterPaeth3(dst[k:], src[k:], prev[k:], bpp)
	}
	for ; k < n; k++ {
		a, c := int(dst[k]), int(prev[k])
		for i := k + bpp; i < len(dst) && i < len(src) && i < len(prev); i += bpp {
			b := int(prev[i])
			a = int(src[i]+paeth(a, b, c)) & 255
			c = b
			dst[i] = byte(a)
		}
	}
}

// unfilterPaeth3 does the first three channels of pixels of bpp bytes.
func unfilterPaeth3(dst, src, prev []byte, bpp int) {
	a0, a1, a2 := int(dst[0]), int(dst[1]), int(dst[2])
	c0, c1, c2 := int(prev[0]), int(prev[1]), int(prev[2])
	for i := bpp; i+3 <= len(dst); i += bpp {
		d, s, p := dst[i:i+3:i+3], src[i:i+3:i+3], prev[i:i+3:i+3]
		b0, b1, b2 := int(p[0]), int(p[1]), int(p[2])
		a0 = int(s[0]+paeth(a0, b0, c0)) & 255
		a1 = int(s[1]+paeth(a1, b1, c1)) & 255
		a2 = int(s[2]+paeth(a2, b2, c2)) & 255
		c0, c1, c2 = b0, b1, b2
		d[0], d[1], d[2] = byte(a0), byte(a1), byte(a2)
	}
}

// paeth predicts from the left, upper and upper-left sample. It has no branch:
// on noise each would be guessed wrong every other time.
func paeth(a, b, c int) byte {
	pa, pb := b-c, a-c
	pc := abs(pa + pb)
	pa, pb = abs(pa), abs(pb)
	up := (pb - pa) >> 63 // all ones where b is nearer than a
	a, pa = a^(a^b)&up, pa^(pa^pb)&up
	return byte(a ^ (a^c)&((pc-pa)>>63))
}

func abs(x int) int {
	s := x >> 63
	return (x ^ s) - s
}

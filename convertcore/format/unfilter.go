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
	if bpp == 3 {
		a, b, c := int(dst[0]), int(dst[1]), int(dst[2])
		for i := 3; i+2 < len(src) && i+2 < len(prev) && i+2 < len(dst); i += 3 {
			a = int(src[i]+byte((a+int(prev[i]))>>1)) & 255
			b = int(src[i+1]+byte((b+int(prev[i+1]))>>1)) & 255
			c = int(src[i+2]+byte((c+int(prev[i+2]))>>1)) & 255
			dst[i], dst[i+1], dst[i+2] = byte(a), byte(b), byte(c)
		}
		return
	}
	for i := bpp; i < len(dst); i++ {
		dst[i] = src[i] + byte((int(dst[i-bpp])+int(prev[i]))/2)
	}
}

func unfilterPaeth(dst, src, prev []byte, bpp int) {
	for i := range min(bpp, len(dst)) {
		dst[i] = src[i] + prev[i]
	}
	// One channel after the other keeps the left and upper-left sample in
	// registers.
	for k := range min(bpp, len(dst)) {
		a, c := int(dst[k]), int(prev[k])
		for i := k + bpp; i < len(dst) && i < len(src) && i < len(prev); i += bpp {
			b := int(prev[i])
			a = int(src[i]+paeth(a, b, c)) & 255
			c = b
			dst[i] = byte(a)
		}
	}
}

// paeth predicts from the left, upper and upper-left sample.
func paeth(a, b, c int) byte {
	pa, pb := b-c, a-c
	pc := abs(pa + pb)
	pa, pb = abs(pa), abs(pb)
	if pb < pa {
		pa, a = pb, b
	}
	if pc < pa {
		a = c
	}
	return byte(a)
}

// abs has no branch, for which noise would be costly.
func abs(x int) int {
	s := x >> 63
	return (x ^ s) - s
}

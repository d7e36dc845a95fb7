package cache

import (
	"encoding/binary"
	"math/bits"
)

// splitSamples writes the zigzag difference of every sample of src to the one
// above it, byte by byte into Elem planes, the lowest byte first.
func splitSamples(planes, src []byte, l Layout) {
	n := len(src) / l.Elem
	if l.Elem == 2 {
		lo, hi := planes[:n], planes[n:2*n]
		for i := range n {
			v := int16(binary.LittleEndian.Uint16(src[2*i:]))
			if at := 2*i - l.Row; at >= 0 {
				v -= int16(binary.LittleEndian.Uint16(src[at:]))
			}
			z := uint16(v<<1) ^ uint16(v>>15)
			lo[i], hi[i] = byte(z), byte(z>>8)
		}
		return
	}
	for i := range n {
		v := int64(sample(src[i*l.Elem:], l.Elem))
		if at := i*l.Elem - l.Row; at >= 0 {
			v -= int64(sample(src[at:], l.Elem))
		}
		// Sign-extended from the sample's width, so that the zigzag fits it.
		shift := 64 - 8*l.Elem
		v = v << shift >> shift
		z := uint64(v<<1) ^ uint64(v>>63)
		for b := range l.Elem {
			planes[b*n+i] = byte(z >> (8 * b))
		}
	}
}

// joinSamples undoes splitSamples.
func joinSamples(dst, planes []byte, l Layout) {
	n := len(dst) / l.Elem
	if l.Elem == 2 {
		joinWords(dst, planes[:n], planes[n:2*n], l.Row)
		return
	}
	for i := range n {
		var z uint64
		for b := range l.Elem {
			z |= uint64(planes[b*n+i]) << (8 * b)
		}
		v := z>>1 ^ -(z & 1)
		if at := i*l.Elem - l.Row; at >= 0 {
			v += sample(dst[at:], l.Elem)
		}
		if l.Elem == 4 {
			binary.LittleEndian.PutUint32(dst[4*i:], uint32(v))
		} else {
			binary.LittleEndian.PutUint64(dst[8*i:], v)
		}
	}
}

// joinWords is joinSamples for 16-bit samples, four at a time.
func joinWords(dst, lo, hi []byte, row int) {
	hi = hi[:len(lo)]
	i := 0
	if row >= 8 {
		for ; i+4 <= len(lo); i += 4 {
			z := spread(binary.LittleEndian.Uint32(lo[i:])) | spread(binary.LittleEndian.Uint32(hi[i:]))<<8
			v := z>>1&0x7fff7fff7fff7fff ^ (z&0x0001000100010001)*0xffff
			if at := 2*i - row; at >= 0 {
				v = addWords(v, binary.LittleEndian.Uint64(dst[at:]))
			} else if at > -8 {
				break // the first row ends within these four
			}
			binary.LittleEndian.PutUint64(dst[2*i:], v)
		}
	}
	for ; i < len(lo); i++ {
		z := uint16(lo[i]) | uint16(hi[i])<<8
		v := z>>1 ^ -(z & 1)
		if at := 2*i - row; at >= 0 {
			v += binary.LittleEndian.Uint16(dst[at:])
		}
		binary.LittleEndian.PutUint16(dst[2*i:], v)
	}
}

// spread puts the four bytes of x into the low halves of four 16-bit words.
func spread(x uint32) uint64 {
	v := uint64(x)
	v = (v | v<<16) & 0x0000ffff0000ffff
	return (v | v<<8) & 0x00ff00ff00ff00ff
}

// addWords adds four 16-bit words without a carry between them.
func addWords(a, b uint64) uint64 {
	const high = 0x8000800080008000
	return ((a &^ high) + (b &^ high)) ^ ((a ^ b) & high)
}

func sample(b []byte, elem int) uint64 {
	if elem == 4 {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

// log2 of counts is needed only to compare costs, so eight bits of fraction do.
func log2(n int) float64 {
	if n < len(logs) {
		return logs[n]
	}
	s := bits.Len(uint(n)) - 12
	return logs[n>>s] + float64(s)
}

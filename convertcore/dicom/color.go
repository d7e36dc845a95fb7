package dicom

import "math"

// expand422 gives both pixels of a pair its chroma: Y1 Y2 Cb Cr becomes
// Y1 Cb Cr Y2 Cb Cr (PS3.3, C.7.6.3.1.2).
func expand422(b []byte) []byte {
	out := make([]byte, 0, len(b)/2*3)
	for ; len(b) >= 4; b = b[4:] {
		out = append(out, b[0], b[2], b[3], b[1], b[2], b[3])
	}
	return out
}

// The chroma's share of red, green and blue (PS3.3, C.7.6.3.1.2, YBR_FULL; the
// weights of ITU-R BT.601).
var redCr, greenCb, greenCr, blueCb = chroma()

func chroma() (rr, gb, gr, bb [256]float64) {
	const kr, kg, kb = 0.299, 0.587, 0.114
	for i := range 256 {
		v := float64(i) - 128
		rr[i], bb[i] = 2*(1-kr)*v, 2*(1-kb)*v
		gb[i], gr[i] = -kb*2*(1-kb)/kg*v, -kr*2*(1-kr)/kg*v
	}
	return rr, gb, gr, bb
}

// rgbOfYBR converts 8-bit YBR_FULL pixels in place, rounded to the nearest.
func rgbOfYBR(b []byte) {
	for ; len(b) >= 3; b = b[3:] {
		y, cb, cr := float64(b[0])+0.5, b[1], b[2]
		b[0] = clamp(y + redCr[cr])
		b[1] = clamp(y + greenCb[cb] + greenCr[cr])
		b[2] = clamp(y + blueCb[cb])
	}
}

func clamp(v float64) byte { return byte(min(max(math.Floor(v), 0), 255)) }

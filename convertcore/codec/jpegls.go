package codec

import "encoding/binary"

// Run lengths of JPEG-LS and empty packets of JPEG 2000 have no bound of their
// own: a constant slice of CT is some thousand times smaller than its samples.
// Frames of more than jlsFree bytes are believed up to jlsRatio for each of the
// stream's.
const (
	jlsFree  = 16 << 20
	jlsRatio = 200
)

// jlsInfo is what the frame header of a JPEG-LS stream says.
type jlsInfo struct{ width, height, samples, bits int }

// readJPEGLS walks to SOF55 (ITU T.87, annex C) and compares it with the frame.
func readJPEGLS(stream []byte, f Frame) (jlsInfo, error) {
	var h jlsInfo
	if len(stream) < 4 || stream[0] != 0xff || stream[1] != 0xd8 {
		return h, malformed("not a JPEG-LS stream")
	}
	pos := 2
	for {
		at := nextMarker(stream, pos)
		if at+3 > len(stream) {
			return h, malformed("JPEG-LS stream without frame header")
		}
		n := int(binary.BigEndian.Uint16(stream[at+1:]))
		if stream[at] == 0xda || n < 2 || at+1+n > len(stream) {
			return h, malformed("JPEG-LS segment %#x of %d bytes", stream[at], n)
		}
		b := stream[at+3 : at+1+n]
		if stream[at] != 0xf7 {
			pos = at + 1 + n
			continue
		}
		if len(b) < 6 {
			return h, malformed("JPEG-LS frame header of %d bytes", n)
		}
		h = jlsInfo{int(binary.BigEndian.Uint16(b[3:])), int(binary.BigEndian.Uint16(b[1:])), int(b[5]), int(b[0])}
		break
	}
	if h.width != f.Width || h.height != f.Height || h.samples != f.Samples {
		return h, malformed("JPEG-LS of %d×%d with %d components in a frame of %d×%d with %d", h.width, h.height, h.samples, f.Width, f.Height, f.Samples)
	}
	if h.bits < 2 || h.bits > f.Bits || f.Bits > 16 {
		return h, malformed("JPEG-LS of %d bits in a frame of %d", h.bits, f.Bits)
	}
	return h, nil
}

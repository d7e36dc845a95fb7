package codec

import (
	"bytes"
	"encoding/binary"
)

// j2kInfo is what SIZ says (ITU T.800, A.5.1).
type j2kInfo struct {
	bits   int
	signed bool
}

// j2kCodestream returns the codestream of a JP2 file (annex I), and anything
// else as it is.
func j2kCodestream(b []byte) []byte {
	if len(b) < 12 || !bytes.Equal(b[4:8], []byte("jP  ")) {
		return b
	}
	for len(b) >= 8 {
		n, head := uint64(binary.BigEndian.Uint32(b)), uint64(8)
		if n == 1 && len(b) >= 16 {
			n, head = binary.BigEndian.Uint64(b[8:]), 16
		}
		if n == 0 || n > uint64(len(b)) {
			n = uint64(len(b))
		}
		if n < head {
			return nil
		}
		if string(b[4:8]) == "jp2c" {
			return b[head:n]
		}
		b = b[n:]
	}
	return nil
}

// readJPEG2000 reads SIZ and compares it with the frame.
func readJPEG2000(b []byte, f Frame) (j2kInfo, error) {
	var h j2kInfo
	if len(b) < 42 || !bytes.Equal(b[:4], []byte{0xff, 0x4f, 0xff, 0x51}) {
		return h, malformed("not a JPEG 2000 codestream")
	}
	u := func(at int) int64 { return int64(binary.BigEndian.Uint32(b[at:])) }
	n := int(binary.BigEndian.Uint16(b[40:]))
	w, hgt := u(8)-u(16), u(12)-u(20)
	if w != int64(f.Width) || hgt != int64(f.Height) || n != f.Samples {
		return h, malformed("JPEG 2000 of %d×%d with %d components in a frame of %d×%d with %d", w, hgt, n, f.Width, f.Height, f.Samples)
	}
	if len(b) < 42+3*n {
		return h, malformed("JPEG 2000 stream of %d bytes", len(b))
	}
	tw, th := u(24), u(28)
	if tw < 1 || th < 1 || u(32) > u(16) || u(36) > u(20) || ((u(8)-u(32)+tw-1)/tw)*((u(12)-u(36)+th-1)/th) > 1<<16 {
		return h, malformed("JPEG 2000 tiles of %d×%d", tw, th)
	}
	for i := range n {
		c := b[42+3*i:]
		if c[1] != 1 || c[2] != 1 {
			return h, unsupported("subsampled components in JPEG 2000")
		}
		if i > 0 && c[0] != b[42] {
			return h, unsupported("JPEG 2000 components of different depths")
		}
	}
	h.bits, h.signed = int(b[42]&0x7f)+1, b[42]&0x80 != 0
	if h.bits > f.Bits {
		return h, malformed("JPEG 2000 of %d bits in a frame of %d", h.bits, f.Bits)
	}
	return h, nil
}

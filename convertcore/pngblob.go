package convertcore

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Parts of a PNG (PNG specification, third edition, section 5) and of a zlib
// stream (RFC 1950), in bytes.
const (
	pngHead  = 8 + 25 // signature, IHDR
	pngTail  = 12     // IEND
	pngFrame = pngHead + pngTail
	zlibHead = 2
	zlibTail = 4
	// maxIDAT is the largest chunk that the specification allows. One IDAT is
	// what readers are fastest with.
	maxIDAT = 1<<31 - 1
)

var (
	zlibHeader = [zlibHead]byte{0x78, 0x01} // 32 KiB window, fastest
	iend       = [pngTail]byte{0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82}
)

// idatChunks is the number of chunks of at most limit bytes for a stream.
func idatChunks(stream, limit int64) int64 { return (stream + limit - 1) / limit }

// pngHeader is the signature and IHDR.
func pngHeader(h Header) (b [pngHead]byte) {
	copy(b[:], "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
	binary.BigEndian.PutUint32(b[16:], uint32(h.Dims[0]))
	binary.BigEndian.PutUint32(b[20:], uint32(h.Dims[1]))
	b[24] = byte(h.Bits)
	b[25] = [5]byte{0, 0, 4, 2, 6}[min(max(h.Channels, 0), 4)] // colour type
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	return b
}

// chunkHead is the length and type of an IDAT of n bytes.
func chunkHead(n int64) (b [8]byte) {
	binary.BigEndian.PutUint32(b[:], uint32(n))
	copy(b[4:], "IDAT")
	return b
}

// PNGBlob is the PNG of a payload: h.EncodedSize() bytes that follow by
// arithmetic. ReadAt reads the payload once, allocates nothing, and takes time
// in proportion to what it returns. Closing it closes the payload. A payload
// that does not fit the header fails every read.
func PNGBlob(h Header, s Sums, payload blob.Blob) blob.Blob {
	return newPNGBlob(h, s, payload, maxIDAT)
}

func newPNGBlob(h Header, s Sums, payload blob.Blob, limit int64) *pngBlob {
	b := &pngBlob{stored: newStored(h, nil, payload), head: pngHeader(h), sums: s, limit: limit}
	b.deflated = deflatedSize(b.body)
	b.stream = zlibHead + b.deflated + zlibTail
	b.chunks = idatChunks(b.stream, limit)
	if b.err == nil && int64(len(s.IDAT)) != b.chunks {
		b.err = ErrMismatch
	}
	return b
}

type pngBlob struct {
	stored
	head     [pngHead]byte
	sums     Sums
	limit    int64 // largest IDAT
	deflated int64 // length of the stored blocks
	stream   int64 // length of the zlib stream
	chunks   int64
}

func (b *pngBlob) Close() error { return b.payload.Close() }
func (b *pngBlob) Size() int64  { return pngFrame + b.stream + 12*b.chunks }

func (b *pngBlob) ReadAt(p []byte, off int64) (int, error) {
	p, end := clip(p, off, b.Size())
	for n := 0; n < len(p); {
		m, err := b.readPart(p[n:], off+int64(n))
		if err != nil {
			return 0, err
		}
		n += m
	}
	return len(p), end
}

// readPart reads at off as far as one part of the file goes.
func (b *pngBlob) readPart(p []byte, off int64) (int, error) {
	if off < pngHead {
		return copy(p, b.head[off:]), nil
	}
	off -= pngHead
	if all := b.stream + 12*b.chunks; off >= all {
		return copy(p, iend[off-all:]), nil
	}
	k, r := off/(b.limit+12), off%(b.limit+12)
	n := min(b.limit, b.stream-k*b.limit)
	switch {
	case r < 8:
		head := chunkHead(n)
		return copy(p, head[r:]), nil
	case r < 8+n:
		r -= 8
		return b.readStream(p[:min(int64(len(p)), n-r)], k*b.limit+r)
	}
	var crc [4]byte
	binary.BigEndian.PutUint32(crc[:], b.sums.IDAT[k])
	return copy(p, crc[r-8-n:]), nil
}

// readStream reads the zlib stream at off.
func (b *pngBlob) readStream(p []byte, off int64) (int, error) {
	if off < zlibHead {
		return copy(p, zlibHeader[off:]), nil
	}
	off -= zlibHead
	if off < b.deflated {
		p = p[:min(int64(len(p)), b.deflated-off)]
		return len(p), b.readAt(p, off)
	}
	var adler [zlibTail]byte
	binary.BigEndian.PutUint32(adler[:], b.sums.Adler)
	return copy(p, adler[off-b.deflated:]), nil
}

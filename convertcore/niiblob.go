package convertcore

import (
	"encoding/binary"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

const (
	gzipHead  = 10
	gzipTail  = 8
	gzipFrame = gzipHead + gzipTail
)

// gzipHeader is fixed, so that the file is the same everywhere: no name, no
// time, unknown system (RFC 1952, section 2.3).
var gzipHeader = [gzipHead]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}

// gzipTrailer is the CRC-32 and the length modulo 2^32 of the content.
func gzipTrailer(crc uint32, n int64) (b [gzipTail]byte) {
	binary.LittleEndian.PutUint32(b[:], crc)
	binary.LittleEndian.PutUint32(b[4:], uint32(n))
	return b
}

// GzipSize is the length of the .nii.gz that stores a .nii of n bytes.
func GzipSize(n int64) int64 { return deflatedSize(n) + gzipFrame }

// GzipBlob is the .nii.gz of a payload: h.EncodedSize() bytes, as PNGBlob.
func GzipBlob(h Header, s Sums, lead []byte, payload blob.Blob) blob.Blob {
	b := &gzipBlob{stored: newStored(h, lead, payload)}
	b.deflated = deflatedSize(b.body)
	b.tail = gzipTrailer(s.Nii, b.body)
	return b
}

type gzipBlob struct {
	stored
	deflated int64
	tail     [gzipTail]byte
}

func (b *gzipBlob) Close() error { return b.payload.Close() }
func (b *gzipBlob) Size() int64  { return gzipFrame + b.deflated }

func (b *gzipBlob) ReadAt(p []byte, off int64) (int, error) {
	p, end := clip(p, off, b.Size())
	n := 0
	if off < gzipHead && len(p) > 0 {
		n = copy(p, gzipHeader[off:])
	}
	if at := off + int64(n) - gzipHead; at < b.deflated && n < len(p) {
		m := min(int64(len(p)-n), b.deflated-at)
		if err := b.readAt(p[n:n+int(m)], at); err != nil {
			return 0, err
		}
		n += int(m)
	}
	if n < len(p) {
		copy(p[n:], b.tail[off+int64(n)-gzipHead-b.deflated:])
	}
	return len(p), end
}

// NiiBlob is the .nii of a payload: h.NiiSize() bytes, lead and voxels.
func NiiBlob(h Header, lead []byte, payload blob.Blob) blob.Blob {
	return &niiBlob{newStored(h, lead, payload)}
}

type niiBlob struct{ stored }

func (b *niiBlob) Close() error { return b.payload.Close() }
func (b *niiBlob) Size() int64  { return b.body }

func (b *niiBlob) ReadAt(p []byte, off int64) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	p, end := clip(p, off, b.body)
	n := 0
	if off < int64(len(b.lead)) && len(p) > 0 {
		n = copy(p, b.lead[off:])
	}
	if err := readFull(b.payload, p[n:], off+int64(n-len(b.lead))); err != nil {
		return 0, err
	}
	return len(p), end
}

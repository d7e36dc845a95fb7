package convertcore

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Stored DEFLATE blocks (RFC 1951, section 3.2.4): five bytes of header, then
// at most 65535 bytes as they are.
const (
	blockHead = 5
	blockMax  = 65535
	blockLen  = blockHead + blockMax
)

// deflatedSize is the length of n bytes in stored blocks.
func deflatedSize(n int64) int64 {
	return n + blockHead*max(1, (n+blockMax-1)/blockMax)
}

// blockHeader is the header of a stored block of n bytes.
func blockHeader(n int, final bool) (b [blockHead]byte) {
	if final {
		b[0] = 1
	}
	binary.LittleEndian.PutUint16(b[1:], uint16(n))
	binary.LittleEndian.PutUint16(b[3:], ^uint16(n))
	return b
}

// stored is a payload as a DEFLATE stream of stored blocks. The body that the
// blocks hold is lead and payload, or, where row is not 0, rows of row payload
// bytes each with a zero filter byte before it.
type stored struct {
	payload blob.Blob
	lead    []byte
	row     int64
	body    int64 // length of the body
	err     error // why nothing can be served
}

func newStored(h Header, lead []byte, payload blob.Blob) stored {
	s := stored{payload: payload, lead: lead, body: int64(len(lead)) + h.PayloadSize()}
	if h.Form == PNG {
		s.row = int64(h.RowSize())
		s.body += int64(h.Dims[1])
	}
	switch err := h.Check(); {
	case err != nil:
		s.err = err
	case payload.Size() != h.PayloadSize():
		s.err = fmt.Errorf("%w: payload of %d bytes where the header says %d", ErrMismatch, payload.Size(), h.PayloadSize())
	case len(lead) != h.Lead:
		s.err = fmt.Errorf("%w: lead of %d bytes where the header says %d", ErrMismatch, len(lead), h.Lead)
	}
	return s
}

// bodyAt is the number of body bytes before stream position off.
func bodyAt(off int64) int64 {
	return off/blockLen*blockMax + max(0, off%blockLen-blockHead)
}

// payloadAt is the number of payload bytes before body position u.
func (s *stored) payloadAt(u int64) int64 {
	if s.row == 0 {
		return max(0, u-int64(len(s.lead)))
	}
	return u/(s.row+1)*s.row + max(0, u%(s.row+1)-1)
}

// readAt fills dst from stream position off; the caller keeps it inside the
// stream. The payload is read once, into the end of dst, and then moved down
// piece by piece to its place between the headers: what is inserted before a
// piece is never more than what is inserted in all, so no piece overtakes the
// bytes that are still to be moved.
func (s *stored) readAt(dst []byte, off int64) error {
	if s.err != nil {
		return s.err
	}
	u := bodyAt(off)
	at := s.payloadAt(u)
	n := s.payloadAt(bodyAt(off+int64(len(dst)))) - at
	src := dst[int64(len(dst))-n:]
	if err := readFull(s.payload, src, at); err != nil {
		return err
	}
	for len(dst) > 0 {
		r := off % blockLen
		if r < blockHead {
			left := s.body - off/blockLen*blockMax
			head := blockHeader(int(min(left, blockMax)), left <= blockMax)
			m := copy(dst, head[r:])
			dst, off = dst[m:], off+int64(m)
			continue
		}
		m := min(int64(len(dst)), blockLen-r)
		if s.row == 0 {
			src = s.place(dst[:m], src, u)
		} else {
			src = s.placeRows(dst[:m], src, u)
		}
		dst, off, u = dst[m:], off+m, u+m
	}
	return nil
}

// place fills dst with the body from position u on and returns what is left
// of src.
func (s *stored) place(dst, src []byte, u int64) []byte {
	if u < int64(len(s.lead)) {
		dst = dst[copy(dst, s.lead[u:]):]
	}
	return src[copy(dst, src[:len(dst)]):]
}

// placeRows is place for a body of rows with filter bytes.
func (s *stored) placeRows(dst, src []byte, u int64) []byte {
	row := int(s.row)
	if r := u % (s.row + 1); r != 0 {
		m := int(min(int64(len(dst)), s.row+1-r))
		copy(dst, src[:m])
		dst, src = dst[m:], src[m:]
	}
	for len(dst) > row {
		dst[0] = 0
		copy(dst[1:], src[:row])
		dst, src = dst[1+row:], src[row:]
	}
	if len(dst) > 0 {
		dst[0] = 0
		m := copy(dst[1:], src[:len(dst)-1])
		src = src[m:]
	}
	return src
}

// readFull reads exactly len(p) bytes at off: a blob that ends early has
// broken its word.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	if len(p) == 0 {
		return nil
	}
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("payload at %d: %w", off, err)
}

// clip shortens p to what a blob of size bytes has from off on, and tells
// whether that is less than was asked for.
func clip(p []byte, off, size int64) ([]byte, error) {
	switch {
	case off < 0:
		return nil, fmt.Errorf("read at negative offset %d", off)
	case off >= size && len(p) > 0:
		return nil, io.EOF
	case int64(len(p)) > size-off:
		return p[:max(0, size-off)], io.EOF
	}
	return p, nil
}

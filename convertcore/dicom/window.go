package dicom

import (
	"encoding/binary"
	"io"
)

// windowSize is the first read of the headers: most end within it, so that a
// remote header costs one request. Each that follows is twice as long, up to
// windowLimit.
const (
	windowSize  = 8 << 10
	windowLimit = 256 << 10
)

// window reads small pieces that follow one another in few reads.
type window struct {
	r    io.ReaderAt
	size int64
	off  int64 // of buf
	buf  []byte
	next int64 // length of the next read; 0 before the first
	// open tells that size is only a bound: what is inflated ends where it ends.
	open bool
}

// at returns the n bytes at off, valid until the next call; n is at most
// maxInline.
func (w *window) at(off int64, n int) ([]byte, error) {
	if off < 0 || off+int64(n) > w.size {
		return nil, malformed("%d bytes at %d are cut short", n, off)
	}
	if i := off - w.off; i >= 0 && i+int64(n) <= int64(len(w.buf)) {
		return w.buf[i:][:n], nil
	}
	w.next = min(max(2*w.next, windowSize), windowLimit)
	want := max(int64(n), min(w.next, w.size-off))
	if int64(cap(w.buf)) < want {
		w.buf = make([]byte, want)
	}
	w.off, w.buf = off, w.buf[:want]
	got, err := w.r.ReadAt(w.buf, off)
	if w.buf = w.buf[:got]; got >= n {
		return w.buf[:n], nil
	}
	w.buf = w.buf[:0]
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil, malformed("%d bytes at %d are cut short", n, off)
	}
	return nil, err
}

// ended reports whether nothing follows at off.
func (w *window) ended(off int64) (bool, error) {
	if off >= w.size || !w.open {
		return off >= w.size, nil
	}
	var b [1]byte
	n, err := w.r.ReadAt(b[:], off)
	if n == 1 {
		return false, nil
	}
	if err == io.EOF {
		return true, nil
	}
	return false, err
}

// order is the byte order of a data set.
func order(big bool) binary.ByteOrder {
	if big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

package archive

import (
	"io"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// The reads of a window end on blocks of the cache. The first ends with the
// block that it begins in, then they double: a glance at a member's header
// stays cheap, and reading on does not cost a request each.
const (
	firstAhead = 16 << 10
	maxAhead   = 1 << 20
)

// window reads a range of a blob in order. It is an io.ByteReader, so that
// inflate takes no more from it than it needs.
type window struct {
	b        blob.Blob
	off, end int64 // what was not read yet
	ahead    int64
	buf      []byte // what was read and not taken
	err      error  // of the blob, other than its end
}

func newWindow(b blob.Blob, off, n int64) *window {
	return &window{b: b, off: off, end: off + n, ahead: firstAhead}
}

// pos is the place of the next byte.
func (w *window) pos() int64 { return w.off - int64(len(w.buf)) }

// seek goes to a place.
func (w *window) seek(at int64) {
	if d := at - w.pos(); d >= 0 && d <= int64(len(w.buf)) {
		w.buf = w.buf[d:]
		return
	}
	w.off, w.buf, w.ahead = at, nil, firstAhead
}

func (w *window) more() error {
	if w.off >= w.end {
		return io.EOF
	}
	if w.err != nil {
		return w.err
	}
	to := min(w.end, max(w.off+1, (w.off+w.ahead)/firstAhead*firstAhead))
	buf := make([]byte, to-w.off)
	if err := readFull(w.b, buf, w.off); err != nil {
		w.err = err
		return err
	}
	w.off, w.buf = to, buf
	w.ahead = min(maxAhead, 2*w.ahead)
	return nil
}

func (w *window) Read(p []byte) (int, error) {
	if len(w.buf) == 0 {
		if err := w.more(); err != nil {
			return 0, err
		}
	}
	n := copy(p, w.buf)
	w.buf = w.buf[n:]
	return n, nil
}

func (w *window) ReadByte() (byte, error) {
	if len(w.buf) == 0 {
		if err := w.more(); err != nil {
			return 0, err
		}
	}
	c := w.buf[0]
	w.buf = w.buf[1:]
	return c, nil
}

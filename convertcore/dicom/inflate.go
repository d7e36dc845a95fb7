package dicom

import (
	"bufio"
	"io"
	"sync"

	"github.com/omnimedseg/omnimedfs/convertcore"
	flate "github.com/omnimedseg/omnimedfs/convertcore/inflate"
)

const (
	// maxInflate is the largest ratio of a DEFLATE stream: 258 bytes for two bits.
	maxInflate = 1032
	// A deflated file is believed to hold inflateFirst bytes, and beyond them
	// inflateRatio for each of its own: images deflate to a half, masks to a
	// fiftieth.
	inflateFirst = 64 << 20
	inflateRatio = 64
)

// inflated gives random access to a DEFLATE stream. It keeps all that has been
// inflated, which the sum of the reads asked for.
type inflated struct {
	mu  sync.Mutex
	src *counted
	z   io.Reader
	buf []byte
	err error
}

// counted remembers an error of the reader, so that it is told from the
// decoder's complaint.
type counted struct {
	r   io.Reader
	err error
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// inflate reads the stream from off to the end of r; bound is the most that is
// read of it.
func inflate(r io.ReaderAt, off, size int64) (z *inflated, bound int64) {
	src := &counted{r: io.NewSectionReader(r, off, size-off)}
	return &inflated{src: src, z: flate.NewReader(bufio.NewReaderSize(src, 64<<10))}, min(max(inflateFirst, (size-off)*inflateRatio), convertcore.MaxPayload)
}

func (z *inflated) ReadAt(p []byte, off int64) (int, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	for int64(len(z.buf)) < off+int64(len(p)) && z.err == nil {
		if cap(z.buf)-len(z.buf) < 4<<10 {
			z.buf = append(z.buf, make([]byte, max(64<<10, len(z.buf)/2))...)[:len(z.buf)]
		}
		room := z.buf[len(z.buf):min(cap(z.buf), len(z.buf)+1<<20)]
		n, err := z.z.Read(room)
		z.buf = z.buf[:len(z.buf)+n]
		switch {
		case err == io.EOF || err == nil:
			z.err = err
		case z.src.err != nil:
			z.err = z.src.err
		default:
			z.err = malformed("deflated data set: %v", err)
		}
	}
	if off >= int64(len(z.buf)) {
		return 0, z.err
	}
	n := copy(p, z.buf[off:])
	if n < len(p) {
		return n, z.err
	}
	return n, nil
}

package archive

import (
	"context"
	"io"
	"io/fs"
	"sync"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Stored tells whether to read a member here and there costs no more than the
// bytes that are read: not so where it must be unpacked from its beginning on.
func Stored(a Indexed, name string) bool {
	z, ok := a.(*zipArchive)
	if !ok {
		return true // tar; the others have points, or spool by themselves
	}
	m, err := z.find(name)
	return err == nil && m.meth == methodStore
}

// Spooled returns a blob of the size that is copied into the spool when it is
// first read, and again when it had to leave. s nil is the spool that all
// share.
func Spooled(ctx context.Context, s *Spool, key string, size int64, open func(context.Context) (blob.Blob, error)) blob.Blob {
	if s == nil {
		s = sharedSpool()
	}
	return &copied{ctx: ctx, s: s, key: "copy:" + key, size: size, open: open}
}

type copied struct {
	ctx  context.Context
	s    *Spool
	key  string
	size int64
	open func(context.Context) (blob.Blob, error)

	mu     sync.Mutex
	closed bool
}

func (c *copied) Size() int64 { return c.size }

func (c *copied) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

func (c *copied) WithContext(ctx context.Context) blob.Blob {
	return &copied{ctx: ctx, s: c.s, key: c.key, size: c.size, open: c.open}
}

func (c *copied) ReadAt(p []byte, off int64) (int, error) {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	switch {
	case closed:
		return 0, fs.ErrClosed
	case off < 0:
		return 0, fs.ErrInvalid
	case off >= c.size:
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), c.size-off))
	err := c.read(p[:n], off)
	if err != nil {
		return 0, err
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (c *copied) read(p []byte, off int64) error {
	if c.size <= c.s.limit {
		e, err := c.s.open(c.ctx, c.key, c.fill)
		if err != nil {
			return err
		}
		_, err = e.readAt(c.ctx, p, off)
		e.release()
		if !spoolFull(err) {
			return err
		}
	}
	b, err := c.open(c.ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	if n, err := b.ReadAt(p, off); n < len(p) {
		return unexpected(err)
	}
	return nil
}

func (c *copied) fill(ctx context.Context, w io.Writer) error {
	b, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	if t, ok := b.(io.WriterTo); ok {
		_, err := t.WriteTo(w)
		return err
	}
	buf := make([]byte, 256<<10)
	n, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{blob.Reader(b)}, buf)
	if err == nil && n != c.size {
		err = io.ErrUnexpectedEOF
	}
	return err
}

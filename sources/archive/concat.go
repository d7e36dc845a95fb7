package archive

import (
	"context"
	"errors"
	"io"
	"sort"
	"strings"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// concat is several blobs one behind the other: the volumes of an archive, or
// pieces of one.
type concat struct {
	parts  []blob.Blob
	starts []int64 // of the parts, and the end of the last one
}

// newConcat returns a blob that closes its parts.
func newConcat(parts ...blob.Blob) *concat {
	c := &concat{parts: parts, starts: make([]int64, len(parts)+1)}
	for i, p := range parts {
		c.starts[i+1] = c.starts[i] + p.Size()
	}
	return c
}

func (c *concat) Size() int64 { return c.starts[len(c.parts)] }

func (c *concat) Close() error {
	var errs []error
	for _, p := range c.parts {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

func (c *concat) WithContext(ctx context.Context) blob.Blob {
	v := &concat{parts: make([]blob.Blob, len(c.parts)), starts: c.starts}
	for i, p := range c.parts {
		v.parts[i] = blob.WithContext(ctx, p)
	}
	return v
}

// Ahead implements blob.Orderer.
func (c *concat) Ahead(ctx context.Context, s blob.Span) blob.Blob {
	v := &concat{parts: make([]blob.Blob, len(c.parts)), starts: c.starts}
	for i, p := range c.parts {
		lo, hi := max(s.Off, c.starts[i]), min(s.Off+s.Len, c.starts[i+1])
		v.parts[i] = blob.Ahead(ctx, p, blob.Span{Off: lo - c.starts[i], Len: max(0, hi-lo)})
	}
	return v
}

// part is the number of the part that holds a byte.
func (c *concat) part(off int64) int {
	return sort.Search(len(c.parts), func(i int) bool { return c.starts[i+1] > off })
}

func (c *concat) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	for i := c.part(off); i < len(c.parts) && n < len(p); i++ {
		want := int(min(int64(len(p)-n), c.starts[i+1]-off))
		got, err := c.parts[i].ReadAt(p[n:n+want], off-c.starts[i])
		n += got
		off += int64(got)
		if got < want {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return n, err
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (c *concat) WillNeed(ctx context.Context, spans []blob.Span) error {
	of := make([][]blob.Span, len(c.parts))
	for _, s := range spans {
		for i := c.part(max(0, s.Off)); i < len(c.parts) && c.starts[i] < s.Off+s.Len; i++ {
			lo, hi := max(s.Off, c.starts[i]), min(s.Off+s.Len, c.starts[i+1])
			of[i] = append(of[i], blob.Span{Off: lo - c.starts[i], Len: hi - lo})
		}
	}
	var errs []error
	for i, s := range of {
		if len(s) > 0 {
			errs = append(errs, blob.WillNeed(ctx, c.parts[i], s))
		}
	}
	return errors.Join(errs...)
}

// Identity names the versions of all parts, where all know theirs.
func (c *concat) Identity() string {
	var ids []string
	for _, p := range c.parts {
		id, ok := p.(interface{ Identity() string })
		if !ok {
			return ""
		}
		ids = append(ids, id.Identity())
	}
	return strings.Join(ids, "\n")
}

// piece is a range of a blob that it leaves open.
type piece struct {
	b      blob.Blob
	off, n int64
}

func (p piece) Size() int64  { return p.n }
func (p piece) Close() error { return nil }

func (p piece) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off >= p.n {
		return 0, io.EOF
	}
	short := int64(len(b)) > p.n-off
	if short {
		b = b[:p.n-off]
	}
	n, err := p.b.ReadAt(b, p.off+off)
	if n == len(b) {
		err = nil
		if short {
			err = io.EOF
		}
	}
	return n, err
}

func (p piece) WithContext(ctx context.Context) blob.Blob {
	return blob.Section(blob.WithContext(ctx, p.b), p.off, p.n)
}

// Ahead implements blob.Orderer.
func (p piece) Ahead(ctx context.Context, s blob.Span) blob.Blob {
	return blob.Section(blob.Ahead(ctx, p.b, blob.Span{Off: s.Off + p.off, Len: s.Len}), p.off, p.n)
}

func (p piece) WillNeed(ctx context.Context, spans []blob.Span) error {
	moved := make([]blob.Span, len(spans))
	for i, s := range spans {
		moved[i] = blob.Span{Off: s.Off + p.off, Len: s.Len}
	}
	return blob.WillNeed(ctx, p.b, moved)
}

package archive

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// scan is the first and only pass over the whole of a stream: it collects the
// points, and leaves what it unpacks in the spool as long as there is room.
type scan struct {
	ctx   context.Context
	s     *stream
	src   *rebound
	r     io.ReadCloser
	n     int64 // unpacked so far
	eof   bool
	e     *spooled // nil: not spooled
	facts error    // why a fact could not be kept
}

func newScan(ctx context.Context, s *stream) (*scan, error) {
	c := &scan{ctx: ctx, s: s, src: &rebound{size: s.src.Size()}}
	c.src.through(ctx, s.src)
	known := len(s.points) > 1 || s.points[0].head > 0 // xz
	if !known {
		s.points = s.points[:0]
	}
	var err error
	if c.e, err = s.env.Spool.create(s.spool); err != nil {
		return nil, err
	}
	first := &stream{src: s.src, codec: s.codec, env: s.env, points: []point{{}}, size: s.size}
	if known {
		first.points = s.points
	} else if _, ok := s.codec.(bzip2Codec); !ok {
		s.points = append(s.points, point{})
	}
	if c.r, err = s.codec.open(c.src, first, 0, c.mark); err != nil {
		c.close()
		return nil, c.explain(err)
	}
	return c, nil
}

func (c *scan) mark(p point, dict []byte) error {
	s := c.s
	if len(s.points) >= maxPoints {
		return fmt.Errorf("%w: more than %d blocks", ErrLimit, maxPoints)
	}
	if dict != nil && c.facts == nil {
		c.facts = s.keepDictionary(len(s.points), dict)
	}
	if dict != nil && c.facts != nil {
		return nil // a point without its dictionary is none
	}
	s.points = append(s.points, p)
	return nil
}

func (c *scan) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.spool(p[:n])
	if err == io.EOF {
		c.eof = true
		return n, err
	}
	if err == nil && c.n > c.s.env.Limits.RatioFrom {
		err = c.s.env.Limits.ratio(c.packed(), c.n)
	}
	return n, err
}

// packed is how much of the source was used, as far as the last point tells.
func (c *scan) packed() int64 {
	switch r := c.r.(type) {
	case *gunzip:
		return r.in.pos()
	case *bunzip:
		return r.tap.in.pos()
	case *zstdFrames:
		return r.in.pos()
	}
	return c.s.src.Size()
}

// spool writes what was unpacked, until it shows that not all will fit.
func (c *scan) spool(p []byte) {
	if c.e == nil {
		return
	}
	limit := c.s.env.Spool.limit
	tooMuch := false
	if used := c.packed(); c.n > limit/64 && used > 0 {
		tooMuch = float64(c.n)*float64(c.s.src.Size())/float64(used) > float64(limit)/2
	}
	if !tooMuch {
		if _, err := c.e.Write(p); err == nil {
			return
		}
	}
	c.drop()
}

func (c *scan) drop() {
	if c.e != nil {
		c.e.finish(io.ErrShortWrite)
		c.e.release()
		c.e = nil
	}
}

// finish reads to the end of the stream, which shows its checksum, and keeps
// what was found.
func (c *scan) finish() error {
	if _, err := io.Copy(io.Discard, struct{ io.Reader }{c}); err != nil {
		return c.explain(err)
	}
	s := c.s
	if s.size = c.n; len(s.points) == 0 {
		s.points = append(s.points, point{})
	}
	if c.e != nil {
		c.e.finish(nil)
		c.e.release()
		c.e = nil
	}
	if c.facts == nil {
		c.facts = s.savePoints()
	}
	return nil
}

func (c *scan) close() {
	c.drop()
	if c.r != nil {
		c.r.Close()
	}
	c.src.unbind()
}

// explain tells a source that failed from a stream that is cut off or damaged.
func (c *scan) explain(err error) error {
	if c.src.err == nil && (errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF) {
		return fmt.Errorf("%w: its packed data is cut off behind byte %d of what it unpacks to", ErrFormat, c.n)
	}
	return unpackError(err, c.src.err, c.n, c.s.src.Size())
}

// loadStream returns the index and the points of a stream that was read
// before.
func loadStream(s *stream, b blob.Blob) (*index, bool) {
	x, ok := load(s.env.Facts, s.key, b.Size())
	if !ok || !s.loadPoints() {
		return nil, false
	}
	for i := range x.members {
		if m := &x.members[i]; m.flags&flagSparse == 0 && m.off+m.size > s.size {
			return nil, false
		}
	}
	return x, true
}

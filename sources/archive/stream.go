package archive

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"sort"
	"sync"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// point is a place in packed data where unpacking can begin.
type point struct {
	in  int64 // bits of packed data before it
	out int64 // bytes of unpacked data before it
	// head is gzip's: the bit at which the block begins that in lies in;
	// bzip2's: the bits of the block; xz's: the bytes of the block.
	head int64
	aux  int64 // xz's: flags of the stream
}

// marker is told of a point, and of what was unpacked before it where the
// codec needs that; dict is valid during the call.
type marker func(p point, dict []byte) error

// codec unpacks a stream.
type codec interface {
	// open returns a reader of what is unpacked from s.points[i] on, and tells
	// mark, unless it is nil, of the points that it passes.
	open(src blob.Blob, s *stream, i int, mark marker) (io.ReadCloser, error)
}

// stream is packed data that is read as the bytes that it unpacks to: from a
// point near by, or from the spool where the next point is far.
type stream struct {
	name   string // for messages
	src    blob.Blob
	codec  codec
	env    Env
	facts  blob.Facts // where dictionaries are
	key    string     // of its facts; "" keeps nothing beyond memory
	spool  string     // its key in the spool
	size   int64      // of all that is unpacked
	points []point    // in their order; the first is the beginning

	refused error // why it cannot be unpacked
}

const (
	// farAway is how many packed bytes may be unpacked in vain: of a stream
	// whose points are further apart all is spooled at once.
	farAway = 4 << 20
	// nearStart is how much of the beginning is read without that: a header.
	nearStart = 64 << 10
	// maxPoints bounds memory: 32 bytes each.
	maxPoints = 2 << 20
)

// before returns the last point that is not behind off.
func (s *stream) before(off int64) int {
	return sort.Search(len(s.points), func(i int) bool { return s.points[i].out > off }) - 1
}

// packedEnd is where the packed bytes of point i end.
func (s *stream) packedEnd(i int) int64 {
	if i+1 < len(s.points) {
		return (s.points[i+1].in + 7) / 8
	}
	return s.src.Size()
}

// far tells whether too much lies between point i and the next one. In files
// of more than 4 GB the points are further apart.
func (s *stream) far(i int) bool {
	return s.packedEnd(i)-s.points[i].in/8 > max(farAway, s.src.Size()/1024)
}

// span is what must be read of the packed data for [off, off+n).
func (s *stream) span(off, n int64) blob.Span {
	i := s.before(off)
	if i < 0 || n == 0 {
		return blob.Span{}
	}
	j := i
	for j+1 < len(s.points) && s.points[j+1].out < off+n {
		j++
	}
	lo := s.points[i].in / 8
	return blob.Span{Off: lo, Len: max(0, s.packedEnd(j)-lo)}
}

// readAt fills p with the bytes at off, which must be there.
func (s *stream) readAt(ctx context.Context, p []byte, off int64) error {
	if e := s.env.Spool.find(s.spool); e != nil {
		_, err := e.readAt(ctx, p, off)
		e.release()
		if !spoolFull(err) {
			return err
		}
	}
	i := s.before(off)
	far := i >= 0 && s.far(i) && off+int64(len(p))-s.points[i].out > nearStart
	if far && s.size <= s.env.Spool.limit {
		e, err := s.env.Spool.open(ctx, s.spool, s.unpackAll)
		if err != nil {
			return err
		}
		_, err = e.readAt(ctx, p, off)
		e.release()
		if !spoolFull(err) {
			return err
		}
	}
	return s.direct(ctx, p, off, i)
}

// unpackAll writes the whole stream.
func (s *stream) unpackAll(ctx context.Context, w io.Writer) error {
	c := s.newCursor(0)
	defer c.close()
	switch s.codec.(type) {
	case sevenCodec, rarCodec: // they read a header elsewhere first
		c.src.bind(ctx, s.src)
	default:
		c.src.through(ctx, s.src)
	}
	if err := c.begin(); err != nil {
		return c.explain(err)
	}
	buf := make([]byte, 256<<10)
	for c.pos < s.size {
		n, err := io.ReadFull(c.r, buf[:min(int64(len(buf)), s.size-c.pos)])
		if _, werr := w.Write(buf[:n]); werr != nil {
			return werr
		}
		c.pos += int64(n)
		if err != nil {
			return c.explain(err)
		}
	}
	return nil
}

// direct reads through a cursor: one that stands at off or shortly before, or
// a new one.
func (s *stream) direct(ctx context.Context, p []byte, off int64, i int) error {
	if i < 0 {
		return fmt.Errorf("%w: no way into the stream", ErrFormat)
	}
	c := s.env.Spool.take(s, s.points[i].out, off)
	for c == nil {
		n := s.newCursor(i)
		n.src.bind(ctx, s.src)
		err := n.begin()
		if err == nil {
			c = n
			break
		}
		n.close()
		if !errors.Is(err, errNoDictionary) || i == 0 {
			return n.explain(err)
		}
		i-- // its dictionary was not kept
	}
	c.src.bind(ctx, s.src)
	if err := c.read(p, off); err != nil {
		c.close()
		return c.explain(err)
	}
	s.env.Spool.put(c)
	return nil
}

// cursor is a decoder that stands somewhere in a stream. One reader has it at
// a time.
type cursor struct {
	s   *stream
	i   int
	src *rebound
	r   io.ReadCloser
	pos int64
}

func (s *stream) newCursor(i int) *cursor {
	return &cursor{s: s, i: i, pos: s.points[i].out, src: &rebound{size: s.src.Size()}}
}

func (c *cursor) begin() (err error) {
	c.r, err = c.s.codec.open(c.src, c.s, c.i, nil)
	return err
}

func (c *cursor) close() {
	if c.r != nil {
		c.r.Close()
	}
	c.src.unbind()
}

func (c *cursor) read(p []byte, off int64) error {
	n, err := io.CopyN(io.Discard, struct{ io.Reader }{c.r}, off-c.pos)
	c.pos += n
	if err == nil {
		n, err := io.ReadFull(c.r, p)
		c.pos += int64(n)
		return err
	}
	return err
}

func (c *cursor) explain(err error) error {
	return unpackError(err, c.src.err, c.pos, c.s.size)
}

// maxIdle is how many cursors stand ready: an xz decoder may hold 64 MiB.
const maxIdle = 8

// take returns an idle cursor of s that stands in [from, off].
func (s *Spool) take(st *stream, from, off int64) *cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.nearest(st, from, off)
	if i < 0 {
		return nil
	}
	c := s.idle[i]
	s.idle = append(s.idle[:i], s.idle[i+1:]...)
	return c
}

func (s *Spool) nearest(st *stream, from, off int64) int {
	best := -1
	for i, c := range s.idle {
		if c.s == st && c.pos >= from && c.pos <= off && (best < 0 || c.pos > s.idle[best].pos) {
			best = i
		}
	}
	return best
}

// put leaves a cursor for the next reader.
func (s *Spool) put(c *cursor) {
	c.src.unbind()
	s.mu.Lock()
	var old *cursor
	switch {
	case s.closed:
		old = c
	case len(s.idle) >= maxIdle:
		old = s.idle[0]
		s.idle = append(s.idle[1:], c)
	default:
		s.idle = append(s.idle, c)
	}
	s.mu.Unlock()
	if old != nil {
		old.close()
	}
}

// rebound is a blob whose reads are bound to whoever has the cursor. It keeps
// the error of the source apart from the decoder's.
type rebound struct {
	b    blob.Blob
	size int64
	err  error
}

func (r *rebound) bind(ctx context.Context, b blob.Blob) {
	r.unbind()
	r.b, r.err = blob.WithContext(ctx, b), nil
}

// through binds to a reader that goes through the whole.
func (r *rebound) through(ctx context.Context, b blob.Blob) {
	r.unbind()
	r.b, r.err = newAhead(ctx, b), nil
}

func (r *rebound) unbind() {
	if r.b != nil {
		r.b.Close()
		r.b = nil
	}
}

func (r *rebound) Size() int64  { return r.size }
func (r *rebound) Close() error { return nil }

func (r *rebound) ReadAt(p []byte, off int64) (int, error) {
	if r.b == nil {
		return 0, fs.ErrClosed
	}
	n, err := r.b.ReadAt(p, off)
	if err != nil && err != io.EOF && r.err == nil {
		r.err = err
	}
	return n, err
}

// streamMember is a file within a stream. One that is read in order from its
// first byte to its last is held to its CRC-32.
type streamMember struct {
	ctx    context.Context
	name   string
	s      *stream
	m      member
	hasCRC bool

	mu     sync.Mutex
	closed bool
	crc    uint32
	seq    int64
	err    error // for good
}

func (m *streamMember) Size() int64 { return m.m.size }

func (m *streamMember) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// WithContext returns another opening of the same member.
func (m *streamMember) WithContext(ctx context.Context) blob.Blob {
	return &streamMember{ctx: ctx, name: m.name, s: m.s, m: m.m, hasCRC: m.hasCRC}
}

func (m *streamMember) ReadAt(p []byte, off int64) (int, error) {
	m.mu.Lock()
	closed, err := m.closed, m.err
	m.mu.Unlock()
	switch {
	case closed:
		return 0, fs.ErrClosed
	case off < 0:
		return 0, errors.New("negative offset")
	case err != nil:
		return 0, err
	case off >= m.m.size:
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), m.m.size-off))
	if err := m.s.readAt(m.ctx, p[:n], m.m.off+off); err != nil {
		return 0, fmt.Errorf("%s: %w", m.name, err)
	}
	if err := m.check(p[:n], off); err != nil {
		return 0, err
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (m *streamMember) check(p []byte, off int64) error {
	if !m.hasCRC {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if off == 0 {
		m.crc, m.seq = 0, 0
	}
	if off != m.seq {
		return nil
	}
	m.crc = crc32.Update(m.crc, crc32.IEEETable, p)
	m.seq += int64(len(p))
	if m.seq == m.m.size && m.crc != m.m.crc {
		m.err = fmt.Errorf("%s: %w: crc32 is %08x, expected %08x", m.name, ErrChecksum, m.crc, m.m.crc)
	}
	return m.err
}

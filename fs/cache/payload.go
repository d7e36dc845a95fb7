package cache

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Payload is an open payload. It is safe for many goroutines. ReadAt returns
// ErrDamaged or ErrEvicted where the bytes have to be filled again.
type Payload struct {
	c      *Cache
	key    Key
	at     atomic.Pointer[place]
	spool  *spool // nil for what is in a generation
	size   int64
	closed atomic.Bool
	moved  atomic.Bool // it was put up for copying forward

	next  atomic.Int64 // chunk after the last one read
	asked atomic.Int64 // chunks below this one were asked for ahead
}

var _ blob.Blob = (*Payload)(nil)

func newPayload(c *Cache, k Key, at place, s *spool) *Payload {
	p := &Payload{c: c, key: k, spool: s, size: at.rec.size}
	p.at.Store(&at)
	return p
}

// Size returns the payload's length in bytes.
func (p *Payload) Size() int64 { return p.size }

// Meta returns what the filler set; it must not be changed.
func (p *Payload) Meta() []byte { return p.at.Load().rec.meta }

// Layout returns how the payload lies.
func (p *Payload) Layout() Layout { return p.at.Load().rec.layout }

// Close lets go of the payload.
func (p *Payload) Close() error {
	if p.closed.Swap(true) || p.spool == nil {
		return nil
	}
	p.c.releaseSpool(p.spool)
	return nil
}

// ReadAt implements io.ReaderAt: it decodes the chunks that it needs, and the
// next ones ahead when reads follow each other.
func (p *Payload) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("cache: read at %d", off)
	}
	if off >= p.size {
		return 0, io.EOF
	}
	want := b[:min(int64(len(b)), p.size-off)]
	if g, ok := p.at.Load().src.(*generation); ok && g.gone.Load() {
		// Decoded chunks may be there still, but what is read must be seen as hot
		// where it lies now.
		p.relocate()
	}
	n, err := p.read(want, off)
	if errors.Is(err, errGone) && p.relocate() {
		n, err = p.read(want, off)
	}
	switch {
	case err == nil && len(want) < len(b):
		return n, io.EOF
	case err == nil:
		return n, nil
	case p.c.ctx.Err() != nil:
		return n, ErrClosed
	case errors.Is(err, errGone):
		return n, ErrEvicted
	default:
		p.c.dropDamaged(p.key, *p.at.Load())
		return n, fmt.Errorf("%w: payload %s: %w", ErrDamaged, p.key, err)
	}
}

// relocate looks for the payload in other generations: it may have been copied
// forward, or filled again.
func (p *Payload) relocate() bool {
	at, err := p.c.find(p.key)
	if err != nil || at.rec.size != p.size {
		return false
	}
	p.at.Store(&at)
	p.moved.Store(false)
	return true
}

func (p *Payload) read(b []byte, off int64) (n int, err error) {
	at := p.at.Load()
	size := int64(at.rec.chunk)
	p.lookAhead(at, int(off/size), int((off+int64(len(b))-1)/size))
	for n < len(b) {
		i, within := int(off/size), int(off%size)
		m := min(len(b)-n, at.rec.length(i)-within)
		part := b[n : n+m]
		if m == at.rec.length(i) {
			err = p.c.blocks.whole(at, i, part)
		} else {
			err = p.c.blocks.part(at, i, part, within)
		}
		if err != nil {
			return n, err
		}
		n += m
		off += int64(m)
	}
	if g, ok := at.src.(*generation); ok && g.danger.Load() && !p.moved.Swap(true) {
		p.moved.Store(p.c.offer(p.key, at, g))
	}
	return n, nil
}

// decode decodes chunk i of the payload at at into dst.
func (at *place) decode(i int, dst []byte) error {
	decode := func(enc []byte) error { return decodeChunk(dst, enc, seed(at.rec.serial, i)) }
	if len(at.rec.inline) > 0 {
		return decode(at.rec.inline)
	}
	return at.src.chunk(at.rec, i, decode)
}

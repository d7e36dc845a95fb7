package archive

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// gzipCodec unpacks .gz (RFC 1952). A point is a bit anywhere between two
// symbols of DEFLATE; its dictionary is the 32 KiB before it.
type gzipCodec struct{}

const (
	// pointEvery is how many packed bytes lie between two points, in a file of
	// up to pointsMax of them: a 1 GB tar.gz has 500, of at most 16 MiB.
	pointEvery = 2 << 20
	pointsMax  = 4096
	// pointOut is how many unpacked bytes lie between two points at most:
	// 0.2 s of work.
	pointOut = 16 << 20
)

var errNoDictionary = errors.New("no dictionary")

func (gzipCodec) open(src blob.Blob, s *stream, i int, mark marker) (io.ReadCloser, error) {
	p := s.points[i]
	var dict []byte
	if i > 0 {
		var ok bool
		if dict, ok = s.dictionary(i); !ok {
			return nil, errNoDictionary
		}
	}
	at := p.head / 8
	g := &gunzip{in: newWindow(src, at, src.Size()-at), mark: mark, out: p.out, whole: i == 0}
	g.f = newInflate(g.in, false, dict)
	g.every = max(pointEvery, src.Size()/pointsMax)
	g.last, g.lastOut = p.in, p.out
	if i == 0 {
		return g, g.header()
	}
	return g, g.f.resume(p.head, p.in)
}

type gunzip struct {
	in    *window
	f     *inflate
	out   int64
	whole bool   // the CRC is known: the member was read from its start
	crc   uint32 // of the member
	n     uint32 // bytes of the member, modulo 2^32
	done  bool

	mark          marker
	every         int64
	last, lastOut int64 // of the last point
}

func (g *gunzip) Close() error { return nil }

func (g *gunzip) Read(p []byte) (int, error) {
	for !g.done {
		if err := g.point(); err != nil {
			return 0, err
		}
		n, err := g.f.Read(p)
		g.crc = crc32.Update(g.crc, crc32.IEEETable, p[:n])
		g.n += uint32(n)
		g.out += int64(n)
		if n > 0 || err == nil {
			return n, nil
		}
		if err != io.EOF {
			return 0, err
		}
		if err := g.trailer(); err != nil {
			return 0, err
		}
	}
	return 0, io.EOF
}

// point marks the place, if it is one and the last is far enough.
func (g *gunzip) point() error {
	f := g.f
	if g.mark == nil || f.rd != f.wr || f.copyLen > 0 || f.state == atEnd {
		return nil
	}
	at := f.at()
	if at-g.last < 8*g.every && g.out-g.lastOut < pointOut || at-g.last < 8*g.every/16 {
		return nil
	}
	head := f.head
	if f.state == atHeader {
		head = at
	}
	g.last, g.lastOut = at, g.out
	return g.mark(point{in: at, out: g.out, head: head}, f.history())
}

// header reads a member's header.
func (g *gunzip) header() error {
	var h [10]byte
	for i := range h {
		c, err := g.f.byte()
		if err != nil {
			return err
		}
		h[i] = c
	}
	if h[0] != 0x1f || h[1] != 0x8b || h[2] != 8 || h[3]&0xe0 != 0 {
		return fmt.Errorf("%w: not gzip data", ErrFormat)
	}
	if h[3]&4 != 0 {
		v, err := g.f.take(16)
		if err != nil {
			return err
		}
		for range v {
			if _, err := g.f.byte(); err != nil {
				return err
			}
		}
	}
	for _, flag := range []byte{8, 16} { // name, comment
		for h[3]&flag != 0 {
			c, err := g.f.byte()
			if err != nil {
				return err
			}
			if c == 0 {
				break
			}
		}
	}
	if h[3]&2 != 0 {
		if _, err := g.f.take(16); err != nil {
			return err
		}
	}
	g.f.restart()
	g.crc, g.n = 0, 0
	return nil
}

// trailer checks a member's end and goes on to the next one. What follows and
// is no member is passed over, as gzip does it.
func (g *gunzip) trailer() error {
	g.f.align()
	crc, err := g.f.take(32)
	if err != nil {
		return err
	}
	n, err := g.f.take(32)
	if err != nil {
		return err
	}
	if g.whole && (uint32(crc) != g.crc || uint32(n) != g.n) {
		return fmt.Errorf("%w: gzip's crc32 is %08x, that of its data %08x", ErrChecksum, crc, g.crc)
	}
	g.whole = true
	if err := g.f.refill(); err != nil {
		return err
	}
	if g.f.n < 16 || uint16(g.f.acc) != 0x8b1f {
		g.done = true
		return nil
	}
	return g.header()
}

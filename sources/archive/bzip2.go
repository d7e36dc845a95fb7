package archive

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// bzip2Codec unpacks .bz2. Each block stands for itself: a point is the bit
// that a block begins at, and block by block is how all but the first pass
// reads.
type bzip2Codec struct{}

const (
	bzBlock = 0x314159265359
	bzEnd   = 0x177245385090
	// maxBzBlock bounds a packed block: 900,000 symbols of at most 20 bits,
	// and its tables.
	maxBzBlock = 3 << 20
)

func (bzip2Codec) open(src blob.Blob, s *stream, i int, mark marker) (io.ReadCloser, error) {
	if mark == nil {
		return &bzBlocks{src: src, s: s, i: i}, nil
	}
	t := &bzTap{in: newWindow(src, 0, src.Size())}
	return &bunzip{tap: t, r: bzip2.NewReader(t), mark: mark}, nil
}

// bunzip is the first pass: it finds the blocks. The library takes single
// bytes, and no more than it needs; so when a read takes any, a block began
// in the byte before them or right after it.
type bunzip struct {
	tap     *bzTap
	r       io.Reader
	out     int64
	mark    marker
	current point // the block that is read
	any     bool
	ended   bool
}

// bzTap counts bytes and remembers the one before the last read and those
// that the read took first.
type bzTap struct {
	in   *window
	n    int64
	prev byte
	seen []byte
}

func (t *bzTap) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := t.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}

func (t *bzTap) ReadByte() (byte, error) {
	c, err := t.in.ReadByte()
	if err == nil {
		t.n++
		if len(t.seen) < cap(t.seen) {
			t.seen = append(t.seen, c)
		}
		t.prev = c
	}
	return c, err
}

func (b *bunzip) Close() error { return nil }

func (b *bunzip) Read(p []byte) (int, error) {
	t := b.tap
	if b.ended {
		return 0, io.EOF
	}
	before := t.n
	t.seen = append(make([]byte, 0, 65), t.prev)
	n, err := b.r.Read(p)
	if t.n > before || err == io.EOF {
		if merr := b.found(before); merr != nil {
			return 0, merr
		}
	}
	b.out += int64(n)
	b.ended = err == io.EOF
	return n, err
}

// found looks where in the bytes of the last read the block before it ended,
// and where another began.
func (b *bunzip) found(before int64) error {
	bits := bitsOf(b.tap.seen)
	base := (before - 1) * 8 // the bit that seen begins at
	from := 1
	if before == 0 {
		from = 8
	}
	for at := from; at <= 8; at++ {
		end, begin := bits.blocks(at, before == 0)
		if end < 0 {
			continue
		}
		if b.any {
			b.current.head = base + int64(end) - b.current.in
			if err := b.mark(b.current, nil); err != nil {
				return err
			}
			b.any = false
		}
		if begin >= 0 {
			b.current, b.any = point{in: base + int64(begin), out: b.out}, true
		}
		return nil
	}
	return fmt.Errorf("%w: no block at byte %d", errBzip2, before)
}

var errBzip2 = fmt.Errorf("%w: bzip2", ErrFormat)

type bitsOf []byte

// at returns n bits from a place on, highest first.
func (b bitsOf) at(from, n int) (v uint64, ok bool) {
	if from+n > len(b)*8 {
		return 0, false
	}
	for i := from; i < from+n; i++ {
		v = v<<1 | uint64(b[i/8]>>(7-i%8)&1)
	}
	return v, true
}

// blocks says where the block before at ends, and where the next one begins
// when there is one: at once, or behind the end of a stream and the header of
// another. end is -1 where nothing of that stands at the place.
func (b bitsOf) blocks(at int, first bool) (end, begin int) {
	end = at
	for {
		if !first {
			switch v, ok := b.at(at, 48); {
			case ok && v == bzBlock:
				return end, at
			case ok && v == bzEnd:
				at = (at + 80 + 7) / 8 * 8
			default:
				return -1, -1
			}
		}
		first = false
		v, ok := b.at(at, 32)
		if !ok {
			return end, -1 // the file ends
		}
		if v>>8 != 0x425a68 {
			return end, -1
		}
		at += 32
	}
}

// bzBlocks unpacks block by block, each as a file of its own, so that each is
// held to its checksum.
type bzBlocks struct {
	src blob.Blob
	s   *stream
	i   int
	r   io.Reader
}

func (b *bzBlocks) Close() error { return nil }

func (b *bzBlocks) Read(p []byte) (int, error) {
	for {
		if b.r != nil {
			n, err := b.r.Read(p)
			if n > 0 || err != io.EOF {
				return n, err
			}
			b.r = nil
			b.i++
		}
		if b.i >= len(b.s.points) {
			return 0, io.EOF
		}
		if err := b.next(); err != nil {
			return 0, err
		}
	}
}

func (b *bzBlocks) next() error {
	p := b.s.points[b.i]
	lo, hi := p.in/8, (p.in+p.head+7)/8
	if p.head < 80 || hi-lo > maxBzBlock || hi > b.src.Size() {
		return errBzip2
	}
	raw := make([]byte, hi-lo, hi-lo+2)
	if err := readFull(b.src, raw, lo); err != nil {
		return err
	}
	out := append([]byte("BZh9"), shiftBits(raw, uint(p.in%8), p.head)...)
	w := bitWriter{out, uint(p.head % 8)}
	crc := binary.BigEndian.Uint32(out[4+6:])
	w.write(bzEnd, 48)
	w.write(uint64(crc), 32) // of one block the checksum of all is its own
	b.r = bzip2.NewReader(bytes.NewReader(w.b))
	return nil
}

// shiftBits returns n bits of b from bit k on; those that fill up the last
// byte are zero.
func shiftBits(b []byte, k uint, n int64) []byte {
	out := make([]byte, (n+7)/8, (n+7)/8+16)
	for i := range out {
		v := b[i] << k
		if k > 0 && i+1 < len(b) {
			v |= b[i+1] >> (8 - k)
		}
		out[i] = v
	}
	if r := n % 8; r > 0 {
		out[len(out)-1] &= 0xff << (8 - r)
	}
	return out
}

// bitWriter appends bits behind used bits of the last byte (0: all).
type bitWriter struct {
	b    []byte
	used uint
}

func (w *bitWriter) write(v uint64, n int) {
	for i := n - 1; i >= 0; i-- {
		if w.used == 0 {
			w.b = append(w.b, 0)
		}
		w.b[len(w.b)-1] |= byte(v>>i&1) << (7 - w.used)
		w.used = (w.used + 1) % 8
	}
}

// Package inflate decompresses DEFLATE (RFC 1951) and gzip (RFC 1952) faster than
// the general readers do: it looks up two literals at a time where their codes
// are short, as those of 16-bit voxels are, and works on words of 64 bits. It is
// a plain io.Reader, holds about 200 KiB, and never reads beyond its input's end.
//
// Measured on noisy 16-bit volumes, in time of one processor: 63 ms for 16.8 MB,
// where klauspost's inflate takes 112, zlib's 105 and the standard library's 150. Where neither speed nor the exact end of the input matters
// those do as well.
package inflate

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// ErrCorrupt marks bytes that are no DEFLATE stream.
var ErrCorrupt = errors.New("inflate: corrupt stream")

const (
	history = 32 << 10
	ahead   = 128 << 10 // decoded at one time
	slack   = 258 + 16  // a match and a word may be written beyond
)

// Reader decompresses one DEFLATE stream. It reads no byte of its input beyond
// the stream's last one.
type Reader struct {
	br    *bufio.Reader
	bits  uint64
	n     uint // valid bits
	final bool
	state state
	raw   int // bytes of a stored block that are left
	err   error

	buf      [history + ahead + slack]byte
	from, to int // decoded bytes that were not taken yet
	limit    int // of to, where decoding pauses
	lit      table
	dist     table
}

type state uint8

const (
	atBlock state = iota
	inStored
	inCodes
)

// NewReader returns a Reader of br, whose buffer holds at least 16 bytes.
func NewReader(br *bufio.Reader) *Reader {
	r := &Reader{}
	r.Reset(br)
	return r
}

// Reset begins another stream.
func (r *Reader) Reset(br *bufio.Reader) {
	r.br, r.bits, r.n, r.final, r.state, r.raw, r.err = br, 0, 0, false, atBlock, 0, nil
	r.from, r.to, r.limit = 0, 0, 0
}

// Read implements io.Reader. At the end of the stream it returns io.EOF, at an
// early end of the input io.ErrUnexpectedEOF.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for r.from == r.to {
		if r.err != nil {
			return 0, r.err
		}
		// No more than is wanted: of a header's little, the input's rest may be far.
		want := min(max(len(p), 512), ahead)
		if r.to+want > history+ahead { // keep what matches may reach
			copy(r.buf[:history], r.buf[r.to-history:r.to])
			r.from, r.to = history, history
		}
		r.limit = r.to + want
		r.err = r.step()
	}
	n := copy(p, r.buf[r.from:r.to])
	r.from += n
	return n, nil
}

// step decodes on, as far as there is room.
func (r *Reader) step() error {
	for r.to < r.limit {
		var err error
		switch r.state {
		case atBlock:
			if r.final {
				return r.end()
			}
			err = r.block()
		case inStored:
			err = r.stored()
		case inCodes:
			err = r.codes()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// end gives what was read too much back to the input.
func (r *Reader) end() error {
	r.bits, r.n = 0, 0
	return io.EOF
}

// need makes at least k bits valid, k <= 32. It takes whole bytes one at a time
// and thus none that are not needed.
func (r *Reader) need(k uint) error {
	for r.n < k {
		c, err := r.br.ReadByte()
		if err != nil {
			return noEOF(err)
		}
		r.bits |= uint64(c) << r.n
		r.n += 8
	}
	return nil
}

func (r *Reader) take(k uint) (v uint32, err error) {
	err = r.need(k)
	v = uint32(r.bits & (1<<k - 1))
	r.bits >>= k
	r.n -= min(k, r.n)
	return v, err
}

// codes decodes a block's symbols until it ends or there is no room.
func (r *Reader) codes() error {
	for {
		if in, _ := r.br.Peek(r.br.Buffered()); len(in) >= 16 && r.to < r.limit {
			used, done, err := r.fast(in)
			if err != nil {
				return err
			}
			if _, err := r.br.Discard(used); err != nil {
				return err
			}
			if done {
				r.state = atBlock
				return nil
			}
		}
		if r.to >= r.limit {
			return nil
		}
		if done, err := r.slow(); err != nil {
			return err
		} else if done {
			r.state = atBlock
			return nil
		}
	}
}

// fast decodes while there are eight bytes of input and room, and returns how
// many it used.
func (r *Reader) fast(in []byte) (used int, done bool, err error) {
	b, n, to, pos, limit := r.bits, r.n, r.to, 0, r.limit
	buf := &r.buf
	lit, dist := &r.lit.entries, &r.dist.entries
	for pos+8 <= len(in) && to < limit {
		b |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		e := lit[b&(1<<litBits-1)]
		if e&literal != 0 { // three times: 56 bits are enough for it
			buf[to], buf[to+1] = byte(e>>8), byte(e>>16)
			to += int(e >> 24 & 3)
			b >>= e & 63
			n -= uint(e & 63)
			if e = lit[b&(1<<litBits-1)]; e&literal != 0 {
				buf[to], buf[to+1] = byte(e>>8), byte(e>>16)
				to += int(e >> 24 & 3)
				b >>= e & 63
				n -= uint(e & 63)
				if e = lit[b&(1<<litBits-1)]; e&literal != 0 {
					buf[to], buf[to+1] = byte(e>>8), byte(e>>16)
					to += int(e >> 24 & 3)
					b >>= e & 63
					n -= uint(e & 63)
					continue
				}
			}
			if pos+8 > len(in) {
				break
			}
			b |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
			pos += int((63 - n) >> 3)
			n |= 56
		}
		if e&sub != 0 {
			e = lit[(e>>8&0xffff)+uint32(b>>litBits)&(1<<(e&63)-1)]
		}
		b >>= e & 63
		n -= uint(e & 63)
		if e&literal != 0 {
			buf[to] = byte(e >> 8)
			to++
			continue
		}
		if e&isLength == 0 { // no length
			done = e&endOfBlock != 0
			if !done {
				err = ErrCorrupt
			}
			break
		}
		x := uint(e >> 8 & 31)
		length := int(e>>16&511) + int(b&(1<<(x&63)-1))
		b >>= x & 63
		n -= x
		d := dist[b&(1<<distBits-1)]
		if d&sub != 0 {
			d = dist[(d>>8&0xffff)+uint32(b>>distBits)&(1<<(d&63)-1)]
		}
		b >>= d & 63
		n -= uint(d & 63)
		x = uint(d >> 8 & 15)
		back := int(d>>12&0x7fff) + int(b&(1<<(x&63)-1))
		b >>= x & 63
		n -= x
		if back > to || d == 0 {
			err = ErrCorrupt
			break
		}
		if back < 8 || length > 16 {
			to = r.match(to, back, length)
			continue
		}
		dst, src := buf[to:to+16], buf[to-back:to-back+16]
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src))
		binary.LittleEndian.PutUint64(dst[8:], binary.LittleEndian.Uint64(src[8:]))
		to += length
	}
	// Whole bytes go back.
	pos -= int(n >> 3)
	n &= 7
	r.bits, r.n, r.to = b&(1<<n-1), n, to
	if pos < 0 { // they came from bits that were there before
		return 0, done, ErrCorrupt
	}
	return pos, done, err
}

// match repeats length bytes from back before.
func (r *Reader) match(to, back, length int) int {
	buf := &r.buf
	from := to - back
	end := to + length
	switch {
	case back >= 8:
		for to < end {
			binary.LittleEndian.PutUint64(buf[to:], binary.LittleEndian.Uint64(buf[from:]))
			to += 8
			from += 8
		}
	case back == 1:
		v := uint64(buf[from]) * 0x0101010101010101
		for to < end {
			binary.LittleEndian.PutUint64(buf[to:], v)
			to += 8
		}
	default:
		for to < end {
			buf[to] = buf[from]
			to++
			from++
		}
	}
	return end
}

// slow decodes one symbol, a byte of input at a time.
func (r *Reader) slow() (done bool, err error) {
	e, err := r.symbol(&r.lit, litBits)
	if err != nil {
		return false, err
	}
	switch {
	case e&literal != 0:
		r.buf[r.to] = byte(e >> 8)
		r.to++
		return false, nil
	case e&endOfBlock != 0:
		return true, nil
	case e&isLength == 0:
		return false, ErrCorrupt
	}
	x, err := r.take(uint(e >> 8 & 31))
	if err != nil {
		return false, err
	}
	length := int(e>>16&511) + int(x)
	d, err := r.symbol(&r.dist, distBits)
	if err != nil {
		return false, err
	}
	if x, err = r.take(uint(d >> 8 & 15)); err != nil {
		return false, err
	}
	back := int(d>>12&0x7fff) + int(x)
	if back > r.to {
		return false, ErrCorrupt
	}
	r.to = r.match(r.to, back, length)
	return false, nil
}

// symbol takes one code. A pair of literals is taken as its first one.
func (r *Reader) symbol(t *table, root uint) (uint32, error) {
	for {
		e := t.entries[r.bits&(1<<root-1)]
		if e&sub != 0 {
			e = t.entries[(e>>8&0xffff)+uint32(r.bits>>root)&(1<<(e&63)-1)]
		}
		n := uint(e & 63)
		if e&literal != 0 && e>>24&3 == 2 {
			n = uint(t.first[r.bits&(1<<root-1)])
		}
		if e != 0 && n <= r.n {
			r.bits >>= n
			r.n -= n
			return e, nil
		}
		if r.n >= 15 {
			return 0, ErrCorrupt
		}
		if err := r.need(r.n + 1); err != nil {
			return 0, err
		}
	}
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

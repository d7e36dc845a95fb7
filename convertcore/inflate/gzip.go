package inflate

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// ErrChecksum marks a gzip member whose checksum or length is wrong.
var ErrChecksum = errors.New("gzip: wrong checksum")

// ErrHeader marks bytes that do not begin as gzip.
var ErrHeader = errors.New("gzip: no header")

// Gzip decompresses one member of a gzip file. It reads no byte beyond it.
type Gzip struct {
	br   *bufio.Reader
	z    Reader
	sum  uint32
	size uint32
	err  error
}

// NewGzip reads a member's header (RFC 1952, 2.3).
func NewGzip(br *bufio.Reader) (*Gzip, error) {
	g := &Gzip{}
	return g, g.Reset(br)
}

// Members decompresses the members of a gzip file that follow one another, as one
// stream. What else stands after a member is ignored.
type Members struct{ Gzip }

// NewMembers reads the first member's header.
func NewMembers(br *bufio.Reader) (*Members, error) {
	m := &Members{}
	return m, m.Reset(br)
}

// Read implements io.Reader.
func (m *Members) Read(p []byte) (int, error) {
	for {
		n, err := m.Gzip.Read(p)
		if n > 0 || err != io.EOF {
			return n, err
		}
		if h, _ := m.br.Peek(2); len(h) < 2 || h[0] != 0x1f || h[1] != 0x8b {
			return 0, io.EOF
		}
		if err := m.Reset(m.br); err != nil {
			return 0, err
		}
	}
}

// Reset begins another member.
func (g *Gzip) Reset(br *bufio.Reader) error {
	g.br, g.sum, g.size = br, 0, 0
	if g.err = g.header(); g.err == nil {
		g.z.Reset(br)
	}
	return g.err
}

// The flags of a header.
const (
	hasSum = 1 << (1 + iota)
	hasExtra
	hasName
	hasComment
)

func (g *Gzip) header() error {
	var h [10]byte
	if _, err := io.ReadFull(g.br, h[:]); err != nil {
		return noEOF(err)
	}
	if h[0] != 0x1f || h[1] != 0x8b || h[2] != 8 {
		return ErrHeader
	}
	sum := crc32.ChecksumIEEE(h[:])
	read := func() (byte, error) {
		c, err := g.br.ReadByte()
		sum = crc32.Update(sum, crc32.IEEETable, []byte{c})
		return c, noEOF(err)
	}
	if h[3]&hasExtra != 0 {
		lo, err := read()
		if err != nil {
			return err
		}
		hi, err := read()
		if err != nil {
			return err
		}
		for range int(lo) | int(hi)<<8 {
			if _, err := read(); err != nil {
				return err
			}
		}
	}
	for _, flag := range []byte{hasName, hasComment} {
		for h[3]&flag != 0 {
			c, err := read()
			if err != nil {
				return err
			}
			if c == 0 {
				break
			}
		}
	}
	if h[3]&hasSum != 0 {
		var b [2]byte
		if _, err := io.ReadFull(g.br, b[:]); err != nil {
			return noEOF(err)
		}
		if binary.LittleEndian.Uint16(b[:]) != uint16(sum) {
			return ErrHeader
		}
	}
	return nil
}

// summed are the bytes that are decoded before they are summed up: they are still
// in the processor's second cache then.
const summed = 1 << 20

// Read implements io.Reader. io.EOF is told once the checksum has proved right.
func (g *Gzip) Read(p []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	n, err := g.z.Read(p[:min(len(p), summed)])
	g.sum = crc32.Update(g.sum, crc32.IEEETable, p[:n])
	g.size += uint32(n)
	if err == io.EOF {
		var t [8]byte
		if _, e := io.ReadFull(g.br, t[:]); e != nil {
			err = noEOF(e)
		} else if binary.LittleEndian.Uint32(t[:]) != g.sum || binary.LittleEndian.Uint32(t[4:]) != g.size {
			err = ErrChecksum
		}
	}
	g.err = err
	return n, err
}

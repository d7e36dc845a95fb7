package inflate

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/adler32"
	"io"
)

// ErrZlib marks a zlib stream whose header or checksum is wrong.
var ErrZlib = errors.New("zlib: wrong header or checksum")

// Zlib decompresses a zlib stream (RFC 1950) without a preset dictionary. It
// reads no byte beyond it.
type Zlib struct {
	br  *bufio.Reader
	z   Reader
	sum hash32
	err error
}

type hash32 interface {
	io.Writer
	Sum32() uint32
}

// NewZlib reads the header.
func NewZlib(br *bufio.Reader) (*Zlib, error) {
	var h [2]byte
	if _, err := io.ReadFull(br, h[:]); err != nil {
		return nil, noEOF(err)
	}
	if h[0]&15 != 8 || h[0]>>4 > 7 || h[1]&0x20 != 0 || binary.BigEndian.Uint16(h[:])%31 != 0 {
		return nil, ErrZlib
	}
	z := &Zlib{br: br, sum: adler32.New()}
	z.z.Reset(br)
	return z, nil
}

// Read implements io.Reader. io.EOF is told once the checksum has proved right.
func (z *Zlib) Read(p []byte) (int, error) {
	if z.err != nil {
		return 0, z.err
	}
	n, err := z.z.Read(p)
	z.sum.Write(p[:n])
	if err == io.EOF {
		var t [4]byte
		if _, e := io.ReadFull(z.br, t[:]); e != nil {
			err = noEOF(e)
		} else if binary.BigEndian.Uint32(t[:]) != z.sum.Sum32() {
			err = ErrZlib
		}
	}
	z.err = err
	return n, err
}

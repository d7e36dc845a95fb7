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
	z := &Zlib{}
	return z, z.Reset(br)
}

// Reset begins another stream; z may be the zero value.
func (z *Zlib) Reset(br *bufio.Reader) error {
	z.br, z.sum = br, adler32.New()
	z.z.Reset(br)
	var h [2]byte
	if _, err := io.ReadFull(br, h[:]); err != nil {
		z.err = noEOF(err)
	} else if h[0]&15 != 8 || h[0]>>4 > 7 || h[1]&0x20 != 0 || binary.BigEndian.Uint16(h[:])%31 != 0 {
		z.err = ErrZlib
	} else {
		z.err = nil
	}
	return z.err
}

// Read implements io.Reader. io.EOF is told once the checksum has proved right.
func (z *Zlib) Read(p []byte) (int, error) {
	if z.err != nil {
		return 0, z.err
	}
	n, err := z.z.Read(p[:min(len(p), summed)])
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

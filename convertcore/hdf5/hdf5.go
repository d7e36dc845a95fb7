// Package hdf5 reads numeric arrays of HDF5 files by random access: files of
// h5py, netCDF-4, PyTables and MATLAB v7.3. A path leads to a dataset, and a
// box of it is read from the chunks that it touches alone.
//
// The format is that of "HDF5 File Format Specification Version 3.0" (The HDF
// Group); section numbers in this package are its. All superblocks, object
// headers, group forms and chunk indexes of it are read, and the filters
// deflate, shuffle, fletcher32, LZF and zstd. It does not write. Compound,
// string and other types that are no numbers, external and virtual storage and
// other filters are convertcore.ErrUnsupported.
//
// Bytes that are not what they should be are convertcore.ErrFormat; errors of
// the reader pass through. What is allocated is bounded by the bytes that are
// there.
package hdf5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Signature begins the superblock, at byte 0 or at 512, 1024, 2048 … behind a
// block of the user's.
const Signature = "\x89HDF\r\n\x1a\n"

// File is an open HDF5 file. It is safe for many goroutines.
type File struct {
	blob             blob.Blob
	base             int64  // addresses count from here
	offSize, lenSize int    // bytes of an address and of a length
	root             uint64 // address of the root group's header
	spent            atomic.Int64
}

// Open reads the superblock (section II.A). Closing b is left to the caller.
func Open(b blob.Blob) (*File, error) {
	f := &File{blob: b}
	for at := int64(0); ; at = max(512, 2*at) {
		var sig [8]byte
		if at+8 > b.Size() || at > 1<<30 {
			return nil, malformed("no HDF5 superblock")
		}
		if err := readFull(b, sig[:], at); err != nil {
			return nil, err
		}
		if string(sig[:]) == Signature {
			return f, f.superblock(at)
		}
	}
}

func (f *File) superblock(at int64) error {
	head := make([]byte, min(128, f.blob.Size()-at))
	if err := readFull(f.blob, head, at); err != nil {
		return err
	}
	c := &cursor{b: head}
	c.skip(8)
	version := c.u8()
	switch version {
	case 0, 1:
		c.skip(4)
		f.offSize, f.lenSize = int(c.u8()), int(c.u8())
		c.skip(9)
		if version == 1 {
			c.skip(4)
		}
	case 2, 3:
		f.offSize, f.lenSize = int(c.u8()), int(c.u8())
		c.skip(1)
	default:
		return unsupported("HDF5 superblock version %d", version)
	}
	if f.offSize < 2 || f.offSize > 8 || f.lenSize < 2 || f.lenSize > 8 {
		return malformed("HDF5 addresses of %d and lengths of %d bytes", f.offSize, f.lenSize)
	}
	base := c.u(f.offSize)
	c.skip(f.offSize)
	end := c.u(f.offSize)
	if version < 2 {
		c.skip(2 * f.offSize) // driver block; name of the root group
	}
	f.root = c.u(f.offSize)
	if version >= 2 {
		if sum := uint32(len(head) - len(c.b)); c.u32() != lookup3(head[:min(int(sum), len(head))]) {
			return malformed("HDF5 superblock with a wrong checksum")
		}
	}
	switch {
	case c.short:
		return malformed("HDF5 superblock cut short")
	case base != uint64(at):
		return malformed("HDF5 superblock at %d says that it is at %d", at, base)
	case end > uint64(f.blob.Size()):
		return malformed("HDF5 file of %d bytes, of which there are %d", end, f.blob.Size())
	}
	f.base = at
	return nil
}

// Bounds of one piece of metadata, and of all of it beyond four times the file:
// what is read more often than that goes round in circles.
const (
	maxMeta = 16 << 20
	allMeta = 32 << 20
)

// meta reads n bytes of metadata at an address.
func (f *File) meta(addr uint64, n int64) ([]byte, error) {
	if n < 0 || n > maxMeta {
		return nil, malformed("HDF5 metadata of %d bytes", n)
	}
	if f.spent.Add(n) > allMeta+4*f.blob.Size() {
		return nil, malformed("HDF5 metadata that goes round in circles")
	}
	off, err := f.span(addr, n)
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	return b, readFull(f.blob, b, off)
}

// span is the place in the file of n bytes at an address.
func (f *File) span(addr uint64, n int64) (off int64, err error) {
	left := f.blob.Size() - f.base - n
	if n < 0 || left < 0 || addr > uint64(left) {
		return 0, malformed("%d bytes at the HDF5 address %#x of a file of %d", n, addr, f.blob.Size())
	}
	return f.base + int64(addr), nil
}

// undefined reports whether an address says that there is nothing.
func (f *File) undefined(addr uint64) bool { return addr == 1<<(8*f.offSize)-1 || addr == 1<<64-1 }

// signed reads n bytes that begin with a signature and end with their checksum
// and returns what is between.
func (f *File) signed(addr uint64, n int64, signature string) (*cursor, error) {
	b, err := f.meta(addr, n)
	if err != nil {
		return nil, err
	}
	return verified(b, signature)
}

func verified(b []byte, signature string) (*cursor, error) {
	n := len(b) - 4
	if n < len(signature) || string(b[:len(signature)]) != signature {
		return nil, malformed("HDF5 metadata without its signature %q", signature)
	}
	if binary.LittleEndian.Uint32(b[n:]) != lookup3(b[:n]) {
		return nil, malformed("HDF5 metadata %q with a wrong checksum", signature)
	}
	return &cursor{b: b[len(signature):n]}, nil
}

// cursor takes little-endian numbers from bytes. Beyond the end it gives zeros
// and is short.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.short, c.b = true, nil
		return nil
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) skip(n int) { c.take(n) }

func (c *cursor) u(n int) (v uint64) {
	for i, x := range c.take(n) {
		v |= uint64(x) << (8 * i)
	}
	return v
}

func (c *cursor) u8() byte    { return byte(c.u(1)) }
func (c *cursor) u16() uint16 { return uint16(c.u(2)) }
func (c *cursor) u32() uint32 { return uint32(c.u(4)) }

// length is a number that counts bytes or entries.
func (c *cursor) length(n int) int64 {
	v := c.u(n)
	if v > 1<<62 {
		c.short = true
		return 0
	}
	return int64(v)
}

func (c *cursor) check(what string) error {
	if c.short {
		return malformed("HDF5 %s cut short", what)
	}
	return nil
}

// malformed is an ErrFormat with its reason.
func malformed(reason string, args ...any) error {
	return fmt.Errorf("%w: %s", convertcore.ErrFormat, fmt.Sprintf(reason, args...))
}

// unsupported is an ErrUnsupported with its reason.
func unsupported(reason string, args ...any) error {
	return fmt.Errorf("%w: %s", convertcore.ErrUnsupported, fmt.Sprintf(reason, args...))
}

// readFull reads exactly len(p) bytes at off. A file that ends before is
// malformed; an error of the reader passes through.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	if len(p) == 0 {
		return nil
	}
	n, err := r.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return malformed("%d bytes at %d are cut short", len(p), off)
	}
	return err
}

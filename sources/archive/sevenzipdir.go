package archive

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// The header of a 7z archive (7zFormat.txt of the LZMA SDK) is read by own
// code: what it claims is held to its length before memory is asked for, and
// the library that unpacks is only ever shown a header of one folder.

const (
	sevenStart     = 32       // bytes of the signature header
	maxSevenHeader = 64 << 20 // unpacked; about two million members
	maxCoders      = 16
)

// Property IDs of 7zFormat.txt.
const (
	k7End = iota
	k7Header
	k7ArchiveProperties
	k7AdditionalStreams
	k7MainStreams
	k7Files
	k7PackInfo
	k7UnpackInfo
	k7SubStreams
	k7Size
	k7CRC
	k7Folder
	k7UnpackSize
	k7NumUnpackStream
	k7EmptyStream
	k7EmptyFile
	k7Anti
	k7Names
	k7CTime
	k7ATime
	k7MTime
	k7Attributes
	k7Comment
	k7EncodedHeader
	k7StartPos
	k7Dummy
)

var (
	sevenMagic = []byte{'7', 'z', 0xbc, 0xaf, 0x27, 0x1c}
	errSeven   = fmt.Errorf("%w: 7z header", ErrFormat)
)

// sevenFolder is a stream of one or many files, and the coders that made it.
type sevenFolder struct {
	Spec      []byte   // as it stands in the header
	Unpack    []uint64 // what each coder gives
	Main      int      // the coder that gives the folder
	Off       int64    // of its packed streams in the archive
	Pack      []int64  // their lengths
	Encrypted bool

	crc   uint32
	known bool // crc is
}

func (f *sevenFolder) size() int64   { return int64(f.Unpack[f.Main]) }
func (f *sevenFolder) packed() int64 { return sum(f.Pack) }

func sum(v []int64) (n int64) {
	for _, x := range v {
		n += x
	}
	return n
}

// sevenReader reads numbers; after the first failure all are zero.
type sevenReader struct {
	b   []byte
	bad bool
}

func (r *sevenReader) fail() { r.bad, r.b = true, nil }

func (r *sevenReader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail()
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *sevenReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// number is of one to nine bytes: as many bits of the first one as are set say
// how many follow.
func (r *sevenReader) number() uint64 {
	first := r.byte()
	n := bits.LeadingZeros8(^first)
	var v uint64
	for i, b := range r.take(n) {
		v |= uint64(b) << (8 * i)
	}
	if n < 7 {
		v |= uint64(first&(1<<(7-n)-1)) << (8 * n)
	}
	return v
}

// size is a number of bytes in the archive or unpacked.
func (r *sevenReader) size() int64 {
	v := r.number()
	if v > 1<<60 {
		r.fail()
		return 0
	}
	return int64(v)
}

// count is a number of things of which each takes at least one byte of the
// header, or one bit.
func (r *sevenReader) count() int {
	v := r.number()
	if v > uint64(len(r.b))*8 {
		r.fail()
		return 0
	}
	return int(v)
}

func (r *sevenReader) bools(n int) []bool {
	b := r.take((n + 7) / 8)
	if b == nil && n > 0 {
		return nil
	}
	out := make([]bool, n)
	for i := range out {
		out[i] = b[i/8]>>(7-i%8)&1 != 0
	}
	return out
}

// digests reads CRCs, those that are defined.
func (r *sevenReader) digests(n int) (crc []uint32, known []bool) {
	if r.byte() == 0 {
		known = r.bools(n)
	} else if n <= len(r.b) {
		known = make([]bool, n)
		for i := range known {
			known[i] = true
		}
	}
	if len(known) != n {
		r.fail()
		return nil, nil
	}
	crc = make([]uint32, n)
	for i := range crc {
		if known[i] {
			if b := r.take(4); b != nil {
				crc[i] = le.Uint32(b)
			}
		}
	}
	return crc, known
}

// readSeven returns the archive's header, unpacked.
func readSeven(ctx context.Context, b blob.Blob, env Env) ([]byte, error) {
	var h [sevenStart]byte
	if b.Size() < sevenStart {
		return nil, fmt.Errorf("%w: cut off", errSeven)
	}
	if err := readFull(b, h[:], 0); err != nil {
		return nil, err
	}
	if string(h[:6]) != string(sevenMagic) || le.Uint32(h[8:]) != crc32.ChecksumIEEE(h[12:32]) {
		return nil, fmt.Errorf("%w: not at the beginning", errSeven)
	}
	off, n, crc := le.Uint64(h[12:]), le.Uint64(h[20:]), le.Uint32(h[28:])
	if n == 0 {
		return nil, nil // an empty archive
	}
	if off > uint64(b.Size())-sevenStart || n > uint64(b.Size())-sevenStart-off {
		return nil, fmt.Errorf("%w: cut off: it should have %d bytes", errSeven, off+n+sevenStart)
	}
	if n > maxSevenHeader {
		return nil, fmt.Errorf("%w: a header of %d bytes", ErrLimit, n)
	}
	data := make([]byte, n)
	if err := readFull(b, data, int64(off)+sevenStart); err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(data) != crc {
		return nil, fmt.Errorf("%w: 7z header", ErrChecksum)
	}
	for range 4 { // the header may be packed, and the header of that, too
		if len(data) == 0 || data[0] != k7EncodedHeader {
			return data, nil
		}
		r := &sevenReader{b: data[1:]}
		folders, _ := r.streams(b.Size())
		if r.bad || len(folders) != 1 {
			return nil, errSeven
		}
		f := &folders[0]
		if f.Encrypted {
			return nil, fmt.Errorf("%w: encrypted, with its names", ErrUnsupported)
		}
		if f.size() > maxSevenHeader {
			return nil, fmt.Errorf("%w: a header of %d bytes", ErrLimit, f.size())
		}
		if err := f.check(env.Limits); err != nil {
			return nil, err
		}
		s := f.stream(b, env, "")
		data = make([]byte, f.size())
		if err := s.readSmall(ctx, data); err != nil {
			return nil, err
		}
		if f.known && crc32.ChecksumIEEE(data) != f.crc {
			return nil, fmt.Errorf("%w: 7z header", ErrChecksum)
		}
	}
	return nil, errSeven
}

// readSmall fills p with all of the stream, past the spool.
func (s *stream) readSmall(ctx context.Context, p []byte) error {
	c := s.newCursor(0)
	defer c.close()
	c.src.bind(ctx, s.src)
	err := c.begin()
	if err == nil {
		_, err = io.ReadFull(c.r, p)
	}
	if err != nil {
		return c.explain(err)
	}
	return nil
}

package archive

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/ulikunitz/xz/lzma"
)

// Methods of APPNOTE 4.4.5.
const (
	methodStore     = 0
	methodDeflate   = 8
	methodDeflate64 = 9
	methodBzip2     = 12
	methodLZMA      = 14
	methodZstdOld   = 20
	methodZstd      = 93
	methodXz        = 95
)

var methodNames = map[uint16]string{
	methodStore: "stored", 1: "shrink", 2: "reduce", 3: "reduce", 4: "reduce", 5: "reduce", 6: "implode",
	methodDeflate: "deflate", methodDeflate64: "deflate64", 10: "DCL implode", methodBzip2: "bzip2", methodLZMA: "lzma",
	methodZstdOld: "zstd", methodZstd: "zstd", 94: "mp3", methodXz: "xz", 96: "jpeg", 97: "wavpack", 98: "ppmd", 99: "AES encryption",
}

func methodName(m uint16) string {
	if n := methodNames[m]; n != "" {
		return n
	}
	return "unknown"
}

// unpackers make of a member's packed bytes those of the file, whose size is
// known.
var unpackers = map[uint16]func(in *window, size int64, l Limits) (io.ReadCloser, error){
	methodDeflate: func(in *window, _ int64, _ Limits) (io.ReadCloser, error) { return flate.NewReader(in), nil },
	methodDeflate64: func(in *window, _ int64, _ Limits) (io.ReadCloser, error) {
		return newInflate(in, true, nil), nil
	},
	methodBzip2: func(in *window, _ int64, _ Limits) (io.ReadCloser, error) {
		return io.NopCloser(bzip2.NewReader(in)), nil
	},
	methodLZMA:    zipLZMA,
	methodZstd:    unzstd,
	methodZstdOld: unzstd,
	methodXz: func(in *window, _ int64, l Limits) (io.ReadCloser, error) {
		r, err := xz.NewReader(in, dictionary(l.Dictionary))
		if err != nil {
			return nil, err
		}
		return io.NopCloser(r), nil
	},
}

// dictionary is the largest that an xz decoder is allowed: what xz itself asks
// for at its highest level is 64 MiB.
func dictionary(limit int64) uint32 { return uint32(min(limit, 1<<31)) }

func unzstd(in *window, _ int64, l Limits) (io.ReadCloser, error) {
	d, err := newZstd(in, l)
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// newZstd returns a decoder without goroutines of its own.
func newZstd(r io.Reader, l Limits) (*zstd.Decoder, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(uint64(min(l.Dictionary, 512<<20))), zstd.WithDecoderMaxMemory(1<<60))
}

// zipLZMA reads APPNOTE 5.8.8: the version of the LZMA SDK, the length of the
// properties, the properties, the data.
func zipLZMA(in *window, size int64, l Limits) (io.ReadCloser, error) {
	var h [9]byte
	if _, err := io.ReadFull(in, h[:]); err != nil {
		return nil, err
	}
	if le.Uint16(h[2:]) != 5 {
		return nil, fmt.Errorf("%w: LZMA properties of %d bytes", ErrFormat, le.Uint16(h[2:]))
	}
	return unlzma(in, h[4:9], size, l)
}

// unlzma unpacks raw LZMA with properties of five bytes.
func unlzma(r io.Reader, props []byte, size int64, l Limits) (io.ReadCloser, error) {
	// No more of a dictionary than there are bytes is ever looked at.
	dict := min(int64(le.Uint32(props[1:])), max(size, lzma.MinDictCap))
	if dict > l.Dictionary {
		return nil, fmt.Errorf("%w: an LZMA dictionary of %d bytes", ErrLimit, dict)
	}
	h := append([]byte{props[0]}, le.AppendUint32(nil, uint32(dict))...)
	h = le.AppendUint64(h, uint64(size))
	if size == 0 {
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	z, err := lzma.ReaderConfig{DictCap: int(l.Dictionary)}.NewReader(&chained{bytes.NewReader(h), r})
	if err != nil {
		return nil, err
	}
	return io.NopCloser(z), nil
}

// chained reads a header, then the rest, byte by byte where it is asked to.
type chained struct {
	head *bytes.Reader
	rest io.Reader
}

func (c *chained) Read(p []byte) (int, error) {
	if c.head.Len() > 0 {
		return c.head.Read(p)
	}
	return c.rest.Read(p)
}

func (c *chained) ReadByte() (byte, error) {
	if c.head.Len() > 0 {
		return c.head.ReadByte()
	}
	if b, ok := c.rest.(io.ByteReader); ok {
		return b.ReadByte()
	}
	var one [1]byte
	_, err := io.ReadFull(c.rest, one[:])
	return one[0], err
}

// unpackError says what an error of a decoder means: nothing new where the
// source has failed, else a limit, a feature or damaged data.
func unpackError(err, src error, at, size int64) error {
	switch {
	case src != nil:
		return src
	case errors.Is(err, ErrUnsupported), errors.Is(err, ErrFormat), errors.Is(err, ErrChecksum), spoolFull(err):
		return err
	case errors.Is(err, xz.ErrMemlimit), errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Errorf("%w: its decoder needs more memory than allowed: %w", ErrLimit, err)
	case errors.Is(err, xz.ErrOptions), errors.Is(err, xz.ErrUnsupportedCheck), errors.Is(err, zstd.ErrUnknownDictionary):
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return fmt.Errorf("%w: packed data is damaged at byte %d of %d: %v", ErrChecksum, at, size, err)
}

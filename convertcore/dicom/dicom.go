// Package dicom reads DICOM files (PS3.5, PS3.10) by random access: data
// elements up to the pixels in a few small reads, the place of the pixels and of
// each frame, and frames decoded to plain samples. Every transfer syntax of
// stored images is known; files without preamble, meta group or right lengths
// are read as far as they are unambiguous.
//
// It is for images and for the data sets that go with them (segmentations,
// contours). It does not write, and it speaks no network protocol.
//
// Bytes that are not what they should be are convertcore.ErrFormat, encodings
// that are not read convertcore.ErrUnsupported; errors of the reader pass
// through. What is allocated is bounded by the bytes that are there.
package dicom

import (
	"errors"
	"fmt"
	"io"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

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

// eager is how much is allocated at a file's word for a length.
const eager = 16 << 20

// readSpan returns n bytes at off. A length beyond eager is believed only as
// far as bytes arrive.
func readSpan(r io.ReaderAt, off, n int64) ([]byte, error) {
	if n < 0 || n > convertcore.MaxPayload {
		return nil, malformed("%d bytes at %d", n, off)
	}
	buf := make([]byte, min(n, eager))
	for got := int64(0); ; {
		if err := readFull(r, buf[got:], off+got); err != nil {
			return nil, err
		}
		if got = int64(len(buf)); got == n {
			return buf, nil
		}
		buf = append(buf, make([]byte, min(got, n-got))...)
	}
}

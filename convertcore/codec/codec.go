// Package codec decodes the compressed pixel streams that DICOM frames and TIFF
// strips embed. One file is one codec. Codecs that need a C library are built
// with the tag "codecs" and are convertcore.ErrUnsupported without it.
//
// Every decoder takes one frame's bytes and what the container says of it, and
// returns the samples of Frame.Size bytes: rows from the top, x fastest, the
// samples of a pixel together, one byte each up to 8 bits, else two or
// four bytes little-endian (two's complement where Signed). A stream that says otherwise
// than its container is convertcore.ErrFormat.
package codec

import (
	"fmt"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// Frame is what the container says of one frame.
type Frame struct {
	Width, Height int
	Samples       int // a pixel: 1, 3 or 4
	Bits          int // allocated for a sample: 8 or 16; in RLE 32 and 64 too
	Stored        int // of them used: 1 to Bits
	Signed        bool
	// RGB tells a JPEG decoder that three samples are RGB as stored, whatever
	// the stream's markers suggest; false lets the markers decide.
	RGB bool
}

// Size is the number of bytes of a decoded frame.
func (f Frame) Size() int64 {
	return int64(f.Width) * int64(f.Height) * int64(f.Samples) * int64(f.Bits/8)
}

// Check bounds what a decoder allocates.
func (f Frame) Check() error {
	ok := f.Width > 0 && f.Height > 0 && f.Width <= 1<<16 && f.Height <= 1<<16 && (f.Samples == 1 || f.Samples == 3 || f.Samples == 4) &&
		(f.Bits == 8 || f.Bits == 16 || f.Bits == 32 || f.Bits == 64) && f.Stored >= 1 && f.Stored <= f.Bits
	if !ok || f.Size() > convertcore.MaxPayload {
		return malformed("frame of %d×%d with %d samples of %d bits, %d stored", f.Width, f.Height, f.Samples, f.Bits, f.Stored)
	}
	return nil
}

// malformed is an ErrFormat with what is wrong.
func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{convertcore.ErrFormat}, args...)...)
}

// unsupported is an ErrUnsupported with what is not read.
func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{convertcore.ErrUnsupported}, args...)...)
}

// begin checks the frame, and that n bytes of stream can be it: ratio bounds the
// decoded bytes beyond free that one byte of the stream can stand for, so that a
// container which lies about its size makes nobody allocate it.
func (f Frame) begin(n int, free, ratio int64) error {
	if err := f.Check(); err != nil {
		return err
	}
	if (f.Size()-free)/ratio > int64(n) {
		return malformed("%d bytes cannot be a frame of %d×%d", n, f.Width, f.Height)
	}
	return nil
}

// Package codec decodes the compressed pixel streams that DICOM frames and TIFF
// strips embed. One file is one codec. Codecs that need a C library are built
// with the tag "codecs" and are convertcore.ErrUnsupported without it.
//
// Every decoder takes one frame's bytes and what the container says of it, and
// returns the samples of Frame.Size bytes: rows from the top, x fastest, the
// samples of a pixel together, one byte each up to 8 bits, else two bytes
// little-endian (two's complement where Signed). A stream that says otherwise
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
	Bits          int // allocated for a sample: 8 or 16
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
		(f.Bits == 8 || f.Bits == 16) && f.Stored >= 1 && f.Stored <= f.Bits
	if !ok || f.Size() > convertcore.MaxPayload {
		return fmt.Errorf("%w: frame of %d×%d with %d samples of %d bits, %d stored", convertcore.ErrFormat, f.Width, f.Height, f.Samples, f.Bits, f.Stored)
	}
	return nil
}

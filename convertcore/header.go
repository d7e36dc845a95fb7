package convertcore

import (
	"fmt"
	"math"
)

const (
	// MaxPayload bounds the pixel rows or voxels of one image, in bytes.
	MaxPayload = 8 << 30
	// MaxLead bounds what stands before the voxels of a .nii, in bytes.
	MaxLead = 16 << 20
	// MinLead is a NIfTI-1 header and its extension flag, in bytes.
	MinLead = 352

	maxDim = 1<<31 - 1 // PNG's own limit of width and height
)

// Check reports whether the header describes an image that can be served:
// every dimension 1..2^31-1, samples that its form can hold, a finite affine, a
// payload of at most MaxPayload. The sizes of a Header that passed do not overflow.
func (h Header) Check() error {
	if err := h.checkSamples(); err != nil {
		return err
	}
	n := int64(h.Channels) * int64(h.Bits/8)
	for _, d := range h.Dims {
		if d < 1 || d > maxDim {
			return fmt.Errorf("%w: dimensions %v", ErrFormat, h.Dims)
		}
		if n > MaxPayload/int64(d) {
			return fmt.Errorf("%w: dimensions %v make more than %d bytes", ErrFormat, h.Dims, int64(MaxPayload))
		}
		n *= int64(d)
	}
	for _, row := range h.Affine {
		for _, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("%w: affine %v", ErrFormat, h.Affine)
			}
		}
	}
	return nil
}

func (h Header) checkSamples() error {
	bad := h.Channels < 1 || h.Channels > 4
	switch h.Form {
	case PNG:
		bad = bad || h.Bits != 8 && h.Bits != 16 || h.Float || h.Signed || h.Lead != 0 || h.Dims[2] != 1 || h.Dims[3] != 1
	case NIfTI:
		bad = bad || h.Bits != 8 && h.Bits != 16 && h.Bits != 32 && h.Bits != 64
		bad = bad || h.Float && h.Bits < 32 || h.Channels != 1 && (h.Bits != 8 || h.Signed)
		bad = bad || h.Lead < MinLead || h.Lead > MaxLead
	default:
		bad = true
	}
	if bad {
		return fmt.Errorf("%w: form %d with %d samples of %d bits, dimensions %v, lead %d", ErrFormat, h.Form, h.Channels, h.Bits, h.Dims, h.Lead)
	}
	return nil
}

// Pixels is the number of pixels or voxels.
func (h Header) Pixels() int64 {
	n := int64(1)
	for _, d := range h.Dims {
		n *= int64(d)
	}
	return n
}

// Elem is the number of bytes of one sample.
func (h Header) Elem() int { return h.Bits / 8 }

// EncodedSize is the exact size of the listed container, PNG or .nii.gz.
func (h Header) EncodedSize() int64 {
	if h.Form == PNG {
		stream := h.zlibSize()
		return stream + 12*idatChunks(stream, maxIDAT) + pngFrame
	}
	return GzipSize(h.NiiSize())
}

// NiiSize is the exact size of the .nii; 0 for PNG.
func (h Header) NiiSize() int64 {
	if h.Form == PNG {
		return 0
	}
	return int64(h.Lead) + h.PayloadSize()
}

// zlibSize is the length of the zlib stream in the IDAT of a PNG: every row
// has one filter byte before it.
func (h Header) zlibSize() int64 {
	body := int64(h.Dims[1]) * (1 + int64(h.RowSize()))
	return zlibHead + deflatedSize(body) + zlibTail
}

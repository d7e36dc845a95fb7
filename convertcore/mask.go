package convertcore

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Offsets of the NIfTI-1 header fields that a mask changes (nifti1.h).
const (
	niiDatatype  = 70
	niiBitpix    = 72
	niiVoxOffset = 108
	niiSlope     = 112
	niiInter     = 116
	niiCalMax    = 124
	niiCalMin    = 128
	niiExtension = 348

	niiUint8 = 2 // datatype code
)

// MaskHeader is the header of a binary mask on the grid of a label that has
// header h: one sample of 8 bits, the label's dimensions and affine.
func MaskHeader(h Header) Header {
	h.Channels, h.Bits, h.Float, h.Signed = 1, 8, false, false
	if h.Form == NIfTI {
		h.Lead = MinLead
	}
	return h
}

// NewMask turns a selection, 1 where a pixel belongs and 0 elsewhere, into the
// mask that is served on the grid of label. It takes sel over.
func NewMask(label Image, sel []byte) (Image, error) {
	h := label.Header()
	if h.Form == NIfTI {
		return NewMaskVolume(h, label.Lead(), sel)
	}
	return NewMaskRaster(h.Dims[0], h.Dims[1], sel)
}

// NewMaskRaster makes a mask of 0 and 255 from 0 and 1, in place.
func NewMaskRaster(w, h int, mask []byte) (*Raster, error) {
	if err := checkBinary(mask); err != nil {
		return nil, err
	}
	for i, v := range mask {
		mask[i] = -v // 1 becomes 255
	}
	return NewRaster(w, h, 1, 8, mask)
}

// NewMaskVolume makes a mask of 0 and 1 on the grid of like. Its NIfTI header
// is leadFrom, which stands before like's voxels, with datatype uint8, slope 1,
// intercept 0, display range 0..1 and no extensions.
func NewMaskVolume(like Header, leadFrom, mask []byte) (*Volume, error) {
	if len(leadFrom) < MinLead {
		return nil, fmt.Errorf("%w: NIfTI header of %d bytes", ErrFormat, len(leadFrom))
	}
	if err := checkBinary(mask); err != nil {
		return nil, err
	}
	lead := make([]byte, MinLead)
	copy(lead, leadFrom)
	le := binary.LittleEndian
	le.PutUint16(lead[niiDatatype:], niiUint8)
	le.PutUint16(lead[niiBitpix:], 8)
	for at, v := range map[int]float32{niiVoxOffset: MinLead, niiSlope: 1, niiInter: 0, niiCalMax: 1, niiCalMin: 0} {
		le.PutUint32(lead[at:], math.Float32bits(v))
	}
	copy(lead[niiExtension:], []byte{0, 0, 0, 0})
	return NewVolume(MaskHeader(like), lead, mask)
}

func checkBinary(mask []byte) error {
	for i, v := range mask {
		if v > 1 {
			return fmt.Errorf("%w: mask has %d at pixel %d", ErrFormat, v, i)
		}
	}
	return nil
}

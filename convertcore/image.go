package convertcore

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
)

var (
	_ Image = (*Raster)(nil)
	_ Image = (*Volume)(nil)
)

// Raster is a 2-D image, served as PNG.
type Raster struct {
	header   Header
	pix      []byte
	indices  []byte
	warnings []string
	slices   []Slice
}

// NewRaster wraps the rows of a w×h image with 1 to 4 samples of 8 or 16 bits
// (big-endian) a pixel. pix must not change afterwards.
func NewRaster(w, h, channels, bits int, pix []byte) (*Raster, error) {
	r := &Raster{header: RasterHeader(w, h, channels, bits), pix: pix}
	if err := checkPayload(r.header, pix); err != nil {
		return nil, err
	}
	return r, nil
}

// RasterHeader is the Header of a w×h image; Check tells whether it is sound.
func RasterHeader(w, h, channels, bits int) Header {
	return Header{Form: PNG, Dims: [4]int{w, h, 1, 1}, Channels: channels, Bits: bits}
}

// WithIndices keeps the palette indices that the pixels were expanded from,
// one byte a pixel: label maps are often stored so, and their values are the
// indices and not the colours.
func (r *Raster) WithIndices(indices []byte) (*Raster, error) {
	if int64(len(indices)) != r.header.Pixels() {
		return nil, fmt.Errorf("%w: %d palette indices for %d pixels", ErrMismatch, len(indices), r.header.Pixels())
	}
	out := *r
	out.indices = indices
	return &out, nil
}

// Warn returns r with warnings added.
func (r *Raster) Warn(warnings ...string) *Raster {
	out := *r
	out.warnings = slices.Concat(r.warnings, warnings)
	return &out
}

// Indices returns the palette indices; nil where there was no palette.
func (r *Raster) Indices() []byte { return r.indices }

func (r *Raster) Header() Header           { return r.header }
func (r *Raster) Payload() []byte          { return r.pix }
func (r *Raster) Lead() []byte             { return nil }
func (r *Raster) Encode(w io.Writer) error { return encode(w, r) }
func (r *Raster) Warnings() []string       { return r.warnings }

// Volume is a 3-D or 4-D image, served as NIfTI-1.
type Volume struct {
	header   Header
	lead     []byte
	voxels   []byte
	warnings []string
	slices   []Slice
}

// NewVolume wraps voxels (little-endian, x fastest) and the bytes that stand
// before them in a .nii. Neither must change afterwards.
func NewVolume(h Header, lead, voxels []byte) (*Volume, error) {
	if h.Form != NIfTI {
		return nil, fmt.Errorf("%w: a volume is not served as %s", ErrFormat, h.Form.Ext())
	}
	if err := checkPayload(h, voxels); err != nil {
		return nil, err
	}
	if len(lead) != h.Lead {
		return nil, fmt.Errorf("%w: lead of %d bytes where the header says %d", ErrMismatch, len(lead), h.Lead)
	}
	return &Volume{header: h, lead: lead, voxels: voxels}, nil
}

// Warn returns v with warnings added.
func (v *Volume) Warn(warnings ...string) *Volume {
	out := *v
	out.warnings = slices.Concat(v.warnings, warnings)
	return &out
}

func (v *Volume) Header() Header           { return v.header }
func (v *Volume) Payload() []byte          { return v.voxels }
func (v *Volume) Lead() []byte             { return v.lead }
func (v *Volume) Encode(w io.Writer) error { return encode(w, v) }
func (v *Volume) Warnings() []string       { return v.warnings }

func checkPayload(h Header, payload []byte) error {
	if err := h.Check(); err != nil {
		return err
	}
	if int64(len(payload)) != h.PayloadSize() {
		return fmt.Errorf("%w: payload of %d bytes where the header says %d", ErrMismatch, len(payload), h.PayloadSize())
	}
	return nil
}

// Scaling returns what turns stored voxels into values, value = stored·slope +
// inter, as float64 of the header's fields. A slope of 0, NaN or infinity and
// colours mean that the values are stored as they are (nifti1.h, "DATA
// SCALING"; nibabel does likewise with what is not finite).
func (v *Volume) Scaling() (slope, inter float64) {
	field := func(at int) float64 {
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(v.lead[at:])))
	}
	slope, inter = field(niiSlope), field(niiInter)
	if slope == 0 || math.IsNaN(slope) || math.IsInf(slope, 0) || v.header.Channels > 1 {
		return 1, 0
	}
	if math.IsNaN(inter) || math.IsInf(inter, 0) {
		inter = 0
	}
	return slope, inter
}

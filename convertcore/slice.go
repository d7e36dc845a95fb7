package convertcore

import "context"

// Slice is one plane of an image that was made of DICOM files.
type Slice struct {
	Z, T           int    // where it is in the image, from 0
	Path           string // raw path
	Frame          int    // of the file, from 0
	SOPInstanceUID string
	// Position is that of the first stored pixel in mm, LPS+ as DICOM has it; nil
	// where the file does not say.
	Position *[3]float64
}

// Slicer is implemented by a Converter that knows the slices of its images.
type Slicer interface {
	// Sliced reports whether p is an image of DICOM slices. It reads nothing.
	Sliced(p *Part) bool
	// Slices lists them, z fastest, from headers alone.
	Slices(ctx context.Context, raw Raw, c *Case, p *Part) ([]Slice, error)
}

// WithSlices returns r with what it was made of.
func (r *Raster) WithSlices(list []Slice) *Raster {
	out := *r
	out.slices = list
	return &out
}

// Slices returns what r was made of; nil where that is not DICOM.
func (r *Raster) Slices() []Slice { return r.slices }

// WithSlices returns v with what it was made of.
func (v *Volume) WithSlices(list []Slice) *Volume {
	out := *v
	out.slices = list
	return &out
}

// Slices returns what v was made of; nil where that is not DICOM.
func (v *Volume) Slices() []Slice { return v.slices }

// Package convertcore is the Conversion layer: raw files in, images and binary
// masks in one standard form out. It knows no network and no FUSE.
//
// A Converter splits a dataset's raw files into Cases, each of several Parts,
// and turns one Part into one Image. The container that is served (PNG or
// NIfTI with stored DEFLATE blocks) follows by arithmetic, so its size is known
// from the Header alone.
package convertcore

import (
	"context"
	"errors"
	"io"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// ConverterVersion is part of every cache key. Raise it when the bytes that
// some raw file converts to change.
const ConverterVersion = 2

var (
	// ErrUnsupported marks a codec or encoding that this build cannot read.
	ErrUnsupported = errors.New("unsupported encoding")
	// ErrFormat marks raw bytes that are not what their format demands:
	// truncated, lying or absurd.
	ErrFormat = errors.New("malformed data")
	// ErrMismatch marks an image and label whose grids differ, or an output
	// that is not as its header said.
	ErrMismatch = errors.New("grids differ")
)

// Raw is a dataset's raw files as one flat namespace, archives entered.
type Raw interface {
	// Files lists every raw file, sorted by Path. It reads no image data.
	Files(ctx context.Context) ([]blob.Info, error)
	// Open opens one of them. ctx bounds the blob's reads too.
	Open(ctx context.Context, path string) (blob.Blob, error)
}

// Prefetcher is implemented by a Raw that can bring several files in fewer
// requests than one each.
type Prefetcher interface {
	Prefetch(ctx context.Context, paths []string) error
}

// Prefetch brings the files into reach where raw knows how. Errors are left
// for the reads that follow.
func Prefetch(ctx context.Context, raw Raw, paths []string) {
	if p, ok := raw.(Prefetcher); ok && len(paths) > 1 {
		_ = p.Prefetch(ctx, paths)
	}
}

// Kind tells an image from a label.
type Kind uint8

const (
	KindImage Kind = iota
	KindLabel
)

// Form is the standard form that an image is served in.
type Form uint8

const (
	PNG   Form = iota // 2-D: <name>.png
	NIfTI             // 3-D: <name>.nii.gz, and <name>.nii on request
)

// Ext returns the extension of the listed name, with its dot.
func (f Form) Ext() string {
	if f == NIfTI {
		return ".nii.gz"
	}
	return ".png"
}

// Case is one image with its labels. IDs are unique in a dataset and safe as
// file names (no slash, no NUL, not "." or "..").
type Case struct {
	ID     string
	Split  string // the authors' own: "train", "val", "test" or ""
	Images []Part
	Labels []Part
	Meta   map[string]string
}

// Part is one output file.
type Part struct {
	Kind   Kind
	Name   string   // image: channel, "" when there is one only; label: class
	Raw    []string // raw paths that it is made of, in order
	Select Selector // label only
	Form   Form
}

// Selector says which pixels of a decoded raw label belong to a class.
type Selector interface {
	// Mask sets dst[i] to 1 where pixel i of src (x fastest) belongs to the
	// class and leaves the others, so that several sources unite.
	// len(dst) is the number of pixels or voxels of src.
	Mask(dst []byte, src Image) error
}

// Drawer is implemented by a Selector whose label is no image on a grid of its
// own, but shapes or segments that are drawn onto the grid of the case's image:
// contours, RTSTRUCT, DICOM-SEG. Its Mask is not called.
type Drawer interface {
	// Draw sets dst[i] to 1 where voxel i of grid (x fastest, len(dst) is
	// grid.Pixels()) belongs to the class and leaves the others. paths are the
	// label's raw files. A label that does not fit the grid is ErrMismatch; what
	// a user should know of how it was laid is returned as warnings.
	Draw(ctx context.Context, dst []byte, raw Raw, paths []string, grid Header) (warnings []string, err error)
}

// Converter turns a dataset's raw files into cases and their parts.
type Converter interface {
	// Cases reads names and small tables only. The result is sorted by ID.
	Cases(ctx context.Context, raw Raw) ([]Case, error)
	Convert(ctx context.Context, raw Raw, c *Case, p *Part) (Image, error)
}

// Headerer is implemented by a Converter that knows a part's Header from a few
// bytes. Without it the first stat converts.
type Headerer interface {
	Header(ctx context.Context, raw Raw, c *Case, p *Part) (Header, error)
}

// AllConverter is implemented by a Converter that makes several labels of one
// case from one decoding of their raw files.
type AllConverter interface {
	// ConvertAll converts parts that share raw files; emit is called once for
	// each, in order, and its error stops the work.
	ConvertAll(ctx context.Context, raw Raw, c *Case, parts []*Part, emit func(p *Part, m Image) error) error
}

// Func is all that a dataset writes which no recipe can describe.
type Func func(ctx context.Context, raw Raw, c *Case, p *Part) (Image, error)

// Header is what is known of an image before its pixels: enough for the exact
// size of every container that it is served in.
type Header struct {
	Form     Form
	Dims     [4]int // x, y, z, t; 1 where there is none
	Channels int    // samples a pixel: 1 gray, 2 gray+alpha, 3 RGB, 4 RGBA
	Bits     int    // bits a sample: 8 or 16 (PNG); 8, 16, 32 or 64 (NIfTI)
	Float    bool
	Signed   bool          // of integers
	Affine   [4][4]float64 // voxel (i,j,k) -> RAS+ mm; zero for PNG
	// Lead is the length of what stands before the voxels in a .nii: 352 and
	// the header extensions. 0 for PNG.
	Lead int
}

// PayloadSize is the number of bytes of pixel rows or voxels.
func (h Header) PayloadSize() int64 {
	n := int64(h.Channels) * int64(h.Bits/8)
	for _, d := range h.Dims {
		n *= int64(d)
	}
	return n
}

// RowSize is the number of bytes of one row along x.
func (h Header) RowSize() int { return h.Dims[0] * h.Channels * h.Bits / 8 }

// Image is a decoded *Raster or *Volume.
type Image interface {
	Header() Header
	// Payload returns the pixel rows (samples big-endian, as PNG stores them)
	// or the voxels (little-endian, as our NIfTI stores them), x fastest. The
	// caller does not change it.
	Payload() []byte
	// Lead returns what stands before the voxels in a .nii; nil for a Raster.
	Lead() []byte
	// Encode writes the listed container: PNG or .nii.gz.
	Encode(w io.Writer) error
	// Warnings are what a user should know of how the raw files were read, such
	// as "slice 17 is missing"; they are kept with the converted image.
	Warnings() []string
}

package data

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/format"
	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Read decodes an image file: PNG, NIfTI (.nii, .nii.gz), NPY, and whatever
// else package format knows.
func Read(ctx context.Context, path string) (*Image, error) {
	im, err := read(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return im, nil
}

func read(ctx context.Context, path string) (*Image, error) {
	if strings.HasSuffix(path, ".npy") {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return ReadNPY(bufio.NewReaderSize(f, 1<<16))
	}
	f, err := format.Detect(ctx, local{}, path)
	if err != nil {
		return nil, err
	}
	im, err := f.Decode(ctx, local{}, []string{path})
	if err != nil {
		return nil, err
	}
	return fromConverted(im)
}

// ReadMask reads a file's non-zero voxels. spacing replaces the file's own
// where it is not nil.
func ReadMask(ctx context.Context, path string, spacing []float64) (*mask.Mask, error) {
	im, err := Read(ctx, path)
	if err != nil {
		return nil, err
	}
	m, err := im.Mask(spacing)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return m, nil
}

// local opens files by their path on this machine.
type local struct{}

func (local) Files(context.Context) ([]blob.Info, error) { return nil, nil }

func (local) Open(_ context.Context, path string) (blob.Blob, error) { return blob.File(path) }

// fromConverted gives a decoded image its array order.
func fromConverted(c convertcore.Image) (*Image, error) {
	h := c.Header()
	im := &Image{Channels: h.Channels, Slope: 1, Data: c.Payload(),
		Type: Type{Bits: h.Bits, Float: h.Float, Signed: h.Signed}}
	if h.Form == convertcore.PNG {
		im.Dims, im.Spacing = []int{h.Dims[1], h.Dims[0]}, ones(2)
		im.Type.BigEndian = true
		if r, ok := c.(*convertcore.Raster); ok {
			im.indices = r.Indices()
		}
		return im, im.check()
	}
	if h.Dims[3] != 1 {
		return nil, fmt.Errorf("%w: a series of %d volumes", ErrShape, h.Dims[3])
	}
	im.Order = mask.FortranOrder
	im.Dims = []int{h.Dims[0], h.Dims[1], h.Dims[2]}
	for _, row := range h.Affine {
		im.Affine = append(im.Affine, append([]float64(nil), row[:]...))
	}
	im.readLead(c.Lead())
	return im, im.check()
}

// Offsets in a NIfTI-1 header.
const (
	niftiDim    = 40
	niftiPixdim = 76
	niftiSlope  = 112
	niftiInter  = 116
)

// readLead takes what a convertcore.Header does not have from the NIfTI
// header: number of axes, pixdim and scaling (a slope of 0 or NaN means none).
func (im *Image) readLead(lead []byte) {
	im.Spacing = ones(3)
	if len(lead) < convertcore.MinLead {
		return
	}
	f32 := func(off int) float64 {
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(lead[off:])))
	}
	for a := range im.Spacing {
		if s := math.Abs(f32(niftiPixdim + 4 + 4*a)); s > 0 && !math.IsInf(s, 0) {
			im.Spacing[a] = s
		}
	}
	slope, inter := f32(niftiSlope), f32(niftiInter)
	if slope != 0 && !math.IsNaN(slope) && !math.IsInf(slope, 0) && !math.IsNaN(inter) && !math.IsInf(inter, 0) {
		im.Slope, im.Inter = slope, inter
	}
	if binary.LittleEndian.Uint16(lead[niftiDim:]) == 2 {
		im.Dims, im.Spacing = im.Dims[:2], im.Spacing[:2]
	}
}

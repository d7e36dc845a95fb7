package format

import (
	"context"
	"encoding/binary"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/dicom"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// DICOM: one path is one file, of one frame or many; several paths are a series
// of slices.
//
// A single frame without a position in the patient is a PNG where that loses
// nothing: 8 or 16 bits unsigned and no rescale. All else is NIfTI: voxels as
// dcm2niix stores them without rotation (-x i): rows from the bottom, slices
// along the normal, RAS; unsigned samples of which fewer than 16 of 16 bits are
// used are int16. Rescaling goes into the header; only where it differs between
// slices are the voxels float32 values. MONOCHROME1 is kept as stored.
func init() {
	Register(convertcore.Format{
		Name: "dicom",
		Match: func(path string, head []byte) bool {
			if len(head) == 0 {
				return hasExt(path, ".dcm", ".dicom", ".ima")
			}
			return dicom.Plausible(head)
		},
		Header: func(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Header, error) {
			p, err := planDICOM(ctx, raw, paths)
			if err != nil {
				return convertcore.Header{}, err
			}
			return p.header, nil
		},
		Decode: dicomDecode,
	})
}

// DICOMSlices lists the planes of what paths convert to, in the order of the
// converted voxels (z fastest, then t). It reads headers alone.
func DICOMSlices(ctx context.Context, raw convertcore.Raw, paths []string) ([]convertcore.Slice, error) {
	p, err := planDICOM(ctx, raw, paths)
	if err != nil {
		return nil, err
	}
	return p.slices(), nil
}

func (p *dicomPlan) slices() []convertcore.Slice {
	out := make([]convertcore.Slice, len(p.planes))
	for i, s := range p.planes {
		z := p.header.Dims[2]
		out[i] = convertcore.Slice{Z: i % z, T: i / z, Path: s.path, Frame: s.frame, SOPInstanceUID: s.uid}
		if s.placed {
			pos := [3]float64(s.pos)
			out[i].Position = &pos
		}
	}
	return out
}

// dicomPlan is what headers tell of the image.
type dicomPlan struct {
	header       convertcore.Header
	slope, inter float64
	rescale      bool // each plane by its own slope and intercept, to float32
	planes       []*dicomSlice
	warnings     []string
}

func (p *dicomPlan) warn(s string, args ...any) {
	p.warnings = append(p.warnings, fmt.Sprintf(s, args...))
}

// headerReaders bounds how many headers are read at once: remote ones wait for
// the network and not for us.
const headerReaders = 8

// planDICOM reads the headers and lays the planes out.
func planDICOM(ctx context.Context, raw convertcore.Raw, paths []string) (*dicomPlan, error) {
	if len(paths) == 0 {
		return nil, malformed("no files for a DICOM image")
	}
	if len(paths) == 1 {
		planes, err := readDICOM(ctx, raw, paths[0])
		if err != nil {
			return nil, err
		}
		return layDICOM(planes)
	}
	convertcore.Prefetch(ctx, raw, paths)
	planes := make([]*dicomSlice, len(paths))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(headerReaders)
	for i, path := range paths {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			s, err := readDICOM(ctx, raw, path)
			if err == nil && len(s) != 1 {
				err = unsupported("%d frames: an image of several files must have one frame in each", len(s))
			}
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			planes[i] = s[0]
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return layDICOM(planes)
}

// layDICOM decides what the planes make.
func layDICOM(planes []*dicomSlice) (*dicomPlan, error) {
	p := &dicomPlan{planes: planes, slope: 1}
	s := planes[0]
	if err := p.checkSame(); err != nil {
		return nil, err
	}
	if s.pix.Photometric == "MONOCHROME1" {
		p.warn("MONOCHROME1: low values are bright; kept as stored")
	}
	placed := s.placed
	for _, q := range planes {
		placed = placed && q.placed
	}
	p.scale()
	var err error
	switch {
	case placed:
		err = p.stack()
	case len(planes) == 1 && p.rasterable():
		p.header = convertcore.RasterHeader(s.pix.Cols, s.pix.Rows, s.channels(), s.bits())
		return p, p.header.Check()
	default:
		err = p.pile()
	}
	if err != nil {
		return nil, err
	}
	return p, p.complete()
}

// rasterable reports whether a PNG holds all of the single plane.
func (p *dicomPlan) rasterable() bool {
	s := p.planes[0]
	return !s.pix.Float && !s.pix.Signed && s.bits() <= 16 && p.slope == 1 && p.inter == 0
}

// scale takes over the rescaling. Float planes carry theirs in their values.
func (p *dicomPlan) scale() {
	first := p.planes[0]
	p.slope, p.inter = first.slope, first.inter
	for _, s := range p.planes {
		p.rescale = p.rescale || s.slope != p.slope || s.inter != p.inter
	}
	if p.rescale {
		p.slope, p.inter = 1, 0
		p.warn("slope and intercept differ between slices: voxels are rescaled values (float32)")
	}
}

// complete sets the voxel type of a volume.
func (p *dicomPlan) complete() (err error) {
	s, h := p.planes[0], &p.header
	h.Channels, h.Bits, h.Float, h.Signed = s.channels(), s.bits(), s.pix.Float, s.pix.Signed
	if h.Channels == 3 {
		if h.Bits != 8 {
			return unsupported("volume of colours of %d bits", h.Bits)
		}
		p.slope, p.inter, p.rescale = 1, 0, false
		h.Signed = false
	} else if h.Bits == 16 && s.pix.Stored < 16 {
		h.Signed = true
	}
	if p.rescale {
		h.Bits, h.Float, h.Signed = 32, true, false
	}
	*h, err = geom.VolumeHeader(*h)
	return err
}

func dicomDecode(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Image, error) {
	p, err := planDICOM(ctx, raw, paths)
	if err != nil {
		return nil, err
	}
	if p.header.Form == convertcore.NIfTI {
		voxels, err := p.read(ctx, raw)
		if err != nil {
			return nil, err
		}
		v, err := geom.NewVolume(p.header, p.slope, p.inter, voxels)
		if err != nil {
			return nil, err
		}
		return v.Warn(p.warnings...).WithSlices(p.slices()), nil
	}
	r, err := p.raster(ctx, raw)
	if err != nil {
		return nil, err
	}
	return r.Warn(p.warnings...).WithSlices(p.slices()), nil
}

// raster decodes the single plane of a PNG.
func (p *dicomPlan) raster(ctx context.Context, raw convertcore.Raw) (*convertcore.Raster, error) {
	f, err := openDICOM(ctx, raw, p.planes[0].path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pix, err := f.frames.Decode(0)
	if err != nil {
		return nil, err
	}
	h, px := p.header, &p.planes[0].pix
	if px.Palette != nil {
		r, err := convertcore.NewRaster(h.Dims[0], h.Dims[1], 3, h.Bits, px.Palette.Expand(pix, px.Bits(), px.Signed))
		if err != nil || px.Bits() != 8 {
			return r, err
		}
		return r.WithIndices(pix)
	}
	if h.Bits == 16 {
		for b := pix; len(b) >= 2; b = b[2:] {
			binary.BigEndian.PutUint16(b, binary.LittleEndian.Uint16(b))
		}
	}
	return convertcore.NewRaster(h.Dims[0], h.Dims[1], h.Channels, h.Bits, pix)
}

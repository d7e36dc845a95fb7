package recipe

import (
	"context"
	"path"
	"slices"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/format"
)

var _ convertcore.Slicer = (*converter)(nil)

// Sliced reports whether the dataset may have images of DICOM slices, by what
// the recipe says of their format and names: a series of files whose pattern has
// no extension may.
func (r *Recipe) Sliced() bool {
	list := []Channel{{Image: r.Case.Image, Reading: r.Case.Reading}}
	return slices.ContainsFunc(append(list, r.Channels...), func(ch Channel) bool {
		return slices.ContainsFunc(ch.Image, func(pattern string) bool {
			open := ch.Series && ch.Stack == nil && ch.Format == "" && ch.Array == "" && path.Ext(pattern) == ""
			return open || ch.Reading.slicedFile(pattern)
		})
	})
}

// slicedFile reports whether a file that an image is made of holds DICOM slices.
func (r *Reading) slicedFile(path string) bool {
	if r.Stack != nil || r.Plane != nil || r.Array != "" || r.Crop != nil || r.Format != "" && r.Format != "dicom" {
		return false
	}
	if r.Format == "dicom" {
		return true
	}
	f, err := format.For(path, nil)
	return err == nil && f.Name == "dicom"
}

// Sliced implements convertcore.Slicer.
func (c *converter) Sliced(p *convertcore.Part) bool {
	if c.err != nil || p.Kind != convertcore.KindImage || len(p.Raw) == 0 {
		return false
	}
	i := slices.IndexFunc(c.channels, func(ch channel) bool { return ch.name == p.Name })
	return i >= 0 && c.channels[i].reading.slicedFile(p.Raw[0])
}

// Slices implements convertcore.Slicer.
func (c *converter) Slices(ctx context.Context, raw convertcore.Raw, cs *convertcore.Case, p *convertcore.Part) ([]convertcore.Slice, error) {
	src, err := c.imageSource(ctx, raw, cs, p)
	if err != nil {
		return nil, c.wrap(cs, p, "slices", err)
	}
	list, err := format.DICOMSlices(ctx, raw, src.paths)
	if err != nil {
		return nil, c.wrap(cs, p, "slices", err)
	}
	return list, nil
}

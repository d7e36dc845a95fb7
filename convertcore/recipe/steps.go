package recipe

import (
	"context"
	"fmt"
	"slices"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// reading is a compiled Reading.
type reading struct {
	*Reading
	array   fragment
	float2d string
	label   bool
}

// source is what is read: files of one case by one reading.
type source struct {
	*reading
	raw   convertcore.Raw
	paths []string // as the formats take them, with "#" and the array's name
	bare  []string // without
	steps []step
}

// step is one change of a decoded image, and of its header alone.
type step struct {
	header func(convertcore.Header) (convertcore.Header, error)
	apply  func(convertcore.Image) (convertcore.Image, error)
}

// source prepares the reading of files.
func (c *converter) source(ctx context.Context, raw convertcore.Raw, rd *reading, places []place, cs *convertcore.Case, paths []string) (*source, error) {
	s := &source{reading: rd, raw: raw, paths: paths, bare: paths}
	if len(paths) == 0 {
		return nil, ErrAbsent
	}
	if rd.Array != "" {
		s.raw = c.flows.Bind(raw)
		s.paths = slices.Clone(paths)
		for i, path := range paths {
			name, err := rd.array.fill(func(name string) (string, bool) { return c.placeholder(cs, places, path, name) })
			if err != nil {
				return nil, err
			}
			s.paths[i] = path + "#" + name
		}
	}
	if rd.EXIF != "" {
		o, err := exifOrientation(ctx, raw, paths[0])
		if err != nil {
			return nil, err
		}
		s.steps = append(s.steps, turn(o))
	}
	if rd.Plane != nil {
		s.steps = append(s.steps, plane(*rd.Plane))
	}
	if rd.Component != "" {
		s.steps = append(s.steps, component(slices.Index(components, rd.Component)))
	}
	if rd.Crop != nil {
		s.steps = append(s.steps, crop(rd.Crop))
	}
	switch {
	case rd.float2d == asPNG || rd.float2d == asPNG16 && rd.label:
		s.steps = append(s.steps, flatten)
	case rd.float2d == asNIfTI:
		s.steps = append(s.steps, lift)
	case rd.float2d == asPNG16:
		s.steps = append(s.steps, scale16)
	}
	return s, nil
}

// placeholder is the text of {name} for a raw path of a case.
func (c *converter) placeholder(cs *convertcore.Case, places []place, path, name string) (string, bool) {
	if v, ok := cs.Meta[name]; ok {
		return v, true
	}
	vals := make([]string, c.names)
	for i := range places {
		if p := places[i].pattern; p.Match(c.fold(path), vals) {
			if k := p.Index(name); k >= 0 {
				return vals[k], true
			}
		}
	}
	return cs.ID, name == "case"
}

// header reads the header of what decode returns.
func (s *source) header(ctx context.Context) (h convertcore.Header, err error) {
	if s.Stack != nil {
		h, err = s.stackHeader(ctx)
	} else {
		h, err = headerRaw(ctx, s.raw, s.Format, s.paths)
	}
	for i := 0; i < len(s.steps) && err == nil; i++ {
		h, err = s.steps[i].header(h)
	}
	return h, err
}

// decode decodes the files and takes the steps.
func (s *source) decode(ctx context.Context) (im convertcore.Image, err error) {
	if s.Stack != nil {
		im, err = s.stack(ctx)
	} else {
		im, err = decodeRaw(ctx, s.raw, s.Format, s.paths)
	}
	for i := 0; i < len(s.steps) && err == nil; i++ {
		im, err = s.steps[i].apply(im)
	}
	return im, err
}

// of returns the source of file i alone.
func (s *source) of(i int) *source {
	one := *s
	one.paths, one.bare = s.paths[i:i+1], s.bare[i:i+1]
	return &one
}

// warned returns an image with warnings added.
func warned(im convertcore.Image, texts ...string) convertcore.Image {
	switch im := im.(type) {
	case *convertcore.Raster:
		return im.Warn(texts...)
	case *convertcore.Volume:
		return im.Warn(texts...)
	}
	return im
}

func mismatch(text string, args ...any) error {
	return fmt.Errorf("%w: %s", convertcore.ErrMismatch, fmt.Sprintf(text, args...))
}

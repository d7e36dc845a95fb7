package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/format"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
	"github.com/omnimedseg/omnimedfs/convertcore/validate"
)

// oneCase converts the images and masks of a case from its raw files and
// compares them with what is served. Only the end of ctx is an error.
func (r *run) oneCase(ctx context.Context, conv convertcore.Converter, c *convertcore.Case) error {
	headers := map[string]convertcore.Header{}
	for i := range c.Images {
		p := &c.Images[i]
		name := file(r.Recipe, c, p)
		if want, err := conv.Convert(ctx, r.raw, c, p); err != nil {
			r.find(name, Raw, "%v", err)
		} else if got := r.compare(ctx, name, p, want); got != nil {
			headers[p.Name] = got.Header()
		}
		r.report.Images++
		r.step(name)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	emit := func(p *convertcore.Part, want convertcore.Image) error {
		name := file(r.Recipe, c, p)
		if got := r.compare(ctx, name, p, want); got != nil {
			r.onGrid(name, got.Header(), headers)
		}
		r.report.Masks++
		r.step(name)
		return ctx.Err()
	}
	all, ok := conv.(convertcore.AllConverter)
	for i := 0; i < len(c.Labels); {
		parts := []*convertcore.Part{&c.Labels[i]}
		for i++; ok && i < len(c.Labels) && slices.Equal(c.Labels[i].Raw, parts[0].Raw); i++ {
			parts = append(parts, &c.Labels[i])
		}
		var err error
		if ok {
			err = all.ConvertAll(ctx, r.raw, c, parts, emit)
		} else {
			var img convertcore.Image
			if img, err = conv.Convert(ctx, r.raw, c, parts[0]); err == nil {
				err = emit(parts[0], img)
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			r.find(file(r.Recipe, c, parts[0]), Raw, "%v", err)
		}
	}
	return nil
}

// onGrid checks that a mask lies on the grid of one of the case's images.
func (r *run) onGrid(name string, mask convertcore.Header, images map[string]convertcore.Header) {
	var last error
	for _, h := range images {
		if last = geom.SameGrid(h, mask); last == nil {
			return
		}
	}
	if last != nil {
		r.find(name, Grid, "against the image: %v", last)
	}
}

// compare reads a served file and tells how it differs from what the raw files
// give. It returns the image that was read, nil where there is none.
func (r *run) compare(ctx context.Context, name string, p *convertcore.Part, want convertcore.Image) convertcore.Image {
	got, err := r.read(ctx, name)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil // told by names
	}
	if err != nil {
		r.find(name, Format, "%v", err)
		return nil
	}
	if p.Kind == convertcore.KindLabel {
		empty := !slices.ContainsFunc(got.Payload(), func(b byte) bool { return b != 0 })
		wanted := slices.ContainsFunc(want.Payload(), func(b byte) bool { return b != 0 })
		if empty && wanted {
			r.find(name, Empty, "nothing is marked, and the raw label has the class")
			return got
		}
		if empty {
			r.report.Empty++
		}
		if err := validate.Mask(got); err != nil {
			r.find(name, Binary, "%v", err)
			return got
		}
	}
	if kind, text := difference(got, want); kind != "" {
		r.find(name, kind, "%s", text)
	}
	return got
}

// read decodes a served file with the format's reader, which is not the code
// that wrote it.
func (r *run) read(ctx context.Context, name string) (convertcore.Image, error) {
	if _, err := iofs.Stat(r.FS, name); errors.Is(err, iofs.ErrNotExist) && strings.HasSuffix(name, ".nii.gz") {
		name = strings.TrimSuffix(name, ".gz")
	}
	f, err := format.Detect(ctx, served{r.FS}, name)
	if err != nil {
		return nil, err
	}
	if f.Name != "png" && f.Name != "nifti" {
		return nil, fmt.Errorf("%w: %s, where PNG or NIfTI should be", convertcore.ErrFormat, f.Name)
	}
	return f.Decode(ctx, served{r.FS}, []string{name})
}

// difference names the first thing in which two images differ.
func difference(got, want convertcore.Image) (kind, text string) {
	g, w := got.Header(), want.Header()
	if g.Form == w.Form && (g.Bits != w.Bits || g.Channels != w.Channels || g.Float != w.Float || g.Signed != w.Signed) {
		return Depth, fmt.Sprintf("%s, and %s in the raw file", samples(g), samples(w))
	}
	if g.Dims != w.Dims {
		return Grid, fmt.Sprintf("%v pixels, and %v in the raw file", g.Dims, w.Dims)
	}
	if err := geom.SameGrid(w, g); err != nil {
		return Grid, fmt.Sprintf("raw file against served: %v", err)
	}
	if v, ok := got.(*convertcore.Volume); ok {
		gs, gi := v.Scaling()
		ws, wi := want.(*convertcore.Volume).Scaling()
		if gs != ws || gi != wi {
			return Depth, fmt.Sprintf("slope %g and intercept %g, and %g and %g in the raw file", gs, gi, ws, wi)
		}
	}
	a, b := got.Payload(), want.Payload()
	if bytes.Equal(a, b) {
		return "", ""
	}
	size, n := g.Channels*g.Elem(), 0
	for i := 0; i < len(a); i += size {
		if !bytes.Equal(a[i:i+size], b[i:i+size]) {
			n++
		}
	}
	return Pixels, fmt.Sprintf("%d of %d pixels differ from the raw file's", n, g.Pixels())
}

func samples(h convertcore.Header) string {
	kind := "unsigned"
	switch {
	case h.Float:
		kind = "float"
	case h.Signed:
		kind = "signed"
	}
	return fmt.Sprintf("%d %s samples of %d bits", h.Channels, kind, h.Bits)
}

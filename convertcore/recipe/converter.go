package recipe

import (
	"context"
	"errors"
	"fmt"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/format"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
	"github.com/omnimedseg/omnimedfs/convertcore/label"
)

var (
	_ convertcore.Converter    = (*converter)(nil)
	_ convertcore.Headerer     = (*converter)(nil)
	_ convertcore.AllConverter = (*converter)(nil)
)

// ErrAbsent marks a part whose raw file is not among the dataset's: the case
// is listed, because its other parts are there.
var ErrAbsent = errors.New("no raw file")

// converter is the generic Converter that a recipe drives.
type converter struct {
	*plan
	files *label.Files // that describe many cases
	flows format.Streams
	err   error // why the recipe cannot be used
}

// Converter returns the Converter that r describes. It also implements
// convertcore.Headerer and convertcore.AllConverter. A recipe that Lint finds
// patterns or selectors wrong in fails in Cases, Header and Convert.
func (r *Recipe) Converter() convertcore.Converter {
	p, problems := compile(r)
	var errs []error
	for _, problem := range problems {
		errs = append(errs, fmt.Errorf("%s: %s", r.ID, problem))
	}
	return &converter{plan: p, files: label.NewFiles(), err: errors.Join(errs...)}
}

// Header returns the header of an image from its first bytes, that of a mask
// from its label's or, in 2-D, from its image's: no mask is read.
func (c *converter) Header(ctx context.Context, raw convertcore.Raw, cs *convertcore.Case, p *convertcore.Part) (convertcore.Header, error) {
	h, err := c.header(ctx, raw, cs, p)
	if err != nil {
		return h, c.wrap(cs, p, "header", err)
	}
	return h, nil
}

func (c *converter) header(ctx context.Context, raw convertcore.Raw, cs *convertcore.Case, p *convertcore.Part) (convertcore.Header, error) {
	if c.err != nil {
		return convertcore.Header{}, c.err
	}
	if p.Kind == convertcore.KindImage {
		return c.imageHeader(ctx, raw, cs, p)
	}
	cl, err := c.class(p)
	if err != nil {
		return convertcore.Header{}, err
	}
	if len(p.Raw) == 0 || c.recipe.Dim == 2 || cl.onImage() {
		im, err := c.gridImage(cs, cl)
		if err != nil {
			return convertcore.Header{}, err
		}
		h, err := c.imageHeader(ctx, raw, cs, im)
		return convertcore.MaskHeader(h), err
	}
	src, err := c.labelSource(ctx, raw, cs, cl, p.Raw)
	if err != nil {
		return convertcore.Header{}, err
	}
	if !cl.reading.Series {
		src = src.of(0)
	}
	h, err := src.header(ctx)
	if err == nil {
		err = c.checkForm(p.Raw, h)
	}
	return convertcore.MaskHeader(h), err
}

// Convert returns an image as it is, or the mask of one class on the grid of
// its image. A label on another grid is convertcore.ErrMismatch, a case whose
// label file is not there ErrAbsent.
func (c *converter) Convert(ctx context.Context, raw convertcore.Raw, cs *convertcore.Case, p *convertcore.Part) (convertcore.Image, error) {
	if c.err != nil {
		return nil, c.err
	}
	if p.Kind == convertcore.KindImage {
		im, err := c.decodeImage(ctx, raw, cs, p)
		if err != nil {
			return nil, c.wrap(cs, p, "decode", err)
		}
		return im, nil
	}
	var mask convertcore.Image
	err := c.ConvertAll(ctx, raw, cs, []*convertcore.Part{p}, func(_ *convertcore.Part, m convertcore.Image) error {
		mask = m
		return nil
	})
	return mask, err
}

// imageSource prepares the reading of an image part.
func (c *converter) imageSource(ctx context.Context, raw convertcore.Raw, cs *convertcore.Case, p *convertcore.Part) (*source, error) {
	for i := range c.channels {
		if ch := &c.channels[i]; ch.name == p.Name {
			return c.source(ctx, raw, &ch.reading, c.images[ch.from:ch.to], cs, p.Raw)
		}
	}
	return nil, fmt.Errorf("the recipe has no channel %q", p.Name)
}

// labelSource prepares the reading of a class's files.
func (c *converter) labelSource(ctx context.Context, raw convertcore.Raw, cs *convertcore.Case, cl *class, paths []string) (*source, error) {
	set := c.sets[cl.set]
	return c.source(ctx, raw, &cl.reading, c.labels[set.from:set.to], cs, paths)
}

// decodeImage decodes an image part and checks its form.
func (c *converter) decodeImage(ctx context.Context, raw convertcore.Raw, cs *convertcore.Case, p *convertcore.Part) (convertcore.Image, error) {
	src, err := c.imageSource(ctx, raw, cs, p)
	if err != nil {
		return nil, err
	}
	im, err := src.decode(ctx)
	if err != nil {
		return nil, err
	}
	return im, c.checkForm(p.Raw, im.Header())
}

func (c *converter) imageHeader(ctx context.Context, raw convertcore.Raw, cs *convertcore.Case, p *convertcore.Part) (convertcore.Header, error) {
	src, err := c.imageSource(ctx, raw, cs, p)
	if err != nil {
		return convertcore.Header{}, err
	}
	h, err := src.header(ctx)
	if err != nil {
		return h, err
	}
	return h, c.checkForm(p.Raw, h)
}

func (c *converter) checkForm(paths []string, h convertcore.Header) error {
	if h.Form != c.recipe.Form() {
		return fmt.Errorf("%w: %s is served as %s, but the dataset's dim is %d", convertcore.ErrMismatch, paths[0], h.Form.Ext(), c.recipe.Dim)
	}
	return nil
}

// gridImage returns the image whose grid a class is on.
func (c *converter) gridImage(cs *convertcore.Case, cl *class) (*convertcore.Part, error) {
	for i := range cs.Images {
		p := &cs.Images[i]
		if len(p.Raw) > 0 && (cl.channel < 0 || p.Name == c.channels[cl.channel].name) {
			return p, nil
		}
	}
	if cl.channel < 0 {
		return nil, fmt.Errorf("image that the label is drawn on: %w", ErrAbsent)
	}
	return nil, fmt.Errorf("image %s that the label is drawn on: %w", c.channels[cl.channel].name, ErrAbsent)
}

// onImage reports whether the masks of a class take the image's grid, whatever
// the label's is.
func (cl *class) onImage() bool {
	_, drawn := cl.sel.(convertcore.Drawer)
	return drawn || cl.byImage || cl.resample
}

// checkGrid compares a label's grid with its image's.
func checkGrid(imagePath, labelPath string, image, label convertcore.Header) error {
	if err := geom.SameGrid(image, label); err != nil {
		return fmt.Errorf("image %s and label %s: %w", imagePath, labelPath, err)
	}
	return nil
}

func (c *converter) class(p *convertcore.Part) (*class, error) {
	for i := range c.classes {
		if c.classes[i].name == p.Name {
			return &c.classes[i], nil
		}
	}
	return nil, fmt.Errorf("the recipe has no class %q", p.Name)
}

// wrap says which dataset, case and part an error is about.
func (c *converter) wrap(cs *convertcore.Case, p *convertcore.Part, verb string, err error) error {
	what := "image"
	if p.Kind == convertcore.KindLabel {
		what = "mask"
	}
	if p.Name != "" {
		what += " " + p.Name
	}
	return fmt.Errorf("%s: case %s: %s %s: %w", c.recipe.ID, cs.ID, verb, what, err)
}

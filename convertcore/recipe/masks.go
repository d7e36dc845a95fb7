package recipe

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/label"
)

// ConvertAll makes masks of one case. Parts that follow each other and share
// their raw files are made from one decoding of them. What emit returns is
// returned as it is.
func (c *converter) ConvertAll(ctx context.Context, raw convertcore.Raw, cs *convertcore.Case, parts []*convertcore.Part,
	emit func(*convertcore.Part, convertcore.Image) error) error {
	if c.err != nil {
		return c.err
	}
	for len(parts) > 0 {
		n := 1
		for n < len(parts) && slices.Equal(parts[0].Raw, parts[n].Raw) && c.alike(parts[0], parts[n]) {
			n++
		}
		if err := c.convertGroup(ctx, raw, cs, parts[:n], emit); err != nil {
			return err
		}
		parts = parts[n:]
	}
	return nil
}

// alike reports whether two labels are read in the same way onto the same
// channel, so that one decoding serves both.
func (c *converter) alike(a, b *convertcore.Part) bool {
	ca, errA := c.class(a)
	cb, errB := c.class(b)
	if errA != nil || errB != nil {
		return false
	}
	_, drawnA := ca.sel.(convertcore.Drawer)
	_, drawnB := cb.sel.(convertcore.Drawer)
	return drawnA == drawnB && ca.channel == cb.channel && ca.set == cb.set && ca.byImage == cb.byImage && ca.resample == cb.resample && ca.flip == cb.flip &&
		ca.consensus == cb.consensus && reflect.DeepEqual(ca.reading.Reading, cb.reading.Reading)
}

// group is masks that are made together: of the same files, on the same grid.
type group struct {
	*converter
	*class
	raw   convertcore.Raw
	cs    *convertcore.Case
	image *convertcore.Part  // that they are drawn on
	grid  convertcore.Header // its header
	src   *source            // the label's raw files
	paths []string
	parts []*convertcore.Part
}

func (c *converter) convertGroup(ctx context.Context, raw convertcore.Raw, cs *convertcore.Case, parts []*convertcore.Part,
	emit func(*convertcore.Part, convertcore.Image) error) error {
	p := parts[0]
	if p.Kind != convertcore.KindLabel {
		return c.wrap(cs, p, "convert", fmt.Errorf("part is no label"))
	}
	cl, err := c.class(p)
	if err != nil {
		return c.wrap(cs, p, "convert", err)
	}
	if len(p.Raw) == 0 && !cl.empty {
		return c.wrap(cs, p, "convert", fmt.Errorf("label: %w matches %q", ErrAbsent, c.labels[c.sets[cl.set].from].pattern))
	}
	g := &group{converter: c, class: cl, raw: raw, cs: cs, paths: p.Raw, parts: parts}
	if g.image, err = c.gridImage(cs, cl); err != nil {
		return c.wrap(cs, p, "convert", err)
	}
	convertcore.Prefetch(ctx, raw, g.paths) // not the image, of which only the header is read
	if g.grid, err = c.imageHeader(ctx, raw, cs, g.image); err != nil {
		return c.wrap(cs, p, "read the image's header for", err)
	}
	build := g.nothing
	if len(g.paths) > 0 {
		if build, err = g.builder(ctx); err != nil {
			return c.wrap(cs, p, "convert", err)
		}
	}
	var emitErr error
	err = build(ctx, func(p *convertcore.Part, m convertcore.Image) error {
		emitErr = emit(p, m)
		return emitErr
	})
	if err != nil && emitErr == nil {
		return c.wrap(cs, p, "convert", err)
	}
	return err
}

// builder prepares the label's files and chooses how masks are made of them.
func (g *group) builder(ctx context.Context) (func(context.Context, func(*convertcore.Part, convertcore.Image) error) error, error) {
	var err error
	if g.src, err = g.labelSource(ctx, g.raw, g.cs, g.class, g.paths); err != nil {
		return nil, err
	}
	_, drawn := g.sel.(convertcore.Drawer)
	switch {
	case drawn:
		return g.draw, nil
	case g.onImage() || g.flip != [3]bool{} || g.consensus != "" && g.consensus != "union":
		return g.placed, nil
	case len(g.paths) == 1 || g.reading.Series:
		return g.selectAll, nil
	}
	return g.union, nil
}

// selectAll makes each mask from one decoded label map.
func (g *group) selectAll(ctx context.Context, emit func(*convertcore.Part, convertcore.Image) error) error {
	src, err := g.label(ctx, 0)
	if err != nil {
		return err
	}
	for _, p := range g.parts {
		sel := make([]byte, src.Header().Pixels())
		if err := p.Select.Mask(sel, src); err != nil {
			return fmt.Errorf("%s: %w", g.paths[0], err)
		}
		m, err := convertcore.NewMask(src, sel)
		if err != nil {
			return err
		}
		if err := emit(p, warned(m, src.Warnings()...)); err != nil {
			return err
		}
	}
	return nil
}

// nothing makes empty masks where the authors state that no label file means
// that there is nothing. The image is decoded: its header alone could promise
// more pixels than memory holds.
func (g *group) nothing(ctx context.Context, emit func(*convertcore.Part, convertcore.Image) error) error {
	like, err := g.decodeImage(ctx, g.raw, g.cs, g.image)
	if err != nil {
		return err
	}
	for _, p := range g.parts {
		cl, err := g.converter.class(p)
		if err != nil {
			return err
		}
		if !cl.empty {
			return fmt.Errorf("label of class %s: %w", p.Name, ErrAbsent)
		}
		m, err := convertcore.NewMask(like, make([]byte, like.Header().Pixels()))
		if err != nil {
			return err
		}
		if err := emit(p, m); err != nil {
			return err
		}
	}
	return nil
}

// draw makes masks of shapes. The image is decoded, as in nothing.
func (g *group) draw(ctx context.Context, emit func(*convertcore.Part, convertcore.Image) error) error {
	like, err := g.decodeImage(ctx, g.raw, g.cs, g.image)
	if err != nil {
		return err
	}
	ctx, files := label.WithOpen(label.WithFiles(ctx, g.files))
	defer files.Close()
	for _, p := range g.parts {
		d, _ := p.Select.(convertcore.Drawer)
		if c, ok := p.Select.(label.Caser); ok {
			d = c.ForCase(g.image.Raw[0], g.cs)
		}
		if d == nil {
			return fmt.Errorf("class %s is not drawn", p.Name)
		}
		sel := make([]byte, like.Header().Pixels())
		notes, err := d.Draw(ctx, sel, g.raw, g.paths, g.grid)
		if err != nil {
			return fmt.Errorf("%s: %w", g.paths[0], err)
		}
		m, err := convertcore.NewMask(like, sel)
		if err != nil {
			return err
		}
		if err := emit(p, warned(m, notes...)); err != nil {
			return err
		}
	}
	return nil
}

// decode decodes the label's file i, or all of a series.
func (g *group) decode(ctx context.Context, i int) (convertcore.Image, error) {
	if !g.reading.Series {
		return g.src.of(i).decode(ctx)
	}
	switch s := g.reading.Stack; {
	case s != nil && s.Order == "image":
		at, err := g.imageOrder(ctx)
		if err != nil {
			return nil, err
		}
		return g.src.stackAt(ctx, at, len(at))
	case s == nil || s.Number == "":
		return g.src.decode(ctx)
	}
	set := g.sets[g.set]
	n := g.grid.Dims[map[string]int{"": 2, "x": 0, "y": 1, "z": 2}[g.reading.Stack.Axis]]
	at, err := g.src.numbers(func(path string) (string, bool) {
		return g.placeholder(g.cs, g.labels[set.from:set.to], path, g.reading.Stack.Number)
	}, n)
	if err != nil {
		return nil, err
	}
	if len(at) < n && !g.empty {
		return nil, mismatch("%d slices of labels, %d of the image", len(at), n)
	}
	return g.src.stackAt(ctx, at, n)
}

// label decodes one of the label's files and checks that it fits the image.
func (g *group) label(ctx context.Context, i int) (convertcore.Image, error) {
	src, err := g.decode(ctx, i)
	if err != nil {
		return nil, err
	}
	return src, checkGrid(g.image.Raw[0], g.paths[i], g.grid, src.Header())
}

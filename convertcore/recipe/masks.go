package recipe

import (
	"context"
	"fmt"
	"slices"

	"github.com/omnimedseg/omnimedfs/convertcore"
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
		for n < len(parts) && slices.Equal(parts[0].Raw, parts[n].Raw) && c.sameGrid(parts[0], parts[n]) {
			n++
		}
		if err := c.convertGroup(ctx, raw, cs, parts[:n], emit); err != nil {
			return err
		}
		parts = parts[n:]
	}
	return nil
}

// sameGrid reports whether two labels are drawn on the same channel.
func (c *converter) sameGrid(a, b *convertcore.Part) bool {
	ca, errA := c.class(a)
	cb, errB := c.class(b)
	return errA == nil && errB == nil && ca.channel == cb.channel
}

// group is masks that are made together: of the same files, on the same grid.
type group struct {
	*converter
	raw   convertcore.Raw
	image []string           // raw files of the image that they are drawn on
	grid  convertcore.Header // its header
	paths []string           // the label's raw files
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
		return c.wrap(cs, p, "convert", fmt.Errorf("label: %w matches %q", ErrAbsent, c.labels[cl.label].pattern))
	}
	g := &group{converter: c, raw: raw, paths: p.Raw, parts: parts}
	if g.image, err = c.gridFiles(cs, cl); err != nil {
		return c.wrap(cs, p, "convert", err)
	}
	convertcore.Prefetch(ctx, raw, g.paths) // not the image, of which only the header is read
	if g.grid, err = c.rawHeader(ctx, raw, g.image); err != nil {
		return c.wrap(cs, p, "read the image's header for", err)
	}
	build := g.union
	switch len(g.paths) {
	case 0:
		build = g.nothing
	case 1:
		build = g.selectAll
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
		if err := emit(p, m); err != nil {
			return err
		}
	}
	return nil
}

// nothing makes empty masks where the authors state that no label file means
// that there is nothing. The image is decoded: its header alone could promise
// more pixels than memory holds.
func (g *group) nothing(ctx context.Context, emit func(*convertcore.Part, convertcore.Image) error) error {
	like, err := g.decode(ctx, g.raw, g.image)
	if err != nil {
		return err
	}
	for _, p := range g.parts {
		cl, err := g.class(p)
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

// label decodes one of the label's files and checks that it fits the image.
func (g *group) label(ctx context.Context, i int) (convertcore.Image, error) {
	src, err := g.decode(ctx, g.raw, g.paths[i:i+1])
	if err != nil {
		return nil, err
	}
	return src, checkGrid(g.image[0], g.paths[i], g.grid, src.Header())
}

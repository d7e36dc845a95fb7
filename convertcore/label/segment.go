package label

import (
	"context"
	"fmt"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/format"
)

var _ convertcore.Drawer = (*Segment)(nil)

func init() {
	Register("segment", func(arg any) (convertcore.Selector, error) {
		value, options, err := tableOf("segment", arg, "regex", "ignore_case", "optional")
		if err != nil {
			return nil, err
		}
		s := &Segment{fraction: 0.5, optional: options["optional"] == true}
		if v, ok := options["fraction"]; ok {
			if s.fraction, err = number(v); err != nil || s.fraction < 0 || s.fraction > 1 {
				return nil, fmt.Errorf("fraction is 0 to 1, not %v", v)
			}
		}
		s.named, err = parseNamed(value, options)
		return s, err
	}, "regex", "ignore_case", "optional", "fraction")
}

// Segment selects segments of DICOM-SEG files by number or label (a glob): the
// union of all that match. A value of a FRACTIONAL segmentation belongs from
// fraction of the maximum on, by default a half. That none matches is an error
// save with optional=true.
type Segment struct {
	named
	fraction float64
	optional bool
}

// Mask implements convertcore.Selector; a segmentation is no image.
func (s *Segment) Mask([]byte, convertcore.Image) error {
	return fmt.Errorf("%w: segments are drawn, not selected from an image", convertcore.ErrMismatch)
}

// Draw implements convertcore.Drawer.
func (s *Segment) Draw(ctx context.Context, dst []byte, raw convertcore.Raw, paths []string, grid convertcore.Header) ([]string, error) {
	found, names, warnings := 0, []string{}, []string(nil)
	for _, path := range paths {
		seg, done, err := open(ctx, raw, path, format.OpenSEG)
		if err != nil {
			return nil, err
		}
		n, notes, err := seg.Draw(ctx, dst, grid, s.fraction, func(g format.Segment) bool { return s.match(g.Number, g.Label) })
		if done(); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		found, names = found+n, append(names, seg.Names())
		warnings = append(warnings, noted(path, notes)...)
	}
	return warnings, s.check("segment", found, names, s.optional)
}

// noted says which file notes are of.
func noted(path string, notes []string) []string {
	out := make([]string, len(notes))
	for i, n := range notes {
		out[i] = path + ": " + n
	}
	return out
}

// check reports that nothing matched, and what there would have been.
func (n named) check(kind string, found int, names []string, optional bool) error {
	if found > 0 || optional {
		return nil
	}
	return fmt.Errorf("%w: no %s matches %s; there are %s", convertcore.ErrMismatch, kind, n.text, strings.Join(names, ", "))
}

package label

import (
	"context"
	"fmt"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/format"
)

var _ convertcore.Drawer = (*ROI)(nil)

func init() {
	Register("roi", func(arg any) (convertcore.Selector, error) {
		value, options, err := tableOf("roi", arg, "regex", "ignore_case", "optional")
		if err != nil {
			return nil, err
		}
		n, err := parseNamed(value, options)
		return &ROI{n, options["optional"] == true}, err
	}, "regex", "ignore_case", "optional")
}

// ROI selects regions of RTSTRUCT files by name (a glob) or number: the union
// of all that match, so that a list may name the spellings of one organ. That
// none matches is an error save with optional=true.
type ROI struct {
	named
	optional bool
}

// Mask implements convertcore.Selector; a structure set is no image.
func (r *ROI) Mask([]byte, convertcore.Image) error {
	return fmt.Errorf("%w: ROIs are drawn, not selected from an image", convertcore.ErrMismatch)
}

// Draw implements convertcore.Drawer.
func (r *ROI) Draw(ctx context.Context, dst []byte, raw convertcore.Raw, paths []string, grid convertcore.Header) ([]string, error) {
	found, names, warnings := 0, []string{}, []string(nil)
	for _, path := range paths {
		set, done, err := open(ctx, raw, path, format.ReadRTStruct)
		if err != nil {
			return nil, err
		}
		n, notes, err := set.Draw(ctx, dst, grid, func(q format.ROI) bool { return r.match(q.Number, q.Name) })
		if done(); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		found, names = found+n, append(names, set.Names())
		warnings = append(warnings, noted(path, notes)...)
	}
	return warnings, r.check("ROI", found, names, r.optional)
}

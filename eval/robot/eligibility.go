package robot

import (
	"errors"
	"fmt"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// ErrNoImage marks an eligibility that needs intensities where there is no
// image.
var ErrNoImage = errors.New("eligibility needs an image")

// Intensity is an image as far as eligibility looks at it: one number a voxel.
type Intensity interface {
	// At returns the intensity at p.
	At(p mask.Point) float64
	// Percentile returns the q-th percentile (0..100) over the whole image,
	// linear between order statistics.
	Percentile(q float64) float64
}

// Eligibility makes the region where a user may point from the image, the truth
// L and the prediction Y. It returns several masks where components must not
// join across them.
type Eligibility interface {
	Name() string
	// NeedsImage tells whether image may not be nil.
	NeedsImage() bool
	Region(image Intensity, truth, pred *mask.Mask) ([]*mask.Mask, error)
}

// named are the eligibility masks with a name of their own; all others are
// expressions.
var named = map[string]func(l, y *mask.Mask) []*mask.Mask{
	"error": func(l, y *mask.Mask) []*mask.Mask { return one(l, y, (*mask.Mask).Xor) },
	"gt":    func(l, y *mask.Mask) []*mask.Mask { return []*mask.Mask{l} },
	"fn":    func(l, y *mask.Mask) []*mask.Mask { return one(l, y, (*mask.Mask).AndNot) },
	"fp":    func(l, y *mask.Mask) []*mask.Mask { return one(y, l, (*mask.Mask).AndNot) },
	"bg":    func(l, y *mask.Mask) []*mask.Mask { n := new(mask.Mask); n.Not(l); return []*mask.Mask{n} },
	"error-split": func(l, y *mask.Mask) []*mask.Mask {
		return append(one(l, y, (*mask.Mask).AndNot), one(y, l, (*mask.Mask).AndNot)...)
	},
}

// one applies an operation whose operands are known to share a grid.
func one(a, b *mask.Mask, op func(m, a, b *mask.Mask) error) []*mask.Mask {
	m := a.Like()
	if op(m, a, b) != nil {
		return nil
	}
	return []*mask.Mask{m}
}

// EligibilityNames lists the named eligibility masks.
func EligibilityNames() []string {
	return []string{"error", "gt", "fn", "fp", "bg", "error-split"}
}

// ParseEligibility returns the eligibility that name stands for: one of
// EligibilityNames or an expression over I, L and Y.
func ParseEligibility(name string) (Eligibility, error) {
	if f, ok := named[name]; ok {
		return namedRegion{name, f}, nil
	}
	n, err := parseExpr(name)
	if err != nil {
		return nil, err
	}
	return exprRegion{name, n}, nil
}

type namedRegion struct {
	name string
	f    func(l, y *mask.Mask) []*mask.Mask
}

func (r namedRegion) Name() string     { return r.name }
func (r namedRegion) NeedsImage() bool { return false }

func (r namedRegion) Region(_ Intensity, truth, pred *mask.Mask) ([]*mask.Mask, error) {
	if !mask.SameGrid(truth, pred) {
		return nil, fmt.Errorf("eligibility %s: %w", r.name, mask.ErrGrid)
	}
	return r.f(truth, pred), nil
}

type exprRegion struct {
	name string
	expr *node
}

func (r exprRegion) Name() string     { return r.name }
func (r exprRegion) NeedsImage() bool { return r.expr.usesImage() }

func (r exprRegion) Region(image Intensity, truth, pred *mask.Mask) ([]*mask.Mask, error) {
	if !mask.SameGrid(truth, pred) {
		return nil, fmt.Errorf("eligibility %s: %w", r.name, mask.ErrGrid)
	}
	if image == nil && r.NeedsImage() {
		return nil, fmt.Errorf("%w: %s", ErrNoImage, r.name)
	}
	m, err := (&evaluator{image, truth, pred}).mask(r.expr)
	if err != nil {
		return nil, fmt.Errorf("eligibility %s: %w", r.name, err)
	}
	return []*mask.Mask{m}, nil
}

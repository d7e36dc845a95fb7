package label

import (
	"fmt"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// Selectors made of others, each a table: {not={values=[1]}},
// {any=[{values=[1]}, {above=9}]}, {all=[…]}, {fill={color="#ff0000"}}.
func init() {
	Register("not", func(arg any) (convertcore.Selector, error) { s, err := inner(arg); return not{s}, err })
	Register("fill", func(arg any) (convertcore.Selector, error) { s, err := inner(arg); return fill{s}, err })
	Register("any", func(arg any) (convertcore.Selector, error) { list, err := inners(arg); return &some{list, false}, err })
	Register("all", func(arg any) (convertcore.Selector, error) { list, err := inners(arg); return &some{list, true}, err })
}

// maxNested bounds selectors within selectors.
const maxNested = 8

func inner(arg any) (convertcore.Selector, error) {
	if nested(arg) > maxNested {
		return nil, fmt.Errorf("more than %d selectors within each other", maxNested)
	}
	table, ok := arg.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%v is not a selector", arg)
	}
	s, err := New(table)
	if err != nil {
		return nil, err
	}
	if _, drawn := s.(convertcore.Drawer); drawn {
		return nil, fmt.Errorf("shapes that are drawn cannot be combined")
	}
	return s, nil
}

func nested(arg any) int {
	n := 0
	switch arg := arg.(type) {
	case map[string]any:
		for _, v := range arg {
			n = max(n, nested(v))
		}
	case []any:
		for _, v := range arg {
			n = max(n, nested(v))
		}
		return n
	default:
		return 0
	}
	return n + 1
}

func inners(arg any) (out []convertcore.Selector, err error) {
	list, ok := arg.([]any)
	if !ok || len(list) == 0 {
		return nil, fmt.Errorf("%v is not a list of selectors", arg)
	}
	for _, item := range list {
		s, err := inner(item)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// not selects what another selector leaves out.
type not struct{ of convertcore.Selector }

// Mask implements convertcore.Selector.
func (n not) Mask(dst []byte, src convertcore.Image) error {
	own := make([]byte, len(dst))
	if err := n.of.Mask(own, src); err != nil {
		return err
	}
	for i, v := range own {
		dst[i] |= 1 - v
	}
	return nil
}

// some selects what any or all of several select.
type some struct {
	of  []convertcore.Selector
	all bool
}

// Mask implements convertcore.Selector.
func (s *some) Mask(dst []byte, src convertcore.Image) error {
	if !s.all {
		for _, one := range s.of {
			if err := one.Mask(dst, src); err != nil {
				return err
			}
		}
		return nil
	}
	total := make([]byte, len(dst))
	for i, one := range s.of {
		own := make([]byte, len(dst))
		if err := one.Mask(own, src); err != nil {
			return err
		}
		if i == 0 {
			total = own
			continue
		}
		for k, v := range own {
			total[k] &= v
		}
	}
	for k, v := range total {
		dst[k] |= v
	}
	return nil
}

// fill selects what another selector does and all that it encloses in each
// slice: an outline becomes what is drawn round. The outline holds where its
// pixels touch by a side or a corner.
type fill struct{ of convertcore.Selector }

// Mask implements convertcore.Selector.
func (f fill) Mask(dst []byte, src convertcore.Image) error {
	own := make([]byte, len(dst))
	if err := f.of.Mask(own, src); err != nil {
		return err
	}
	h := src.Header()
	for n := h.Dims[0] * h.Dims[1]; len(own) >= n; own, dst = own[n:], dst[n:] {
		fillHoles(own[:n], h.Dims[0])
		for i, v := range own[:n] {
			dst[i] |= v
		}
	}
	return nil
}

// fillHoles sets what is not connected by sides to the border of a slice of
// rows of w pixels.
func fillHoles(pix []byte, w int) {
	const outside = 2
	var todo []int32
	visit := func(i int) {
		if pix[i] == 0 {
			pix[i] = outside
			todo = append(todo, int32(i))
		}
	}
	for x := range w {
		visit(x)
		visit(len(pix) - w + x)
	}
	for i := 0; i < len(pix); i += w {
		visit(i)
		visit(i + w - 1)
	}
	for len(todo) > 0 {
		i := int(todo[len(todo)-1])
		todo = todo[:len(todo)-1]
		if i%w > 0 {
			visit(i - 1)
		}
		if i%w < w-1 {
			visit(i + 1)
		}
		if i >= w {
			visit(i - w)
		}
		if i < len(pix)-w {
			visit(i + w)
		}
	}
	for i, v := range pix {
		pix[i] = 1
		if v == outside {
			pix[i] = 0
		}
	}
}

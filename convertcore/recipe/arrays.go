package recipe

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/format"
)

// maxIndex bounds the cases that one array is believed to hold.
const maxIndex = 1 << 22

// expand makes a hit for every entry of the arrays in an image file, which
// place k's pattern has just matched.
func (l *listing) expand(ctx context.Context, k int, file int32) error {
	p, idx := &l.plan.images[k], l.recipe.Case.Index
	parts := idx.Parts
	if len(parts) == 0 {
		parts = []string{""}
	}
	for i, part := range parts {
		n := 0
		if len(idx.Counts) > 0 {
			n = idx.Counts[i]
		} else {
			var err error
			if n, err = l.arrayLen(ctx, k, file, part); err != nil {
				return err
			}
		}
		if n > maxIndex {
			return fmt.Errorf("%w: array of %d entries", convertcore.ErrUnsupported, n)
		}
		digits := len(strconv.Itoa(n - 1))
		for j := range n {
			text := fmt.Sprintf("%0*d", digits, j)
			key, ok, err := l.key(p, map[string]string{"index": text, "part": part})
			if err != nil {
				return err
			}
			if ok {
				l.metas = append(l.metas, map[string]string{"index": strconv.Itoa(j), "part": part})
				l.images[k] = append(l.images[k], hit{key, file, int32(len(l.metas))})
			}
		}
	}
	return nil
}

// arrayLen reads the length of the array's axis that {index} chooses from.
func (l *listing) arrayLen(ctx context.Context, k int, file int32, part string) (int, error) {
	p := &l.plan.images[k]
	var rd *reading
	for i := range l.channels {
		if ch := &l.channels[i]; ch.from <= k && k < ch.to {
			rd = &ch.reading
		}
	}
	const mark = "\x00"
	address, err := rd.array.fill(func(name string) (string, bool) {
		switch name {
		case "part":
			return part, true
		case "index":
			return mark, true
		}
		if i := p.pattern.Index(name); i >= 0 {
			return l.vals[i], true
		}
		return "", false
	})
	if err != nil {
		return 0, err
	}
	name, _, _ := strings.Cut(address, "[")
	before, _, ok := strings.Cut(address, mark)
	if !ok || !strings.Contains(before, "[") {
		return 0, fmt.Errorf("%w: %q: {index} is no index of an array: the recipe must count its entries", convertcore.ErrFormat, rd.Array)
	}
	axis := strings.Count(before[len(name):], ",")
	path := l.files[file].Path
	if name != "" {
		path += "#" + name
	}
	shape, err := format.ArrayShape(ctx, l.raw, path)
	if err != nil {
		return 0, err
	}
	if axis >= len(shape) || shape[axis] > maxIndex {
		return 0, fmt.Errorf("%w: axis %d of an array of %v", convertcore.ErrFormat, axis, shape)
	}
	return int(shape[axis]), nil
}

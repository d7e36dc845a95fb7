package recipe

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// pairByOrder gives the labels that pair by order the keys of images: the first
// label is of the first image and so on, both in natural order, among the files
// that have the same texts of the placeholders that both patterns hold. Where
// their numbers differ nobody knows which is of which: an error.
func (l *listing) pairByOrder() error {
	for k := range l.plan.labels {
		p := &l.plan.labels[k]
		if !p.ordered {
			continue
		}
		images, labels := map[string][]hit{}, map[string][]hit{}
		for i := l.channels[p.of].from; i < l.channels[p.of].to; i++ {
			l.group(images, l.images[i], &l.plan.images[i], p.shared)
		}
		l.group(labels, l.labels[k], p, p.shared)
		l.labels[k] = l.labels[k][:0]
		for _, texts := range slices.Sorted(maps.Keys(labels)) {
			is, ls := images[texts], labels[texts]
			if len(is) != len(ls) {
				return fmt.Errorf("%w: %d labels such as %s, which pair by order, and %d images", convertcore.ErrMismatch, len(ls), l.files[ls[0].file].Path, len(is))
			}
			for i := range ls {
				l.labels[k] = append(l.labels[k], hit{key: is[i].key, file: ls[i].file})
			}
		}
	}
	return nil
}

// group adds hits of a place by the texts of placeholders, each group in
// natural order of the paths.
func (l *listing) group(out map[string][]hit, hits []hit, p *place, names []string) {
	for _, h := range hits {
		p.pattern.Match(l.fold(l.files[h.file].Path), l.vals)
		texts := make([]string, len(names))
		for i, name := range names {
			if at := p.pattern.Index(name); at >= 0 {
				texts[i] = l.vals[at]
			}
		}
		key := strings.Join(texts, "\x00")
		out[key] = append(out[key], h)
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b hit) int { return natural(l.files[a.file].Path, l.files[b.file].Path) })
	}
}

package recipe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

var (
	// ErrNoCase marks raw files of which none is an image of the recipe.
	ErrNoCase = errors.New("no image found")
	// ErrAmbiguous marks raw files that claim the same place in a case.
	ErrAmbiguous = errors.New("two raw files for one place")
)

// hit is a raw file that a pattern matched.
type hit struct {
	key  string // of the case; shares the path's memory
	file int32
}

// listing is one sorting of raw files into cases. Its slices are sized once:
// a million cases must not cost a million small allocations.
type listing struct {
	*plan
	files  []blob.Info
	images [][]hit // by channel
	labels [][]hit // by label pattern
	cases  []convertcore.Case
	parts  []convertcore.Part
	raws   []string
	vals   []string
	vals2  []string
}

// Cases sorts the raw files into cases: names only, nothing is opened.
func (c *converter) Cases(ctx context.Context, raw convertcore.Raw) ([]convertcore.Case, error) {
	if c.err != nil {
		return nil, c.err
	}
	files, err := raw.Files(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: list raw files: %w", c.recipe.ID, err)
	}
	l := &listing{plan: c.plan, files: files, vals: make([]string, c.names), vals2: make([]string, c.names)}
	if err := l.match(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", c.recipe.ID, err)
	}
	if err := l.join(); err != nil {
		return nil, fmt.Errorf("%s: %w", c.recipe.ID, err)
	}
	return l.cases, nil
}

// match finds the images and labels among the files.
func (l *listing) match(ctx context.Context) error {
	if int64(len(l.files)) > 1<<31-1 {
		return fmt.Errorf("%d raw files are too many", len(l.files))
	}
	l.images = make([][]hit, len(l.channels))
	l.labels = make([][]hit, len(l.plan.labels))
	for i := range l.files {
		if i%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		path := l.files[i].Path
		if hidden(path) || l.excluded(path, l.vals) {
			continue
		}
		if !l.matchLabel(path, int32(i)) {
			l.matchImage(path, int32(i))
		}
	}
	byKey := func(a, b hit) int {
		return cmp.Or(strings.Compare(a.key, b.key), cmp.Compare(a.file, b.file))
	}
	images := 0
	for _, list := range l.images {
		slices.SortFunc(list, byKey)
		images += len(list)
	}
	for _, list := range l.labels {
		slices.SortFunc(list, byKey)
	}
	if images == 0 {
		return fmt.Errorf("%w: none of %d raw files matches %q", ErrNoCase, len(l.files), l.channels[0].image)
	}
	return nil
}

func (l *listing) matchLabel(path string, file int32) bool {
	found := false
	for k := range l.plan.labels {
		lf := &l.plan.labels[k]
		if lf.pattern.Match(path, l.vals) {
			l.labels[k] = append(l.labels[k], hit{l.id.key(lf.id, l.vals), file})
			found = true
		}
	}
	return found
}

// matchImage gives a file to the first channel that it fits.
func (l *listing) matchImage(path string, file int32) {
	for k := range l.channels {
		if ch := &l.channels[k]; ch.image.Match(path, l.vals) {
			l.images[k] = append(l.images[k], hit{l.id.key(ch.id, l.vals), file})
			return
		}
	}
}

// join walks images and labels in the order of their keys and makes the cases.
func (l *listing) join() error {
	n, images, raws := 0, make([][]hit, len(l.images)), 0
	for k, list := range l.images {
		n, raws, images[k] = max(n, len(list)), raws+len(list), list
	}
	labels := make([][]hit, len(l.labels))
	for k, list := range l.labels {
		raws, labels[k] = raws+len(list), list
	}
	l.cases = make([]convertcore.Case, 0, n)
	l.parts = make([]convertcore.Part, 0, n*(len(l.channels)+len(l.classes)))
	l.raws = make([]string, 0, raws)
	for {
		key, ok := first(images)
		if !ok {
			break
		}
		if err := l.add(key, images, labels); err != nil {
			return err
		}
	}
	slices.SortStableFunc(l.cases, func(a, b convertcore.Case) int { return strings.Compare(a.ID, b.ID) })
	for i := 1; i < len(l.cases); i++ {
		if a, b := &l.cases[i-1], &l.cases[i]; a.ID == b.ID {
			return fmt.Errorf("%w: %q and %q both make case %s", ErrAmbiguous, anyRaw(a), anyRaw(b), a.ID)
		}
	}
	return nil
}

// first returns the least key at the head of the lists.
func first(lists [][]hit) (key string, ok bool) {
	for _, list := range lists {
		if len(list) > 0 && (!ok || list[0].key < key) {
			key, ok = list[0].key, true
		}
	}
	return key, ok
}

// take returns the hits of key and moves list behind them. Hits of smaller
// keys, labels without an image, are passed over.
func take(list *[]hit, key string) []hit {
	rest := *list
	for len(rest) > 0 && rest[0].key < key {
		rest = rest[1:]
	}
	n := 0
	for n < len(rest) && rest[n].key == key {
		n++
	}
	*list = rest[n:]
	return rest[:n]
}

// add makes the case of key.
func (l *listing) add(key string, images, labels [][]hit) error {
	c := convertcore.Case{ID: CaseID(key)}
	image := ""
	from := len(l.parts)
	for k := range l.channels {
		hits := take(&images[k], key)
		if len(hits) > 1 {
			return fmt.Errorf("%w: %q and %q both make case %s", ErrAmbiguous, l.files[hits[0].file].Path, l.files[hits[1].file].Path, c.ID)
		}
		if len(hits) == 0 && l.channels[k].optional {
			continue
		}
		p := convertcore.Part{Kind: convertcore.KindImage, Name: l.channels[k].name, Form: l.recipe.Form(), Raw: l.paths(hits)}
		if image == "" && len(p.Raw) > 0 {
			image = p.Raw[0]
		}
		l.parts = append(l.parts, p)
	}
	c.Images = l.parts[from:len(l.parts):len(l.parts)]
	c.Split = l.splitOf(c.ID, image, l.vals)
	var err error
	if c.Labels, err = l.labelParts(&c, key, labels); err != nil {
		return err
	}
	l.cases = append(l.cases, c)
	return nil
}

// labelParts makes one part a class; classes of one label map share its paths.
func (l *listing) labelParts(c *convertcore.Case, key string, labels [][]hit) ([]convertcore.Part, error) {
	from := len(l.parts)
	base := len(l.raws)
	spans := make([][2]int, 0, 8) // stays on the stack for a few patterns
	for k := range l.plan.labels {
		start := len(l.raws)
		for _, h := range take(&labels[k], key) {
			path := l.files[h.file].Path
			if !l.fits(&l.plan.labels[k], c, path) {
				continue
			}
			if !l.plan.labels[k].many && len(l.raws) > start {
				return nil, fmt.Errorf("%w: %q and %q are both the label of case %s", ErrAmbiguous, l.raws[start], path, c.ID)
			}
			l.raws = append(l.raws, path)
		}
		spans = append(spans, [2]int{start - base, len(l.raws) - base})
	}
	raws := l.raws[base:]
	for i := range l.classes {
		cl := &l.classes[i]
		s := spans[cl.label]
		if s[0] == s[1] && cl.optional {
			continue
		}
		p := convertcore.Part{Kind: convertcore.KindLabel, Name: cl.name, Form: l.recipe.Form(), Select: cl.sel}
		if s[0] < s[1] {
			p.Raw = raws[s[0]:s[1]:s[1]]
		}
		l.parts = append(l.parts, p)
	}
	return l.parts[from:len(l.parts):len(l.parts)], nil
}

// fits reports whether the placeholders that a label shares with the images,
// beyond those of the ID, have the same text.
func (l *listing) fits(lf *labelFiles, c *convertcore.Case, path string) bool {
	if len(lf.shared) == 0 {
		return true
	}
	lf.pattern.Match(path, l.vals)
	for _, s := range lf.shared {
		for i := range c.Images {
			im := &c.Images[i]
			if im.Name != l.channels[s[0]].name || len(im.Raw) == 0 {
				continue
			}
			l.channels[s[0]].image.Match(im.Raw[0], l.vals2)
			if l.vals2[s[1]] != l.vals[s[2]] {
				return false
			}
		}
	}
	return true
}

// paths copies the hits' paths into the shared array.
func (l *listing) paths(hits []hit) []string {
	if len(hits) == 0 {
		return nil
	}
	from := len(l.raws)
	for _, h := range hits {
		l.raws = append(l.raws, l.files[h.file].Path)
	}
	return l.raws[from:len(l.raws):len(l.raws)]
}

// anyRaw names a case by a raw file of it.
func anyRaw(c *convertcore.Case) string {
	for i := range c.Images {
		if len(c.Images[i].Raw) > 0 {
			return c.Images[i].Raw[0]
		}
	}
	return c.ID
}

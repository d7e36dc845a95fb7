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
	meta int32 // 1 + index in metas, 0 none
}

// listing is one sorting of raw files into cases. Its slices are sized once:
// a million cases must not cost a million small allocations.
type listing struct {
	*plan
	raw    convertcore.Raw
	files  []blob.Info
	tables map[string]*lookup
	images [][]hit // by image place
	labels [][]hit // by label place
	metas  []map[string]string
	cases  []convertcore.Case
	parts  []convertcore.Part
	raws   []string
	vals   []string
	vals2  []string
}

// Cases sorts the raw files into cases. Names decide; only the tables that the
// recipe has, and the heads of arrays that hold many cases, are read.
func (c *converter) Cases(ctx context.Context, raw convertcore.Raw) ([]convertcore.Case, error) {
	if c.err != nil {
		return nil, c.err
	}
	if c.recipe.RawOnly() {
		return nil, nil
	}
	files, err := raw.Files(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: list raw files: %w", c.recipe.ID, err)
	}
	l := &listing{plan: c.plan, raw: raw, files: files, vals: make([]string, c.names), vals2: make([]string, c.names)}
	if l.tables, err = c.readTables(ctx, raw, files); err != nil {
		return nil, fmt.Errorf("%s: %w", c.recipe.ID, err)
	}
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
	l.images = make([][]hit, len(l.plan.images))
	l.labels = make([][]hit, len(l.plan.labels))
	for i := range l.files {
		if i%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		path := l.files[i].Path
		if hidden(path) {
			continue
		}
		if path = l.fold(path); l.excluded(path, l.vals) {
			continue
		}
		only, err := l.matchLabel(path, int32(i))
		if err == nil && !only {
			err = l.matchImage(ctx, path, int32(i))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", l.files[i].Path, err)
		}
	}
	if err := l.pairByOrder(); err != nil {
		return err
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
		return fmt.Errorf("%w: none of %d raw files matches %q", ErrNoCase, len(l.files), l.plan.images[0].pattern)
	}
	return nil
}

func byKey(a, b hit) int {
	return cmp.Or(strings.Compare(a.key, b.key), cmp.Compare(a.file, b.file))
}

// key makes the join key of what a place's pattern has just bound. have holds
// further texts. ok is false where a table has no row for it.
func (l *listing) key(p *place, have map[string]string) (key string, ok bool, err error) {
	if p.plain {
		return l.id.key(p.id, l.vals), true, nil
	}
	texts := make([]string, len(p.id))
	at := make([]int, len(p.id))
	for i, k := range p.id {
		at[i] = i
		if k >= 0 {
			texts[i] = l.vals[k]
			continue
		}
		if texts[i], ok = have[l.id.names[i]]; ok {
			continue
		}
		if t := l.tables[p.table]; t != nil {
			row := map[string]string{}
			for v, name := range p.pattern.names {
				row[name] = l.vals[v]
			}
			if texts[i], ok, err = t.text(l.id.names[i], row); err != nil {
				return "", false, err
			}
		}
		if !ok {
			return "", false, nil
		}
	}
	return p.replace.apply(l.id.key(at, texts)), true, nil
}

// matchLabel gives a file to every label that it fits. only is false where
// images may be in the same file.
func (l *listing) matchLabel(path string, file int32) (only bool, err error) {
	for k := range l.plan.labels {
		p := &l.plan.labels[k]
		if !p.pattern.Match(path, l.vals) {
			continue
		}
		key, ok := "", true
		if !p.spread && !p.ordered {
			if key, ok, err = l.key(p, nil); err != nil {
				return true, err
			}
		}
		if ok {
			l.labels[k] = append(l.labels[k], hit{key: key, file: file})
			only = only || !l.isImage(p.pattern.src)
		}
	}
	return only, nil
}

// matchImage gives a file to the first channel that it fits, and to others of
// the same pattern, which take other planes or components of it. It does not
// fit where a table has no row for it.
func (l *listing) matchImage(ctx context.Context, path string, file int32) error {
	src := ""
	for k := range l.plan.images {
		p := &l.plan.images[k]
		if src != "" && p.pattern.src != src || !p.pattern.Match(path, l.vals) {
			continue
		}
		if l.recipe.Case.Index != nil {
			src = p.pattern.src
			if err := l.expand(ctx, k, file); err != nil {
				return err
			}
			continue
		}
		key, ok, err := l.key(p, nil)
		if err != nil {
			return err
		}
		if ok {
			src = p.pattern.src
			l.images[k] = append(l.images[k], hit{key: key, file: file})
		}
	}
	return nil
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
		ch := &l.channels[k]
		var hits []hit
		for i := ch.from; i < ch.to; i++ {
			if h := take(&images[i], key); len(hits) == 0 {
				hits = h
			}
		}
		if len(hits) > 1 && !ch.reading.Series {
			return fmt.Errorf("%w: %q and %q both make case %s", ErrAmbiguous, l.files[hits[0].file].Path, l.files[hits[1].file].Path, c.ID)
		}
		if err := l.oneSeries(ch, hits, c.ID); err != nil {
			return err
		}
		if len(hits) == 0 && ch.optional {
			continue
		}
		if len(hits) > 0 && hits[0].meta > 0 {
			c.Meta = l.metas[hits[0].meta-1]
		}
		p := convertcore.Part{Kind: convertcore.KindImage, Name: ch.name, Form: l.recipe.Form(), Raw: l.paths(hits)}
		if ch.reading.Series {
			slices.SortFunc(p.Raw, natural)
		}
		if image == "" && len(p.Raw) > 0 {
			image = p.Raw[0]
		}
		l.parts = append(l.parts, p)
	}
	c.Images = l.parts[from:len(l.parts):len(l.parts)]
	c.Split = l.splitOf(c.ID, image)
	var err error
	if c.Labels, err = l.labelParts(&c, key, labels); err != nil {
		return err
	}
	if l.recipe.Case.Labelled && !slices.ContainsFunc(c.Labels, func(p convertcore.Part) bool { return len(p.Raw) > 0 }) {
		return nil
	}
	l.cases = append(l.cases, c)
	return nil
}

// labelParts makes one part a class; classes of one label map share its paths.
func (l *listing) labelParts(c *convertcore.Case, key string, labels [][]hit) ([]convertcore.Part, error) {
	from := len(l.parts)
	base := len(l.raws)
	spans := make([][2]int, 0, 8) // stays on the stack for a few sets
	for k := range l.sets {
		start := len(l.raws)
		if err := l.labelFiles(&l.sets[k], c, key, labels); err != nil {
			return nil, err
		}
		spans = append(spans, [2]int{start - base, len(l.raws) - base})
	}
	raws := l.raws[base:]
	for i := range l.classes {
		cl := &l.classes[i]
		s := spans[cl.set]
		if s[0] == s[1] && cl.optional {
			continue
		}
		p := convertcore.Part{Kind: convertcore.KindLabel, Name: cl.name, Form: l.recipe.Form(), Select: cl.sel}
		if s[0] < s[1] {
			p.Raw = raws[s[0]:s[1]:s[1]]
			if cl.reading.Series {
				slices.SortFunc(p.Raw, natural)
			}
		}
		l.parts = append(l.parts, p)
	}
	return l.parts[from:len(l.parts):len(l.parts)], nil
}

// labelFiles adds the paths of one label set to raws.
func (l *listing) labelFiles(set *labelSet, c *convertcore.Case, key string, labels [][]hit) error {
	start := len(l.raws)
	for k := set.from; k < set.to; k++ {
		pl := &l.plan.labels[k]
		hits := labels[k]
		if !pl.spread {
			hits = take(&labels[k], key)
		}
		if len(l.raws) > start && !set.all {
			continue
		}
		for _, h := range hits {
			path := l.files[h.file].Path
			if !l.fits(pl, c, path) {
				continue
			}
			if !pl.many && !set.many && len(l.raws) > start {
				return fmt.Errorf("%w: %q and %q are both the label of case %s", ErrAmbiguous, l.raws[start], path, c.ID)
			}
			l.raws = append(l.raws, path)
		}
	}
	return nil
}

// fits reports whether the placeholders that a label shares with the images
// have the same text.
func (l *listing) fits(pl *place, c *convertcore.Case, path string) bool {
	if len(pl.shared) == 0 {
		return true
	}
	pl.pattern.Match(l.fold(path), l.vals)
	for _, name := range pl.shared {
		for i := range c.Images {
			im := &c.Images[i]
			if len(im.Raw) == 0 {
				continue
			}
			if v, ok := l.bound(im.Name, l.fold(im.Raw[0]), name, l.vals2); ok && v != l.vals[pl.pattern.Index(name)] {
				return false
			}
		}
	}
	return true
}

// bound returns what a channel's pattern binds to a placeholder in a path.
func (p *plan) bound(channel, path, name string, vals []string) (string, bool) {
	for k := range p.channels {
		ch := &p.channels[k]
		if ch.name != channel {
			continue
		}
		for i := ch.from; i < ch.to; i++ {
			if x := p.images[i].pattern; x.Match(path, vals) {
				if v := x.Index(name); v >= 0 {
					return vals[v], true
				}
				return "", false
			}
		}
	}
	return "", false
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

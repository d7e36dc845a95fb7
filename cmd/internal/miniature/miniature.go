// Package miniature makes small origins of datasets: for a recipe, raw files in
// the layout, format and label encoding that it declares, with random images and
// shapes whose masks are known. It reads the recipe and none of the code that
// converts, so that the two can be compared.
package miniature

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
)

// ErrCannot marks a recipe that this package has no miniature for; the text
// says why.
var ErrCannot = errors.New("no miniature yet")

func cannot(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCannot, fmt.Sprintf(format, args...))
}

// Origin is a miniature of a dataset.
type Origin struct {
	Files map[string][]byte // of the record
	Cases []*Case           // sorted by ID
}

// Case is what a mount must serve of a case.
type Case struct {
	ID, Split string
	Images    map[string]*Picture // by channel
	Masks     map[string][]byte   // by class: 0 or 1 a pixel, x fastest, on the grid of Grid
	Grid      *Picture
	Raw       map[string][]string // raw paths of "images/channel" and "labels/class"
}

// builder collects the raw files of an origin.
type builder struct {
	r        *recipe.Recipe
	rng      *rand.Rand
	order    []string
	pieces   map[string][]piece // by raw path
	extra    map[string][]byte  // files beside images and labels, by raw path
	cases    []*Case
	outlines map[string]*shapeFile
	texts    []map[string]string // of each case
}

// piece is a picture that a raw file holds, wholly or in part.
type piece struct {
	rd    recipe.Reading
	array string // the address in the file, filled in
	pic   *Picture
}

// Build makes the miniature of a recipe. The same recipe gives the same bytes.
func Build(r *recipe.Recipe) (*Origin, error) {
	h := fnv.New64a()
	h.Write([]byte(r.ID))
	b := &builder{r: r, rng: rand.New(rand.NewPCG(h.Sum64(), 1)), pieces: map[string][]piece{}, extra: map[string][]byte{}}
	if err := b.supported(); err != nil {
		return nil, err
	}
	list, err := b.bindings()
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i, bound := range list {
		b.complete(bound.texts)
		key, err := b.key(bound.texts, b.channels()[0].Replace)
		if err != nil {
			return nil, err
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		if path, err := b.imagePath(&b.channels()[0], i, bound); err != nil {
			return nil, err
		} else if len(b.pieces[path]) > 0 && b.r.Case.Index == nil {
			continue // another pattern has it
		}
		if err := b.addCase(i, bound); err != nil {
			return nil, err
		}
	}
	if r.Case.Labelled {
		if err := b.unlabelled(len(b.cases), list[0]); err != nil {
			return nil, err
		}
	}
	if err := b.tables(); err != nil {
		return nil, err
	}
	if err := b.outlineFiles(); err != nil {
		return nil, err
	}
	if err := b.splits(); err != nil {
		return nil, err
	}
	files, err := b.encode()
	if err != nil {
		return nil, err
	}
	out := &Origin{Cases: b.cases}
	if out.Files, err = pack(files, r.Source.Closed); err != nil {
		return nil, err
	}
	b.cut(out.Files)
	b.fillers(out.Files)
	slices.SortFunc(out.Cases, func(x, y *Case) int { return strings.Compare(x.ID, y.ID) })
	return out, nil
}

// supported turns away what the rest does not know.
func (b *builder) supported() error {
	r := b.r
	readings := []*recipe.Reading{&r.Case.Reading}
	for i := range r.Channels {
		readings = append(readings, &r.Channels[i].Reading)
	}
	for i := range r.Classes {
		readings = append(readings, &r.Classes[i].Reading)
	}
	for _, rd := range readings {
		switch {
		case rd.Component != "":
			return cannot("component")
		}
	}
	if r.Case.Index != nil && len(r.Case.Image) != 1 {
		return cannot("indexed arrays of several patterns")
	}
	return nil
}

// channels are those of the recipe, or the one image of a case.
func (b *builder) channels() []recipe.Channel {
	if len(b.r.Channels) > 0 {
		return b.r.Channels
	}
	c := &b.r.Case
	return []recipe.Channel{{Image: c.Image, Replace: c.Replace, Table: c.Table, Reading: c.Reading}}
}

// apart reports whether the channels name cases of their own, each of which has
// one of them.
func (b *builder) apart() bool {
	return slices.ContainsFunc(b.r.Channels, func(ch recipe.Channel) bool {
		return fmt.Sprint(ch.Replace) != fmt.Sprint(b.r.Channels[0].Replace)
	})
}

// put adds a picture to a raw file.
func (b *builder) put(path string, p piece) {
	if _, ok := b.pieces[path]; !ok {
		b.order = append(b.order, path)
	}
	b.pieces[path] = append(b.pieces[path], p)
}

// addCase makes the images and labels of one case.
func (b *builder) addCase(i int, bound binding) error {
	texts := bound.texts
	if uid, ok := texts["series"]; ok && !slices.Contains(b.idNames(), "series") {
		texts["series"] = fmt.Sprintf("%s.%d", uid, i) // no two cases are one series
	}
	c := &Case{Images: map[string]*Picture{}, Masks: map[string][]byte{}, Raw: map[string][]string{}}
	b.texts = append(b.texts, texts)
	var firstImage string
	shape := b.shape()
	for k, ch := range b.channels() {
		if b.apart() {
			if k != i%len(b.r.Channels) {
				continue
			}
		} else if ch.Optional && i%2 == 1 && k > 0 {
			continue
		}
		path, err := b.imagePath(&ch, i, bound)
		if err != nil {
			return err
		}
		if c.ID == "" {
			key, err := b.key(texts, ch.Replace)
			if err != nil {
				return err
			}
			c.ID = recipe.CaseID(key)
			firstImage = path
		}
		pic := b.image(shape, path, &ch.Reading)
		c.Images[ch.Name] = pic
		if c.Grid == nil {
			c.Grid = pic
		}
		if ch.Series {
			if c.Raw["images/"+ch.Name], err = b.series(&ch, i, bound, c, pic); err != nil {
				return err
			}
			continue
		}
		array, err := fillText(ch.Array, texts)
		if err != nil {
			return err
		}
		b.put(path, piece{ch.Reading, array, pic})
		c.Raw["images/"+ch.Name] = []string{path}
	}
	if err := b.labels(i, c, bound); err != nil {
		return err
	}
	c.Split = b.splitOf(c, firstImage)
	b.cases = append(b.cases, c)
	return nil
}

// unlabelled adds an image without a label, which must be no case.
func (b *builder) unlabelled(i int, first binding) error {
	if b.r.Case.Index != nil {
		return nil
	}
	own := binding{mutate(first.texts, b.idNames(), i+1), first.pattern}
	if uid, ok := own.texts["series"]; ok {
		own.texts["series"] = uid + ".99"
	}
	for _, ch := range b.channels() {
		path, err := b.imagePath(&ch, i, own)
		if err != nil {
			return err
		}
		if ch.Series {
			p := b.image(b.shape(), path, &ch.Reading)
			if _, err := b.series(&ch, i, own, &Case{ID: path}, p); err != nil {
				return err
			}
		} else if _, ok := b.pieces[path]; !ok {
			b.put(path, piece{ch.Reading, "", b.image(b.shape(), path, &ch.Reading)})
		}
	}
	return nil
}

func (b *builder) imagePath(ch *recipe.Channel, i int, bound binding) (string, error) {
	p, err := b.choose(ch.Image, bound)
	if err != nil {
		return "", err
	}
	return b.fill(p, recipe.Filling{Texts: bound.texts, Star: "x", Folder: folderOf(i), Alt: i}, ch.Table)
}

// choose takes the pattern of the case's number among alternatives, or the first
// that lies in a file of the record.
func (b *builder) choose(patterns []string, bound binding) (*recipe.Pattern, error) {
	if len(patterns) == len(b.channels()[0].Image) {
		return recipe.Compile(patterns[bound.pattern])
	}
	for _, src := range patterns {
		p, err := recipe.Compile(src)
		if err != nil {
			return nil, err
		}
		name, _, in := strings.Cut(src, "!/")
		archive, err := recipe.Compile(name)
		if err != nil {
			return nil, err
		}
		file, missing := archive.Fill(recipe.Filling{Texts: bound.texts, Star: "x"})
		if !in || missing != "" || len(b.r.Source.Files) == 0 || slices.ContainsFunc(b.r.Source.Files, func(f recipe.SourceFile) bool { return f.Matches(file) }) {
			return p, nil
		}
	}
	return recipe.Compile(patterns[0])
}

// folderOf stands for "**/" in case i: nothing or a folder.
func folderOf(i int) string { return []string{"", "sub/"}[i%2] }

// fill fills a pattern in; a placeholder that only a table has gets a text of
// its own.
func (b *builder) fill(p *recipe.Pattern, f recipe.Filling, table string) (string, error) {
	if ext, ok := strings.CutPrefix(path.Ext(p.String()), ".*"); ok && ext == "" {
		f.Star = map[int]string{2: "png", 3: "nii.gz"}[b.r.Dim]
	}
	for {
		path, missing := p.Fill(f)
		if missing == "" {
			return b.inRecord(p, path), nil
		}
		if table == "" {
			return "", cannot("nothing tells {%s} of %s", missing, p)
		}
		f.Texts[missing] = b.tableText(missing, table, f.Texts, strings.HasSuffix(p.String(), "+}"))
	}
}

// inRecord puts the name of a file of the record in the place of an archive's
// whose pattern has a star.
func (b *builder) inRecord(p *recipe.Pattern, filled string) string {
	src, _, in := strings.Cut(p.String(), "!/")
	name, rest, _ := strings.Cut(filled, "!/")
	if !in || !strings.Contains(src, "*") {
		return filled
	}
	archive, err := recipe.Compile(src)
	if err != nil {
		return filled
	}
	for _, f := range b.r.Source.Files {
		if f.Matches(name) {
			return filled
		}
	}
	for _, f := range b.r.Source.Files {
		if archive.Match(f.Name, make([]string, len(archive.Names()))) {
			return f.Name + "!/" + rest
		}
	}
	return filled
}

package recipe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/format"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Mismatch is something in which raw files differ from a recipe.
type Mismatch struct {
	Path string `json:"path,omitempty"` // of a raw file, or as it should be
	Text string `json:"text"`
}

func (m Mismatch) String() string {
	if m.Path == "" {
		return m.Text
	}
	return m.Path + ": " + m.Text
}

// Checked is how raw files fit a recipe.
type Checked struct {
	Files      int        `json:"files"`
	Cases      int        `json:"cases"`
	Images     int        `json:"images"` // raw files that images are made of
	Labels     int        `json:"labels"`
	Others     int        `json:"others"` // tables, texts and what the recipe passes over
	Mismatches []Mismatch `json:"mismatches"`
}

// Check compares a recipe with raw files: images without labels, labels without
// images, files that look like either and match no pattern, each with what is
// nearest. Names decide; only tables and the heads of arrays are read. A recipe
// without layout has nothing to compare.
func (r *Recipe) Check(ctx context.Context, raw convertcore.Raw) (*Checked, error) {
	plan, problems := compile(r)
	if len(problems) > 0 {
		return nil, fmt.Errorf("%s: %s", r.ID, problems[0])
	}
	files, err := raw.Files(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: list raw files: %w", r.ID, err)
	}
	c := &checker{listing: &listing{plan: plan, raw: raw, files: files, vals: make([]string, plan.names), vals2: make([]string, plan.names)}}
	c.out.Files = len(files)
	if r.RawOnly() {
		c.out.Others = len(files)
		return &c.out, nil
	}
	if c.tables, err = plan.readTables(ctx, raw, files); errors.Is(err, ErrAbsent) {
		c.fail("", "%v", err)
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", r.ID, err)
	}
	if err := c.sort(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", r.ID, err)
	}
	c.compare()
	c.report()
	return &c.out, nil
}

// checker is a listing that keeps what fits nothing.
type checker struct {
	*listing
	out    Checked
	loose  []loose // files that look like images and match nothing
	wanted []want
}

type loose struct {
	path    string
	key     string   // of the case that waits for it
	reasons []string // why
}

// want is a file that the recipe expects.
type want struct {
	pattern *Pattern
	key     string
	text    string
}

func (c *checker) fail(path, text string, args ...any) {
	c.out.Mismatches = append(c.out.Mismatches, Mismatch{path, fmt.Sprintf(text, args...)})
}

// sort gives each file to the patterns that it matches.
func (c *checker) sort(ctx context.Context) error {
	c.listing.images = make([][]hit, len(c.plan.images))
	c.listing.labels = make([][]hit, len(c.plan.labels))
	for i := range c.files {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		path := c.fold(c.files[i].Path)
		if hidden(c.files[i].Path) || c.excluded(path, c.vals) {
			c.out.Others++
			continue
		}
		labels, images := count(c.listing.labels), count(c.listing.images)
		only, err := c.matchLabel(path, int32(i))
		if err == nil && !only {
			err = c.matchImage(ctx, path, int32(i))
		}
		switch {
		case err != nil:
			c.fail(c.files[i].Path, "%v", err)
		case count(c.listing.images) > images:
			c.out.Images++
		case count(c.listing.labels) > labels:
			c.out.Labels++
		case c.isTable(path) || !looksDecodable(path):
			c.out.Others++
		default:
			c.loose = append(c.loose, loose{path: c.files[i].Path})
		}
	}
	for _, lists := range [][][]hit{c.listing.images, c.listing.labels} {
		for _, list := range lists {
			slices.SortFunc(list, byKey)
		}
	}
	return nil
}

func count(lists [][]hit) (n int) {
	for _, l := range lists {
		n += len(l)
	}
	return n
}

func (c *checker) isTable(path string) bool {
	for i := range c.plan.tables {
		if slices.ContainsFunc(c.plan.tables[i].files, func(p *Pattern) bool { return p.Match(path, c.vals) }) {
			return true
		}
	}
	return false
}

// looksDecodable reports whether a name is that of some raw format.
func looksDecodable(path string) bool {
	_, err := format.For(path, nil)
	return err == nil
}

// compare joins images and labels and notes what each case lacks and which
// labels are of no case.
func (c *checker) compare() {
	if count(c.listing.images) == 0 {
		c.fail("", "no raw file matches %s", patternsOf(c.plan.images))
		return
	}
	if err := c.join(); err != nil {
		c.fail("", "%v", err)
	}
	c.out.Cases = len(c.cases)
	used := map[string]bool{}
	for i := range c.cases {
		cs := &c.cases[i]
		for _, parts := range [][]convertcore.Part{cs.Images, cs.Labels} {
			for k := range parts {
				for _, path := range parts[k].Raw {
					used[path] = true
				}
				if len(parts[k].Raw) == 0 {
					c.lacks(cs, &parts[k])
				}
			}
		}
	}
	c.orphans(used)
}

// lacks notes that a case has no file for a part.
func (c *checker) lacks(cs *convertcore.Case, p *convertcore.Part) {
	if p.Kind == convertcore.KindImage {
		for i := range c.channels {
			if ch := &c.channels[i]; ch.name == p.Name {
				c.want(c.plan.images[ch.from], cs.ID, fmt.Sprintf("case %s has no image %s", cs.ID, p.Name))
			}
		}
		return
	}
	for i := range c.plan.classes {
		if cl := &c.plan.classes[i]; cl.name == p.Name && !cl.empty {
			c.want(c.plan.labels[c.sets[cl.set].from], cs.ID, fmt.Sprintf("case %s has no label %s", cs.ID, p.Name))
		}
	}
}

// orphans notes the labels that no case has.
func (c *checker) orphans(used map[string]bool) {
	byCase := map[string][]string{}
	var keys []string
	for k, list := range c.listing.labels {
		for _, h := range list {
			path := c.files[h.file].Path
			if used[path] || c.plan.labels[k].spread || slices.Contains(byCase[h.key], path) {
				continue
			}
			if byCase[h.key] == nil {
				keys = append(keys, h.key)
			}
			byCase[h.key] = append(byCase[h.key], path)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		list := byCase[key]
		text := "label without image: " + list[0]
		if len(list) > 1 {
			text = fmt.Sprintf("%d labels without image: %s …", len(list), list[0])
		}
		c.want(c.plan.images[0], key, text)
	}
}

// want notes that a file of a pattern is missing for a case.
func (c *checker) want(p place, key, text string) {
	bound := map[string]string{}
	if len(p.replace) == 0 {
		if id, err := Compile(strings.ReplaceAll(c.recipe.idTemplate(), "}", "+}")); err == nil {
			vals := make([]string, len(id.names))
			if id.Match(key, vals) {
				for i, name := range id.names {
					bound[name] = vals[i]
				}
			}
		}
	}
	c.wanted = append(c.wanted, want{p.pattern.with(bound), key, text})
}

// nearFiles bounds the files that nearest patterns are looked for.
const nearFiles = 2000

// report joins what is wanted with what is loose, which may be the same file
// under a new name, and writes both.
func (c *checker) report() {
	few := c.loose[:min(len(c.loose), nearFiles)]
	for _, w := range c.wanted {
		best, least := -1, w.pattern.literals()+1
		folder := w.pattern.folder()
		for i := range few {
			path := c.fold(few[i].path)
			n := w.pattern.edits(path)
			near := n <= w.pattern.literals()/3 || folder.edits(path[:strings.LastIndexByte(path, '/')+1]) == 0
			if near && n < least && (few[i].key == "" || few[i].key == w.key) {
				best, least = i, n
			}
		}
		if best < 0 {
			c.fail(w.pattern.text(), "is not there: %s", w.text)
			continue
		}
		few[best].key = w.key
		few[best].reasons = append(few[best].reasons, w.text+", expected "+w.pattern.text())
	}
	for i := range c.loose {
		l := &c.loose[i]
		text := "matches nothing"
		if i < nearFiles {
			text += "; nearest is " + c.nearest(l.path)
		}
		if n := len(l.reasons); n > 0 {
			text += " (" + l.reasons[0]
			if n > 1 {
				text += fmt.Sprintf(", and %d more", n-1)
			}
			text += ")"
		}
		c.fail(l.path, "%s", text)
	}
}

// nearest returns the pattern that a path fits best.
func (c *checker) nearest(path string) string {
	out, least := "", -1
	for _, places := range [][]place{c.plan.images, c.plan.labels} {
		for i := range places {
			if n := places[i].pattern.edits(c.fold(path)); least < 0 || n < least {
				out, least = places[i].pattern.src, n
			}
		}
	}
	return out
}

func patternsOf(places []place) string {
	var out []string
	for i := range places {
		if src := places[i].pattern.src; !slices.Contains(out, src) {
			out = append(out, src)
		}
	}
	return strings.Join(out, " or ")
}

// Check compares what an entry of the recipe says of a file with what the record
// has: a size or a checksum that differs, or no such file. What either side
// does not say is not compared.
func (f *SourceFile) Check(have []blob.Info) (out []Mismatch, found bool) {
	for _, h := range have {
		if !f.Matches(h.Path) {
			continue
		}
		found = true
		if f.Size > 0 && h.Size >= 0 && f.Size != h.Size {
			out = append(out, Mismatch{h.Path, fmt.Sprintf("has %d bytes, the recipe says %d", h.Size, f.Size)})
		}
		kind, _, _ := strings.Cut(f.Sum, ":")
		if f.Sum != "" && strings.HasPrefix(h.Sum, kind+":") && !strings.EqualFold(f.Sum, h.Sum) {
			out = append(out, Mismatch{h.Path, fmt.Sprintf("has checksum %s, the recipe says %s", h.Sum, f.Sum)})
		}
	}
	if found {
		return out, true
	}
	names := make([]string, len(have))
	for i := range have {
		names[i] = have[i].Path
	}
	text := "is not in the record"
	if near := nearest(f.Name, names); near != "" {
		text += "; nearest is " + near
	}
	return append(out, Mismatch{f.Name, text}), false
}

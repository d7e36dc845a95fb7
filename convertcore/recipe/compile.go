package recipe

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// plan is a recipe whose patterns and selectors are compiled.
type plan struct {
	recipe   *Recipe
	id       template
	images   []place // of all channels
	labels   []place // of all label sets
	channels []channel
	sets     []labelSet // classes share label maps
	classes  []class
	tables   []table
	splits   []split
	exclude  []*Pattern
	names    int // the most placeholders that any pattern has
}

// place is one pattern of images or labels, and how the ID of a case follows
// from what it binds.
type place struct {
	pattern *Pattern
	id      []int // where pattern has the template's placeholders; -1 elsewhere
	plain   bool  // the ID is what the pattern binds, unchanged
	replace replacer
	table   string
	many    bool     // a star: several files of one case are meant
	spread  bool     // a file is of many cases
	shared  []string // placeholders that image patterns have too, beyond those of the ID
	ordered bool     // labels pair with the images of channel of by order
	of      int
}

type channel struct {
	name     string
	from, to int // its places in images
	optional bool
	reading  reading
}

// labelSet is the files that one or more classes are drawn in.
type labelSet struct {
	from, to int  // its places in labels
	all      bool // files of all places, not those of the first that has any
	many     bool // several files are meant whatever the pattern
}

type class struct {
	name      string
	set       int // index in sets
	sel       convertcore.Selector
	channel   int // whose grid its masks are on; -1 the first that a case has
	optional  bool
	empty     bool
	consensus string
	byImage   bool // grid = "image"
	resample  bool
	flip      [3]bool
	reading   reading
}

type split struct {
	name  string
	image *Pattern // nil where something else decides
	id    *Pattern
	cases map[string]bool
	table string
	where map[string]string
}

// compile returns the plan of r and all that is wrong with what it is made of.
func compile(r *Recipe) (*plan, []Problem) {
	c := &compiler{r: r, plan: &plan{recipe: r}}
	if r.RawOnly() {
		c.rawOnly()
		return c.plan, c.problems
	}
	c.template()
	c.tables()
	c.images()
	c.classes()
	c.splits()
	for i, src := range r.Case.Exclude {
		if p := c.pattern(fmt.Sprintf("case.exclude[%d]", i), src); p != nil {
			c.plan.exclude = append(c.plan.exclude, p)
		}
	}
	return c.plan, c.problems
}

type compiler struct {
	r        *Recipe
	plan     *plan
	problems []Problem
}

func (c *compiler) fail(where, format string, args ...any) {
	c.problems = append(c.problems, Problem{where, fmt.Sprintf(format, args...)})
}

func (c *compiler) pattern(where, src string) *Pattern {
	p, err := Compile(c.plan.fold(src))
	if err != nil {
		c.fail(where, "%v", err)
		return nil
	}
	c.plan.names = max(c.plan.names, len(p.names))
	return p
}

// idTemplate is what the IDs of cases are made of.
func (r *Recipe) idTemplate() string {
	switch idx := r.Case.Index; {
	case r.Case.ID != "":
		return r.Case.ID
	case idx != nil && len(idx.Parts) > 0:
		return "{part}_{index}"
	case idx != nil:
		return "{index}"
	}
	return "{case}"
}

// rawOnly checks that a recipe without layout says nothing that needs one.
func (c *compiler) rawOnly() {
	r := c.r
	for _, x := range []struct {
		where string
		has   bool
	}{
		{"case", !reflect.ValueOf(r.Case).IsZero()}, {"table", len(r.Tables) > 0}, {"split", len(r.Splits) > 0},
		{"example", slices.ContainsFunc(r.Examples, func(e Example) bool { return e.Case != "" })},
	} {
		if x.has {
			c.fail(x.where, "stands without case.image, a [[channel]] or a class with label and select")
		}
	}
}

func (c *compiler) template() {
	t, err := parseTemplate(c.r.idTemplate())
	if err != nil {
		c.fail("case.id", "%v", err)
	}
	c.plan.id = t
}

func (c *compiler) splits() {
	for i, s := range c.r.Splits {
		where := fmt.Sprintf("split[%d]", i)
		if !slices.Contains([]string{"train", "val", "test"}, s.Name) {
			c.fail(where+".name", "%q is not train, val or test", s.Name)
		}
		ways := 0
		for _, has := range []bool{s.Case != "", len(s.Cases) > 0, s.ID != "", s.Table != ""} {
			if has {
				ways++
			}
		}
		if ways != 1 {
			c.fail(where, "needs one of case (a pattern of raw paths), id (a pattern of IDs), cases (a list of IDs) and table")
			continue
		}
		out := split{name: s.Name, cases: map[string]bool{}, table: s.Table, where: s.Where}
		if s.Case != "" {
			if out.image = c.pattern(where+".case", s.Case); out.image == nil {
				continue
			}
		}
		if s.ID != "" {
			if out.id = c.pattern(where+".id", s.ID); out.id == nil {
				continue
			}
		}
		c.table(where+".table", s.Table)
		if len(s.Where) > 0 && s.Table == "" {
			c.fail(where+".where", "is of a table")
		}
		for _, id := range s.Cases {
			out.cases[id] = true
		}
		c.plan.splits = append(c.plan.splits, out)
	}
}

// splitOf returns the authors' split of a case.
func (l *listing) splitOf(id, image string) string {
	for _, s := range l.splits {
		if s.image != nil && image != "" && s.image.Match(l.fold(image), l.vals) || s.cases[id] ||
			s.id != nil && s.id.Match(l.fold(id), l.vals) || s.table != "" && l.listed(s, id) {
			return s.name
		}
	}
	return ""
}

// listed reports whether a split's table has the case in its column "case".
func (l *listing) listed(s split, id string) bool {
	t := l.tables[s.table]
	for _, i := range t.find("case", id) {
		ok := true
		for column, text := range s.where {
			ok = ok && t.rows[i][column] == l.fold(text)
		}
		if ok {
			return true
		}
	}
	return false
}

// oneSeries refuses two series for one case: files that bind a placeholder
// other than the slice's number to different texts.
func (l *listing) oneSeries(ch *channel, hits []hit, id string) error {
	if !ch.reading.Series || len(hits) < 2 {
		return nil
	}
	number := ""
	if ch.reading.Stack != nil {
		number = ch.reading.Stack.Number
	}
	first := ""
	for i := ch.from; i < ch.to; i++ {
		names := l.plan.images[i].pattern.names
		for k, h := range hits {
			path := l.files[h.file].Path
			if !l.plan.images[i].pattern.Match(l.fold(path), l.vals) {
				break // another alternative's files
			}
			if k == 0 {
				first = path
				copy(l.vals2, l.vals[:len(names)])
				continue
			}
			for v, name := range names {
				if name != number && l.vals[v] != l.vals2[v] {
					return fmt.Errorf("%w: %q and %q are two series of case %s", ErrAmbiguous, first, path, id)
				}
			}
		}
	}
	return nil
}

// fold makes a path or ID lower-case where the recipe ignores case.
func (p *plan) fold(text string) string {
	if p.recipe.Case.IgnoreCase {
		return strings.ToLower(text)
	}
	return text
}

// hidden reports whether a raw path is none of the authors' making: AppleDouble
// twins, Finder folders and other files whose name begins with a dot.
func hidden(path string) bool {
	return strings.HasPrefix(path[strings.LastIndexByte(path, '/')+1:], ".") || strings.Contains(path, "__MACOSX/")
}

// excluded reports whether the recipe passes path over.
func (p *plan) excluded(path string, vals []string) bool {
	for _, x := range p.exclude {
		if x.Match(path, vals) {
			return true
		}
	}
	return false
}

// caseOf returns the case ID that a raw path stands for as an image, "" where
// it is none. known is false where a table or an array decides.
func (p *plan) caseOf(path string) (id string, known bool) {
	l := &listing{plan: p, vals: make([]string, p.names)}
	if hidden(path) || p.excluded(p.fold(path), l.vals) {
		return "", true
	}
	for i := range p.labels {
		pl := &p.labels[i]
		byTable := pl.table != "" && slices.Contains(pl.id, -1)
		if !byTable && pl.pattern.Match(p.fold(path), l.vals) && !p.isImage(pl.pattern.src) {
			return "", true
		}
	}
	for i := range p.images {
		if im := &p.images[i]; im.pattern.Match(p.fold(path), l.vals) {
			if slices.Contains(im.id, -1) {
				return "", false
			}
			key, _, err := l.key(im, nil)
			return CaseID(key), err == nil
		}
	}
	return "", true
}

// isImage reports whether a pattern is also one of images: image and label are
// in one file.
func (p *plan) isImage(src string) bool {
	return slices.ContainsFunc(p.images, func(x place) bool { return x.pattern.src == src })
}

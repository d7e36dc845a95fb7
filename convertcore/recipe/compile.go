package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/label"
)

// plan is a recipe whose patterns and selectors are compiled.
type plan struct {
	recipe   *Recipe
	id       template
	channels []channel
	labels   []labelFiles // one a distinct pattern: classes share label maps
	classes  []class
	splits   []split
	exclude  []*Pattern
	names    int // the most placeholders that any pattern has
}

type channel struct {
	name     string
	image    *Pattern
	id       []int // where image has the template's placeholders
	optional bool
}

type labelFiles struct {
	pattern *Pattern
	id      []int
	shared  [][3]int // {channel, index there, index here} of other common placeholders
	many    bool
}

type class struct {
	name     string
	label    int // index in labels
	sel      convertcore.Selector
	channel  int // whose grid its masks are on; -1 the first that a case has
	optional bool
	empty    bool
}

type split struct {
	name  string
	image *Pattern // nil with a fixed list
	cases map[string]bool
}

// compile returns the plan of r and all that is wrong with what it is made of.
func compile(r *Recipe) (*plan, []Problem) {
	c := &compiler{r: r, plan: &plan{recipe: r}}
	c.template()
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
	p, err := Compile(src)
	if err != nil {
		c.fail(where, "%v", err)
		return nil
	}
	c.plan.names = max(c.plan.names, len(p.names))
	return p
}

func (c *compiler) template() {
	src := c.r.Case.ID
	if src == "" {
		src = "{case}"
	}
	t, err := parseTemplate(src)
	if err != nil {
		c.fail("case.id", "%v", err)
	}
	c.plan.id = t
}

// images compiles the one image pattern or those of the channels.
func (c *compiler) images() {
	list := []Channel{{Image: c.r.Case.Image}}
	switch {
	case len(c.r.Channels) == 0 && c.r.Case.Image == "":
		c.fail("case.image", "neither case.image nor a [[channel]] says where images are")
		return
	case len(c.r.Channels) > 0 && c.r.Case.Image != "":
		c.fail("case.image", "stands beside [[channel]]: one of them only")
	}
	where := func(int) string { return "case.image" }
	if len(c.r.Channels) > 0 {
		list = c.r.Channels
		where = func(i int) string { return fmt.Sprintf("channel[%d].image", i) }
	}
	for i, ch := range list {
		p := c.pattern(where(i), ch.Image)
		if p == nil {
			continue
		}
		at := c.plan.id.bind(p)
		if slices.Contains(at, -1) {
			c.fail(where(i), "pattern %q does not bind %s, of which case IDs are made", p, c.plan.id.unbound(at))
		}
		c.plan.channels = append(c.plan.channels, channel{ch.Name, p, at, ch.Optional})
	}
}

func (c *compiler) classes() {
	known := map[string]int{}
	for i, cl := range c.r.Classes {
		where := fmt.Sprintf("class[%d]", i)
		sel, err := label.New(cl.Select)
		if err != nil {
			c.fail(where+".select", "%v", err)
		}
		at, ok := known[cl.Label]
		if !ok {
			if at, ok = c.labels(where+".label", cl.Label); !ok {
				continue
			}
			known[cl.Label] = at
		}
		ch := -1
		if cl.Channel != "" {
			ch = slices.IndexFunc(c.r.Channels, func(k Channel) bool { return k.Name == cl.Channel })
			if ch < 0 {
				c.fail(where+".channel", "there is no channel %q", cl.Channel)
			}
		}
		if cl.Absent != "" && cl.Absent != "empty" {
			c.fail(where+".absent", "%q is not \"empty\"", cl.Absent)
		}
		if cl.Absent != "" && cl.Optional {
			c.fail(where+".absent", "stands beside optional: no label file is either no mask or an empty one")
		}
		c.plan.classes = append(c.plan.classes, class{cl.Name, at, sel, ch, cl.Optional, cl.Absent == "empty"})
	}
}

// labels compiles a label pattern and relates its placeholders to the images'.
func (c *compiler) labels(where, src string) (int, bool) {
	p := c.pattern(where, src)
	if p == nil {
		return 0, false
	}
	l := labelFiles{pattern: p, id: c.plan.id.bind(p), many: p.many()}
	if slices.Contains(l.id, -1) {
		c.fail(where, "pattern %q does not bind %s, of which case IDs are made", p, c.plan.id.unbound(l.id))
	}
	for i, name := range p.names {
		if slices.Contains(c.plan.id.names, name) {
			continue
		}
		bound := false
		for k, ch := range c.plan.channels {
			if j := ch.image.Index(name); j >= 0 {
				l.shared, bound = append(l.shared, [3]int{k, j, i}), true
			}
		}
		if !bound {
			c.fail(where, "{%s} is in no image pattern: write * for what may be anything", name)
		}
	}
	for _, ch := range c.plan.channels {
		if ch.image.src == src {
			c.fail(where, "pattern %q is also that of the images", src)
		}
	}
	c.plan.labels = append(c.plan.labels, l)
	return len(c.plan.labels) - 1, true
}

func (c *compiler) splits() {
	for i, s := range c.r.Splits {
		where := fmt.Sprintf("split[%d]", i)
		if !slices.Contains([]string{"train", "val", "test"}, s.Name) {
			c.fail(where+".name", "%q is not train, val or test", s.Name)
		}
		if (s.Case == "") == (len(s.Cases) == 0) {
			c.fail(where, "needs either case, a pattern, or cases, a list of IDs")
			continue
		}
		out := split{name: s.Name, cases: map[string]bool{}}
		if s.Case != "" {
			if out.image = c.pattern(where+".case", s.Case); out.image == nil {
				continue
			}
		}
		for _, id := range s.Cases {
			out.cases[id] = true
		}
		c.plan.splits = append(c.plan.splits, out)
	}
}

// splitOf returns the authors' split of a case.
func (p *plan) splitOf(id, image string, vals []string) string {
	for _, s := range p.splits {
		if s.image != nil && image != "" && s.image.Match(image, vals) || s.cases[id] {
			return s.name
		}
	}
	return ""
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
// it is none.
func (p *plan) caseOf(path string) string {
	vals := make([]string, p.names)
	if hidden(path) || p.excluded(path, vals) {
		return ""
	}
	for _, l := range p.labels {
		if l.pattern.Match(path, vals) {
			return ""
		}
	}
	for _, ch := range p.channels {
		if ch.image.Match(path, vals) {
			return CaseID(p.id.key(ch.id, vals))
		}
	}
	return ""
}

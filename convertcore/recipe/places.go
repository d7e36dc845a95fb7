package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/label"
)

// tables compiles the tables' file patterns and checks their keys.
func (c *compiler) tables() {
	seen := map[string]bool{}
	for i := range c.r.Tables {
		t := table{Table: &c.r.Tables[i]}
		where := fmt.Sprintf("table[%d]", i)
		if !isName(t.Name) || seen[t.Name] {
			c.fail(where+".name", "%q is no name of its own", t.Name)
		}
		seen[t.Name] = true
		if len(t.File) == 0 {
			c.fail(where+".file", "is empty")
		}
		for _, src := range t.File {
			if p := c.pattern(where+".file", src); p != nil {
				t.files = append(t.files, p)
			}
		}
		if !slices.Contains([]string{"", "csv", "tsv", "json", "jsonl"}, t.Format) {
			c.fail(where+".format", "%q is not csv, tsv, json or jsonl", t.Format)
		}
		if t.Header != "" && t.Header != "none" {
			c.fail(where+".header", "%q is not \"none\"", t.Header)
		}
		if n := len([]rune(t.Separator)); n > 1 || t.Separator == "\"" || t.Separator == "\n" {
			c.fail(where+".separator", "%q is not one character", t.Separator)
		}
		var err error
		if t.replace, err = t.Replace.compile(); err != nil {
			c.fail(where+".replace", "%v", err)
		}
		c.plan.tables = append(c.plan.tables, t)
	}
}

// table checks a reference to a table.
func (c *compiler) table(where, name string) {
	if name != "" && !slices.ContainsFunc(c.r.Tables, func(t Table) bool { return t.Name == name }) {
		c.fail(where, "there is no [[table]] %q", name)
	}
}

// images compiles the image patterns of the case or of its channels.
func (c *compiler) images() {
	cr := &c.r.Case
	list := []Channel{{Image: cr.Image, Replace: cr.Replace, Table: cr.Table, Reading: cr.Reading}}
	switch {
	case len(c.r.Channels) == 0 && len(cr.Image) == 0:
		c.fail("case.image", "neither case.image nor a [[channel]] says where images are")
		return
	case len(c.r.Channels) > 0 && len(cr.Image) > 0:
		c.fail("case.image", "stands beside [[channel]]: one of them only")
	}
	if !slices.Contains([]string{"", asNIfTI, asPNG, asPNG16}, cr.Float2D) || cr.Float2D != "" && c.r.Dim != 2 {
		c.fail("case.float2d", "%q is not nifti, png or png16 of a dataset with dim 2", cr.Float2D)
	}
	if len(c.r.Channels) > 0 {
		list = c.r.Channels
	}
	for i := range list {
		ch := &list[i]
		where := "case."
		if len(c.r.Channels) > 0 {
			where = fmt.Sprintf("channel[%d].", i)
		}
		if len(ch.Image) == 0 {
			c.fail(where+"image", "is empty")
		}
		out := channel{name: ch.Name, from: len(c.plan.images), optional: ch.Optional, reading: c.reading(where, &ch.Reading)}
		out.reading.float2d = cr.Float2D
		for _, src := range ch.Image {
			pl, ok := c.place(where+"image", src, ch.Replace, ch.Table)
			if !ok {
				continue
			}
			if missing := c.unbound(pl); missing != "" {
				c.fail(where+"image", "pattern %q does not bind %s, of which case IDs are made", src, missing)
			}
			c.plan.images = append(c.plan.images, pl)
		}
		out.to = len(c.plan.images)
		c.plan.channels = append(c.plan.channels, out)
	}
	c.index()
}

// index checks case.index.
func (c *compiler) index() {
	idx := c.r.Case.Index
	if idx == nil {
		return
	}
	if !slices.Contains(c.plan.id.names, "index") || len(idx.Parts) > 0 && !slices.Contains(c.plan.id.names, "part") {
		c.fail("case.id", "lacks {index} or {part}: cases would have one ID")
	}
	if len(idx.Counts) > 0 && len(idx.Counts) != max(1, len(idx.Parts)) || slices.ContainsFunc(idx.Counts, func(n int) bool { return n < 1 }) {
		c.fail("case.index.counts", "%v is not one positive number a part", idx.Counts)
	}
	if !slices.ContainsFunc(c.plan.channels, func(ch channel) bool { return slices.Contains(ch.reading.array.names, "index") }) {
		c.fail("case.index", "no image has an array with {index}")
	}
}

// reading checks and compiles a Reading.
func (c *compiler) reading(where string, r *Reading) reading {
	for _, p := range r.check() {
		c.fail(where+p.Where, "%s", p.Text)
	}
	frag, _ := parseFragment(r.Array)
	return reading{Reading: r, array: frag}
}

// place compiles one pattern.
func (c *compiler) place(where, src string, rep Replace, tab string) (place, bool) {
	c.table(strings.TrimSuffix(where, ".label")+".table", tab)
	p := c.pattern(where, src)
	if p == nil {
		return place{}, false
	}
	pl := place{pattern: p, id: c.plan.id.bind(p), table: tab, many: p.many()}
	var err error
	if pl.replace, err = rep.compile(); err != nil {
		c.fail(where, "replace: %v", err)
	}
	pl.plain = len(pl.replace) == 0 && !slices.Contains(pl.id, -1)
	return pl, true
}

// unbound names the placeholders of IDs that neither the pattern nor a table or
// an index gives.
func (c *compiler) unbound(p place) string {
	var out []string
	for i, k := range p.id {
		name := c.plan.id.names[i]
		if k < 0 && p.table == "" && (c.r.Case.Index == nil || name != "index" && name != "part") {
			out = append(out, "{"+name+"}")
		}
	}
	return strings.Join(out, ", ")
}

func (c *compiler) classes() {
	known := map[string]int{}
	for i := range c.r.Classes {
		cl := &c.r.Classes[i]
		where := fmt.Sprintf("class[%d]", i)
		if c.r.Status == Unverified && !cl.ruled() {
			continue // known by name only
		}
		sel, err := label.New(cl.Select)
		if err != nil {
			c.fail(where+".select", "%v", err)
		}
		channel := -1
		if cl.Channel != "" {
			channel = slices.IndexFunc(c.r.Channels, func(k Channel) bool { return k.Name == cl.Channel })
			if channel < 0 {
				c.fail(where+".channel", "there is no channel %q", cl.Channel)
			}
		}
		key := fmt.Sprintf("%q %q %q %v %v", cl.Label, cl.Replace, cl.Table, cl.Series, cl.Consensus != "")
		if cl.Pair != "" {
			key += fmt.Sprint(cl.Pair, channel)
		}
		at, ok := known[key]
		if !ok {
			if at, ok = c.labels(where+".label", cl, max(0, channel), sel); !ok {
				continue
			}
			known[key] = at
		}
		out := class{name: cl.Name, set: at, sel: sel, channel: channel, optional: cl.Optional, empty: cl.Absent == "empty",
			consensus: cl.Consensus, byImage: cl.Grid == "image", resample: cl.Resample == "nearest", reading: c.reading(where+".", &cl.Reading)}
		out.byImage = out.byImage || cl.Stack != nil && cl.Stack.Spacing == nil
		out.reading.label, out.reading.float2d = true, c.r.Case.Float2D
		c.checkClass(where, cl)
		for k, axis := range []string{"x", "y", "z"} {
			out.flip[k] = slices.Contains(cl.Flip, axis)
		}
		c.plan.classes = append(c.plan.classes, out)
	}
}

func (c *compiler) checkClass(where string, cl *Class) {
	if cl.Absent != "" && cl.Absent != "empty" {
		c.fail(where+".absent", "%q is not \"empty\"", cl.Absent)
	}
	if cl.Absent != "" && cl.Optional {
		c.fail(where+".absent", "stands beside optional: no label file is either no mask or an empty one")
	}
	if cl.Grid != "" && cl.Grid != "image" {
		c.fail(where+".grid", "%q is not \"image\"", cl.Grid)
	}
	if cl.Resample != "" && (cl.Resample != "nearest" || cl.Grid != "") {
		c.fail(where+".resample", "%q is not \"nearest\", or stands beside grid", cl.Resample)
	}
	if !slices.Contains([]string{"", "union", "majority", "intersection"}, cl.Consensus) || cl.Consensus != "" && cl.Series {
		c.fail(where+".consensus", "%q is not union, majority or intersection, or stands beside series", cl.Consensus)
	}
	if cl.Pair != "" && (cl.Pair != "order" || cl.Series || cl.Table != "" || len(cl.Replace) > 0 || cl.Consensus != "") {
		c.fail(where+".pair", "%q is not \"order\", or stands beside series, table, replace or consensus", cl.Pair)
	}
	for _, f := range cl.Flip {
		if f != "x" && f != "y" && f != "z" {
			c.fail(where+".flip", "%q is not x, y or z", f)
		}
	}
}

// labels compiles the patterns of a class and relates their placeholders to
// the images'.
func (c *compiler) labels(where string, cl *Class, channel int, sel convertcore.Selector) (int, bool) {
	set := labelSet{from: len(c.plan.labels), all: cl.Consensus != "", many: cl.Series || cl.Consensus != ""}
	if len(cl.Label) == 0 {
		c.fail(where, "is empty")
		return 0, false
	}
	for _, src := range cl.Label {
		pl, ok := c.place(where, src, cl.Replace, cl.Table)
		if !ok {
			return 0, false
		}
		_, drawn := sel.(label.Caser)
		indexed := c.r.Case.Index != nil && cl.Array != ""
		pl.ordered, pl.of = cl.Pair != "", channel
		switch missing := c.unbound(pl); {
		case pl.ordered && (missing == "" || drawn || c.r.Case.Index != nil):
			c.fail(where, "pattern %q pairs by order what is named by cases already", src)
		case pl.ordered:
		case missing != "" && !drawn && !indexed:
			c.fail(where, "pattern %q does not bind %s, of which case IDs are made", src, missing)
		default:
			pl.spread = indexed || missing != ""
		}
		c.share(where, &pl, cl)
		if c.plan.isImage(pl.pattern.src) && cl.Array == "" && cl.Crop == nil && cl.Component == "" && cl.Plane == nil && !label.OnImage(sel) {
			c.fail(where, "pattern %q is also that of the images", src)
		}
		c.plan.labels = append(c.plan.labels, pl)
	}
	set.to = len(c.plan.labels)
	c.plan.sets = append(c.plan.sets, set)
	return len(c.plan.sets) - 1, true
}

// share finds the placeholders of a label that must have the images' texts.
func (c *compiler) share(where string, pl *place, cl *Class) {
	for _, name := range pl.pattern.names {
		if slices.Contains(c.plan.id.names, name) && !pl.spread && !pl.ordered {
			continue
		}
		if slices.ContainsFunc(c.plan.images, func(im place) bool { return im.pattern.Index(name) >= 0 }) {
			if cl.Series && cl.Stack != nil && cl.Stack.Number == name {
				continue
			}
			pl.shared = append(pl.shared, name)
		} else if cl.Table == "" && (cl.Stack == nil || cl.Stack.Number != name) {
			c.fail(where, "{%s} is in no image pattern: write * for what may be anything", name)
		}
	}
}

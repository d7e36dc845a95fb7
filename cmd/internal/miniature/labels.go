package miniature

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
)

// group is the classes that are drawn in the same files, read the same way.
type group struct {
	classes []*recipe.Class
}

func (b *builder) groups() (out []*group) {
	at := map[string]*group{}
	for i := range b.r.Classes {
		c := &b.r.Classes[i]
		if len(c.Label) == 0 {
			continue
		}
		plane := -1
		if c.Plane != nil {
			plane = *c.Plane
		}
		key := fmt.Sprint(c.Label, c.Replace, c.Table, c.Consensus, c.Grid, c.Flip, c.Channel, c.Format, c.Array, c.Crop, plane)
		if at[key] == nil {
			at[key] = new(group)
			out = append(out, at[key])
		}
		at[key].classes = append(at[key].classes, c)
	}
	return out
}

// lacking reports whether case i has no file of the group, where the recipe
// allows that.
func (g *group) lacking(i int) bool {
	return i%2 == 1 && !slices.ContainsFunc(g.classes, func(c *recipe.Class) bool { return !c.Optional && c.Absent != "empty" })
}

// drawn reports whether other classes of the case are in a file of the group,
// so that it cannot be lacking.
func (b *builder) drawn(g *group, i int, c *Case, bound binding) bool {
	paths, err := b.labelPaths(g.classes[0], i, c, bound)
	if err != nil {
		return false
	}
	for _, raw := range c.Raw {
		if slices.ContainsFunc(raw, func(path string) bool { return slices.Contains(paths, path) }) {
			return true
		}
	}
	return false
}

// labels makes the label files and masks of a case.
func (b *builder) labels(i int, c *Case, bound binding) error {
	for k, g := range b.groups() {
		if b.apart() && g.classes[0].Channel != "" {
			if c.Images[g.classes[0].Channel] == nil {
				continue
			}
		} else if g.lacking(i) && (k > 0 || !b.r.Case.Labelled) && !b.drawn(g, i, c, bound) {
			for _, cl := range g.classes {
				if cl.Absent == "empty" {
					c.Masks[cl.Name], c.Raw["labels/"+cl.Name] = make([]byte, c.Grid.pixels()), nil
				}
			}
			continue
		}
		if err := b.group(g, i, c, bound); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) group(g *group, i int, c *Case, bound binding) error {
	texts := bound.texts
	cl := g.classes[0]
	grid := c.Grid
	if cl.Channel != "" {
		grid = c.Images[cl.Channel]
	}
	if grid == nil {
		return cannot("class on the channel %s, which case %d lacks", cl.Channel, i)
	}
	if isShapes(cl) {
		return b.shapes(g, i, c, bound, grid)
	}
	if isObject(cl) {
		return b.objects(g, i, c, bound, grid)
	}
	if cl.Series {
		return b.stacked(g, i, c, bound, grid)
	}
	if p, err := b.choose(cl.Label, bound); err == nil && conflicts(p.Given(), texts) {
		for _, cl := range g.classes {
			if cl.Absent == "empty" {
				c.Masks[cl.Name], c.Raw["labels/"+cl.Name] = make([]byte, grid.pixels()), nil
			} else if !cl.Optional {
				return cannot("class %s is of other cases", cl.Name)
			}
		}
		return nil
	}
	paths, err := b.labelPaths(cl, i, c, bound)
	if err != nil {
		return err
	}
	if inner, ok := cl.Select["fill"].(map[string]any); ok {
		return b.outlined(g, c, paths, grid, inner)
	}
	votes := make([][]int, len(g.classes))
	for k := range votes {
		votes[k] = make([]int, grid.pixels())
	}
	array, err := fillText(cl.Array, texts)
	if err != nil {
		return err
	}
	for _, path := range paths {
		pic, err := b.labelMap(g, grid, path)
		if err != nil {
			return err
		}
		for k, cl := range g.classes {
			for j := range votes[k] {
				ok, err := picks(cl.Select, pic.Px[j*pic.C:(j+1)*pic.C])
				if err != nil {
					return err
				}
				if ok {
					votes[k][j]++
				}
			}
		}
		stored := pic.flipped(cl.Flip)
		if cl.Grid == "image" {
			stored = pic.flipped(grid.Turned).flipped(cl.Flip)
			other := *stored
			other.Spacing, other.Origin = [3]float64{1, 1, 1}, [3]float64{}
			stored = &other
		}
		b.put(path, piece{cl.Reading, array, stored})
	}
	least := map[string]int{"": 1, "union": 1, "majority": len(paths)/2 + 1, "intersection": len(paths)}[cl.Consensus]
	for k, cl := range g.classes {
		mask := make([]byte, grid.pixels())
		for j, n := range votes[k] {
			if n >= least {
				mask[j] = 1
			}
		}
		c.Masks[cl.Name], c.Raw["labels/"+cl.Name] = mask, paths
	}
	return nil
}

// conflicts reports whether a pattern gives a placeholder another text.
func conflicts(given, texts map[string]string) bool {
	for name, text := range given {
		if own, ok := texts[name]; ok && own != text {
			return true
		}
	}
	return false
}

// labelPaths are the files of a class in a case: two where several unite, all
// alternatives where several raters vote.
func (b *builder) labelPaths(cl *recipe.Class, i int, c *Case, bound binding) ([]string, error) {
	own, err := b.labelTexts(cl, c, bound.texts)
	texts := bound.texts
	if err != nil {
		return nil, err
	}
	one, err := b.choose(cl.Label, bound)
	if err != nil {
		return nil, err
	}
	patterns := []*recipe.Pattern{one}
	if cl.Consensus != "" {
		patterns = nil
		for _, src := range cl.Label {
			p, err := recipe.Compile(src)
			if err != nil {
				return nil, err
			}
			patterns = append(patterns, p)
		}
	}
	var out []string
	for _, p := range patterns {
		stars, alts := []string{"1"}, []int{i}
		if p.Many() && cl.Array == "" && !isObject(cl) {
			stars = []string{"1", "2"}
		}
		if cl.Consensus != "" {
			alts = nil
			for a := range p.Alternatives() {
				alts = append(alts, a)
			}
		}
		if cl.Pair == "order" { // names that sort as the images' do
			stars = []string{"m" + texts["case"]}
		}
		folder, first := folderOf(i), []string(nil)
		if isObject(cl) { // what IDC calls the folder of a series: its UID
			h := fnv.New32a()
			h.Write([]byte(p.String()))
			uid := fmt.Sprintf("1.2.%d.%d", i+1, h.Sum32())
			folder, first = uid+"/", repeated(uid, p.Stars()-1)
		}
		for _, star := range stars {
			for _, alt := range alts {
				path, err := b.fill(p, recipe.Filling{Texts: own, Stars: first, Star: star, Folder: folder, Alt: alt}, cl.Table)
				if err != nil {
					return nil, err
				}
				if !slices.Contains(out, path) {
					out = append(out, path)
				}
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// labelTexts finds texts with which the label's pattern gives the same case as
// the image's: the image's own or, where IDs are replaced, those of an example.
func (b *builder) labelTexts(cl *recipe.Class, c *Case, texts map[string]string) (map[string]string, error) {
	first := b.channels()[0]
	want, err := b.key(texts, first.Replace)
	if err != nil {
		return nil, err
	}
	if got, err := b.key(texts, cl.Replace); err == nil && got == want || isShapes(cl) || b.r.Case.Index != nil || cl.Pair == "order" {
		return texts, nil
	}
	p, err := recipe.Compile(cl.Label[0])
	if err != nil {
		return nil, err
	}
	tries := []map[string]string{mergeText(texts, "case", want)}
	vals := make([]string, len(p.Names()))
	for _, e := range b.r.Examples {
		if e.Case == "" && p.Match(e.Raw, vals) {
			bound := maps.Clone(texts)
			for i, name := range p.Names() {
				bound[name] = vals[i]
			}
			tries = append(tries, bound)
			for n := 1; n < 10; n++ {
				tries = append(tries, mutate(bound, b.idNames(), n))
			}
		}
	}
	for _, try := range tries {
		if got, err := b.key(try, cl.Replace); err == nil && got == want {
			return try, nil
		}
	}
	return nil, cannot("no label text that %v makes %q", cl.Replace, want)
}

func mergeText(texts map[string]string, name, text string) map[string]string {
	out := maps.Clone(texts)
	out[name] = text
	return out
}

// labelMap draws rectangles of every class's sample on the ground. Each class
// has a strip of its own, so that none hides another.
func (b *builder) labelMap(g *group, grid *Picture, path string) (*Picture, error) {
	var sels []map[string]any
	for _, cl := range g.classes {
		sels = append(sels, cl.Select)
	}
	ground, each, err := palette(sels, mostOf(path))
	if err != nil {
		return nil, err
	}
	unit := 1
	if isJPEG(path) {
		unit = 8
	}
	p := grid.like(len(ground))
	for i := range p.pixels() {
		copy(p.Px[i*p.C:], ground)
	}
	cols, rows := p.W/unit, p.H/unit
	for k, px := range each {
		x0, x1 := k*cols/len(each), (k+1)*cols/len(each)
		if x1 == x0 {
			return nil, cannot("%d classes in %d columns", len(each), cols)
		}
		for range 2 {
			y0 := b.rng.IntN(rows)
			y1 := y0 + 1 + b.rng.IntN(rows-y0)
			z0 := b.rng.IntN(p.D)
			z1 := z0 + 1 + b.rng.IntN(p.D-z0)
			for z := z0; z < z1; z++ {
				for y := y0 * unit; y < y1*unit; y++ {
					for x := x0 * unit; x < x1*unit; x++ {
						copy(p.Px[((z*p.H+y)*p.W+x)*p.C:], px)
					}
				}
			}
		}
	}
	if isPicture(path) {
		p.Bits = 8
		if most := slices.Max(p.Px); most > 65535 {
			p.Bits = 32
		} else if most > 255 {
			p.Bits = 16
		}
	}
	return p, nil
}

// outlined draws the outlines of rectangles, which stand for all that they
// enclose.
func (b *builder) outlined(g *group, c *Case, paths []string, grid *Picture, inner map[string]any) error {
	if len(g.classes) > 1 || grid.D > 1 {
		return cannot("several classes of outlines in a file")
	}
	cl := g.classes[0]
	mask := make([]byte, grid.pixels())
	for _, name := range paths {
		ground, each, err := palette([]map[string]any{inner}, mostOf(name))
		if err != nil {
			return err
		}
		p := grid.like(len(ground))
		p.Bits = 8
		x0, y0 := 2+b.rng.IntN(6), 2+b.rng.IntN(6)
		x1, y1 := x0+5+b.rng.IntN(20), y0+5+b.rng.IntN(8)
		for i := range p.pixels() {
			x, y := i%p.W, i/p.W
			in := x >= x0 && x < x1 && y >= y0 && y < y1
			px := ground
			if in && (x == x0 || x == x1-1 || y == y0 || y == y1-1) {
				px = each[0]
			}
			copy(p.Px[i*p.C:], px)
			if in {
				mask[i] = 1
			}
		}
		b.put(name, piece{cl.Reading, "", p})
	}
	c.Masks[cl.Name], c.Raw["labels/"+cl.Name] = mask, paths
	return nil
}

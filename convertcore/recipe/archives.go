package recipe

import "strings"

// Archives tells which archives the patterns of a recipe reach into.
type Archives struct {
	plan  *plan
	named []*Pattern // what stands before a "!/"
	deep  []*Pattern // with wildcards that cross folders, and thus archives
}

// Archives returns what the patterns of images, labels and tables name.
func (r *Recipe) Archives() *Archives {
	p, _ := compile(r)
	a := &Archives{plan: p}
	for _, places := range [][]place{p.images, p.labels} {
		for _, pl := range places {
			a.add(pl.pattern)
		}
	}
	for _, t := range p.tables {
		for _, f := range t.files {
			a.add(f)
		}
	}
	return a
}

func (a *Archives) add(p *Pattern) {
	if p == nil {
		return
	}
	for i := range p.src {
		if strings.HasPrefix(p.src[i:], "!/") {
			if before, err := Compile(p.src[:i]); err == nil {
				a.named = append(a.named, before)
				a.plan.names = max(a.plan.names, len(before.names))
			}
		}
	}
	for _, t := range p.toks {
		if t.kind == deepStar || t.kind == folders || t.deep {
			a.deep = append(a.deep, p)
			return
		}
	}
}

// Wants reports whether a pattern names members of the archive at a raw path,
// as "tables.csv.gz!/tables.csv" does.
func (a *Archives) Wants(path string) bool {
	vals := make([]string, a.plan.names)
	path = a.plan.fold(path)
	for _, p := range a.named {
		if p.Match(path, vals) {
			return true
		}
	}
	return false
}

// Reaches reports whether a pattern may match members of the archive at a raw
// path: one that names it, or one whose wildcards cross folders.
func (a *Archives) Reaches(path string) bool { return len(a.deep) > 0 || a.Wants(path) }

package recipe

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Problem is something in a recipe that must be mended.
type Problem struct {
	Where string // "class[0].label"
	Text  string
}

func (p Problem) String() string { return p.Where + ": " + p.Text }

var (
	validID      = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,63}$`)
	validClass   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._ -]{0,63}$`)
	validChannel = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,31}$`) // no "_": it ends the case's ID in file names
	validSum     = regexp.MustCompile(`^(sha256:[0-9a-f]{64}|md5:[0-9a-f]{32})$`)
)

// Lint returns all that keeps a recipe out of the catalog; none where it is
// sound. It opens nothing: whether a platform is known is the caller's to ask.
func Lint(r *Recipe) []Problem {
	l := &linter{r: r}
	l.identity()
	l.license()
	l.status()
	l.citation()
	l.source()
	l.names()
	plan, problems := compile(r)
	l.problems = append(l.problems, problems...)
	if len(problems) == 0 && !r.RawOnly() {
		l.examples(plan)
		l.splits()
	}
	return l.problems
}

type linter struct {
	r        *Recipe
	problems []Problem
}

func (l *linter) fail(where, format string, args ...any) {
	l.problems = append(l.problems, Problem{where, fmt.Sprintf(format, args...)})
}

func (l *linter) identity() {
	r := l.r
	if !validID.MatchString(r.ID) || strings.Contains(r.ID, "..") {
		l.fail("id", "%q: lower-case letters, digits, dots and hyphens, at most 64", r.ID)
	}
	if r.Title == "" {
		l.fail("title", "is empty")
	}
	if r.Anatomy == "" {
		l.fail("anatomy", "is empty")
	}
	if !slices.Contains(Modalities, r.Modality) {
		near := nearest(strings.ToLower(r.Modality), Modalities)
		if near == "" {
			near = strings.Join(Modalities, ", ")
		}
		l.fail("modality", "%q is none of the nine (%s?)", r.Modality, near)
	}
	if r.Dim != 2 && r.Dim != 3 {
		l.fail("dim", "%d is neither 2 nor 3", r.Dim)
	}
	if r.Images < 0 {
		l.fail("n_images", "is negative")
	}
}

func (l *linter) license() {
	switch allowed, known := Redistributable(l.r.License); {
	case !known:
		near := nearest(l.r.License, Licenses())
		l.fail("license", "%q is not in the table of SPDX licences (%s?)", l.r.License, near)
	case !allowed:
		l.fail("license", "%s does not let others pass the data on in another form", l.r.License)
	}
}

func (l *linter) status() {
	switch r := l.r; r.Status {
	case Verified:
		if r.Missing != "" {
			l.fail("missing", "a verified recipe lacks nothing")
		}
		if len(r.Evidence) == 0 {
			l.fail("evidence", "a verified recipe says what it was verified with")
		}
	case Unverified:
		if r.Missing == "" {
			l.fail("missing", "an unverified recipe says what it lacks")
		}
	default:
		l.fail("status", "%q is neither verified nor unverified", r.Status)
	}
	for i, id := range l.r.Derived {
		if !validID.MatchString(id) || id == l.r.ID {
			l.fail(fmt.Sprintf("derived_from[%d]", i), "%q is not the ID of another dataset", id)
		}
	}
	for i, f := range l.r.Evidence {
		if f.Fact == "" || f.Source == "" {
			l.fail(fmt.Sprintf("evidence[%d]", i), "needs fact and source")
		}
		if !slices.Contains([]string{"high", "medium", "low"}, f.Confidence) {
			l.fail(fmt.Sprintf("evidence[%d].confidence", i), "%q is not high, medium or low", f.Confidence)
		}
	}
}

func (l *linter) citation() {
	c := l.r.Citation
	if c.Title == "" {
		l.fail("citation.title", "is empty")
	}
	found := c.DOI != "" || c.URL != "" // leads to what is not known here
	if len(c.Authors) == 0 && !found || slices.Contains(c.Authors, "") {
		l.fail("citation.authors", "is empty, without doi or url, or holds an empty name")
	}
	if (c.Year < 1895 || c.Year > 2100) && !(c.Year == 0 && found) { // Röntgen's year
		l.fail("citation.year", "%d is no year of a medical image", c.Year)
	}
}

func (l *linter) source() {
	s := l.r.Source
	if s.Platform == "" {
		l.fail("source.platform", "is empty")
	}
	if s.Record == "" && (len(s.Files) == 0 || slices.ContainsFunc(s.Files, func(f SourceFile) bool { return f.URL == "" && f.Record == "" })) {
		l.fail("source.record", "is empty: every [[source.file]] needs a url then, or a record of its own")
	}
	seen := map[string]bool{}
	for i, f := range s.Files {
		where := fmt.Sprintf("source.file[%d]", i)
		if f.Name == "" || strings.HasPrefix(f.Name, "/") || slices.Contains(strings.Split(f.Name, "/"), "..") {
			l.fail(where+".name", "%q is no relative path", f.Name)
		}
		if (f.Platform == "") != (f.Record == "") || f.Platform != "" && f.URL != "" {
			l.fail(where+".record", "platform and record stand together, and without url")
		}
		if _, err := path.Match(f.Name, ""); err != nil {
			l.fail(where+".name", "%q: %v", f.Name, err)
		}
		if seen[f.Name] {
			l.fail(where+".name", "%q stands twice", f.Name)
		}
		seen[f.Name] = true
		if f.Size < 0 {
			l.fail(where+".size", "is negative")
		}
		if f.Sum != "" && !validSum.MatchString(f.Sum) {
			l.fail(where+".sum", "%q is neither sha256:… nor md5:… in lower-case hex", f.Sum)
		}
	}
}

// names checks what becomes a file or folder name, also where case is ignored.
func (l *linter) names() {
	if len(l.r.Classes) == 0 && !l.r.RawOnly() {
		l.fail("class", "there is none")
	}
	seen := map[string]string{}
	for i, c := range l.r.Classes {
		l.name(fmt.Sprintf("class[%d].name", i), c.Name, validClass, seen)
	}
	seen = map[string]string{}
	for i, c := range l.r.Channels {
		l.name(fmt.Sprintf("channel[%d].name", i), c.Name, validChannel, seen)
	}
}

func (l *linter) name(where, name string, valid *regexp.Regexp, seen map[string]string) {
	if !valid.MatchString(name) || strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") {
		l.fail(where, "%q is not safe as a file name (%s)", name, valid)
	}
	low := strings.ToLower(name)
	if other, ok := seen[low]; ok {
		l.fail(where, "%q and %q are one name where case is ignored", other, name)
	}
	seen[low] = name
}

func (l *linter) examples(p *plan) {
	if len(l.r.Examples) == 0 {
		l.fail("example", "there is none: one raw path and its case at least")
	}
	for i, e := range l.r.Examples {
		file, _, _ := strings.Cut(e.Raw, "!/")
		if !slices.ContainsFunc(l.r.Source.Files, func(f SourceFile) bool { return f.Matches(file) }) && len(l.r.Source.Files) > 0 {
			l.fail(fmt.Sprintf("example[%d].raw", i), "%q is in no [[source.file]]", e.Raw)
		}
		if got, known := p.caseOf(e.Raw); known && got != e.Case {
			l.fail(fmt.Sprintf("example[%d]", i), "%q becomes case %q, not %q", e.Raw, got, e.Case)
		}
	}
}

// splits checks that no case is listed twice.
func (l *linter) splits() {
	seen := map[string]string{}
	for i, s := range l.r.Splits {
		for _, id := range s.Cases {
			if other, ok := seen[id]; ok {
				l.fail(fmt.Sprintf("split[%d].cases", i), "case %s is in %s too", id, other)
			}
			seen[id] = s.Name
		}
	}
}

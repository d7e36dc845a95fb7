package miniature

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
)

// maxCases bounds the cases of a miniature.
const maxCases = 6

// binding is the texts of the placeholders of a case, and which of the image's
// patterns they are of.
type binding struct {
	texts   map[string]string
	pattern int
}

// bindings returns those of each case, from the recipe's examples and its
// files' names.
func (b *builder) bindings() ([]binding, error) {
	if b.r.Case.Index != nil {
		return b.indexed()
	}
	first := b.channels()[0]
	var out []binding
	for k, src := range first.Image {
		p, err := recipe.Compile(src)
		if err != nil {
			return nil, err
		}
		base := b.fromExamples(p)
		archives := b.archiveTexts(src)
		for j, at := range archives {
			texts := maps.Clone(base)
			maps.Copy(texts, at)
			if j > 0 {
				texts = mutate(texts, b.idNames(), j+1)
			}
			out = append(out, binding{texts, k})
			if j == 0 {
				out = append(out, binding{mutate(texts, b.idNames(), 1), k})
			}
		}
	}
	for _, s := range b.r.Splits {
		if id, err := recipe.Compile(b.template()); err == nil && len(s.Cases) > 0 {
			vals := make([]string, len(id.Names()))
			if id.Match(s.Cases[0], vals) {
				texts := maps.Clone(out[0].texts)
				for i, name := range id.Names() {
					texts[name] = vals[i]
				}
				out = append(out, binding{texts, 0})
			}
		}
	}
	for n := 2; len(out) < len(b.splitTables()); n++ { // a row for each
		out = append(out, binding{mutate(out[0].texts, b.idNames(), n), 0})
	}
	return b.given(out), nil
}

// given adds a case for every text that the pattern of a label gives.
func (b *builder) given(out []binding) []binding {
	seen := map[string]bool{}
	for _, bound := range out {
		for _, text := range bound.texts {
			seen[text] = true
		}
	}
	for i := range b.r.Classes {
		for _, src := range b.r.Classes[i].Label {
			p, err := recipe.Compile(src)
			if err != nil || len(p.Given()) == 0 || len(out) >= maxCases || len(b.channels()[0].Image) > 1 {
				continue
			}
			texts := maps.Clone(out[0].texts)
			maps.Copy(texts, p.Given())
			for _, text := range p.Given() {
				if !seen[text] {
					seen[text] = true
					out = append(out, binding{texts, 0})
				}
			}
		}
	}
	return out
}

// template is what IDs are made of.
func (b *builder) template() string {
	if b.r.Case.ID != "" {
		return b.r.Case.ID
	}
	if idx := b.r.Case.Index; idx != nil && len(idx.Parts) > 0 {
		return "{part}_{index}"
	} else if idx != nil {
		return "{index}"
	}
	return "{case}"
}

var placeholder = regexp.MustCompile(`\{([a-z0-9_]+)\+?\}`)

func (b *builder) idNames() (out []string) {
	for _, m := range placeholder.FindAllStringSubmatch(b.template(), -1) {
		out = append(out, m[1])
	}
	return out
}

// fillText puts texts in the place of {names}.
func fillText(src string, texts map[string]string) (string, error) {
	missing := ""
	out := placeholder.ReplaceAllStringFunc(src, func(m string) string {
		text, ok := texts[strings.Trim(m, "{}+")]
		if !ok {
			missing = m
		}
		return text
	})
	if missing != "" {
		return "", cannot("nothing tells %s of %q", missing, src)
	}
	return out, nil
}

// key is the text that a case is known by, from the texts of its image or label.
func (b *builder) key(texts map[string]string, replace recipe.Replace) (string, error) {
	key, err := fillText(b.template(), texts)
	if err != nil {
		return "", err
	}
	if b.r.Case.IgnoreCase {
		key = strings.ToLower(key)
	}
	return replaced(key, replace), nil
}

func replaced(text string, pairs recipe.Replace) string {
	for _, pair := range pairs {
		text = regexp.MustCompile(pair[0]).ReplaceAllString(text, pair[1])
	}
	return text
}

// fromExamples returns what the recipe's examples bind, and short texts for
// the rest.
func (b *builder) fromExamples(p *recipe.Pattern) map[string]string {
	texts := map[string]string{}
	vals := make([]string, len(p.Names()))
	for _, e := range b.r.Examples {
		if e.Case != "" && p.Match(e.Raw, vals) {
			for i, name := range p.Names() {
				texts[name] = vals[i]
			}
			return texts
		}
	}
	for _, name := range p.Names() {
		texts[name] = name + "1"
	}
	maps.Copy(texts, p.Given())
	return texts
}

// archiveTexts returns what the files of the record bind to placeholders in an
// archive's name; one empty map where there are none.
func (b *builder) archiveTexts(src string) []map[string]string {
	name, _, in := strings.Cut(src, "!/")
	if !in || !strings.Contains(name, "{") {
		return []map[string]string{{}}
	}
	p, err := recipe.Compile(name)
	if err != nil || len(p.Names()) == 0 {
		return []map[string]string{{}}
	}
	var out []map[string]string
	for _, f := range b.r.Source.Files {
		vals := make([]string, len(p.Names()))
		if p.Match(f.Name, vals) && !b.ofLabels(f.Name, name) {
			texts := map[string]string{}
			for i, name := range p.Names() {
				texts[name] = vals[i]
			}
			out = append(out, texts)
		}
	}
	if out == nil {
		return []map[string]string{{}}
	}
	return out
}

// ofLabels reports whether a file of the record is one of labels, by another
// pattern than the image's.
func (b *builder) ofLabels(file, image string) bool {
	for i := range b.r.Classes {
		for _, src := range b.r.Classes[i].Label {
			name, _, in := strings.Cut(src, "!/")
			if p, err := recipe.Compile(name); in && name != image && err == nil && p.Match(file, make([]string, len(p.Names()))) {
				return true
			}
		}
	}
	return false
}

// mutate changes the last of the named texts so that n tells them apart: its
// last digit, or what is added.
func mutate(texts map[string]string, names []string, n int) map[string]string {
	out := maps.Clone(texts)
	name := ""
	for _, n := range names {
		if _, ok := texts[n]; ok && name != "case" {
			name = n
		}
	}
	if name == "" { // a table has those of the ID
		name = slices.Sorted(maps.Keys(texts))[0]
	}
	text := []byte(out[name])
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] >= '0' && text[i] <= '9' {
			text[i] = '0' + (text[i]-'0'+byte(n))%10
			out[name] = string(text)
			return out
		}
	}
	out[name] = fmt.Sprintf("%s%d", text, n)
	return out
}

// indexed returns the texts of the entries of arrays.
func (b *builder) indexed() ([]binding, error) {
	p, err := recipe.Compile(b.r.Case.Image[0])
	if err != nil {
		return nil, err
	}
	base := b.fromExamples(p)
	idx := b.r.Case.Index
	parts := idx.Parts
	if len(parts) == 0 {
		parts = []string{""}
	}
	var out []binding
	for k, part := range parts {
		n := 2
		if len(idx.Counts) > 0 {
			n = idx.Counts[k]
		}
		if n > 2000 {
			return nil, cannot("arrays of %d entries", n)
		}
		for i := range n {
			texts := maps.Clone(base)
			texts["part"], texts["index"] = part, fmt.Sprintf("%0*d", len(fmt.Sprint(n-1)), i)
			out = append(out, binding{texts, 0})
		}
	}
	return out, nil
}

// splitOf is the authors' split of a case; the first that fits.
func (b *builder) splitOf(c *Case, image string) string {
	if b.r.Case.IgnoreCase {
		image = strings.ToLower(image)
	}
	for _, s := range b.r.Splits {
		fits := slices.Contains(s.Cases, c.ID)
		for text, src := range map[string]string{image: s.Case, c.ID: s.ID} {
			if src == "" {
				continue
			}
			if p, err := recipe.Compile(src); err == nil && p.Match(text, make([]string, len(p.Names()))) {
				fits = true
			}
		}
		if fits {
			return s.Name
		}
	}
	return ""
}

package recipe

import (
	"fmt"
	"strings"
)

// template makes the key of a case from the placeholders of a raw path:
// "{case}" nearly always, "{centre}_{case}" where stems repeat.
type template struct {
	texts []string // before, between and after the placeholders
	names []string
}

func parseTemplate(src string) (template, error) {
	var t template
	rest := src
	for {
		text, after, found := strings.Cut(rest, "{")
		if strings.ContainsAny(text, "}*/") {
			return template{}, fmt.Errorf("template %q: only {names} and text without }, * and /", src)
		}
		t.texts = append(t.texts, text)
		if !found {
			break
		}
		name, tail, ok := strings.Cut(after, "}")
		if !ok || !isName(name) {
			return template{}, fmt.Errorf("template %q: %q is not a placeholder", src, "{"+after)
		}
		t.names, rest = append(t.names, name), tail
	}
	if len(t.names) == 0 {
		return template{}, fmt.Errorf("template %q has no placeholder", src)
	}
	return t, nil
}

// bind finds the template's placeholders in a pattern; -1 where one is not.
func (t template) bind(p *Pattern) []int {
	at := make([]int, len(t.names))
	for i, name := range t.names {
		at[i] = p.Index(name)
	}
	return at
}

// key fills the template in. A lone placeholder is returned without a copy.
func (t template) key(at []int, vals []string) string {
	if len(at) == 1 && t.texts[0] == "" && t.texts[1] == "" {
		return vals[at[0]]
	}
	var b strings.Builder
	for i, k := range at {
		b.WriteString(t.texts[i])
		b.WriteString(vals[k])
	}
	b.WriteString(t.texts[len(at)])
	return b.String()
}

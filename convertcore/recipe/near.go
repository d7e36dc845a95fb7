package recipe

import "strings"

// with returns the pattern with the texts of some placeholders in their place.
func (p *Pattern) with(text map[string]string) *Pattern {
	out := &Pattern{names: p.names}
	for _, t := range p.toks {
		if t.kind == bind || t.kind == ref {
			if v, ok := text[p.names[t.v]]; ok {
				t = token{kind: lit, text: v}
			}
		}
		out.toks = append(out.toks, t)
	}
	out.src = out.text()
	return out
}

// text writes the pattern for people: as in recipes, without escapes.
func (p *Pattern) text() string {
	var b strings.Builder
	for _, t := range p.toks {
		switch t.kind {
		case lit, set:
			b.WriteString(t.text)
		case alt:
			b.WriteString("{" + strings.Join(t.alts, ",") + "}")
		case star:
			b.WriteByte('*')
		case deepStar:
			b.WriteString("**")
		case folders:
			b.WriteString("**/")
		default:
			b.WriteString("{" + p.names[t.v] + "}")
		}
	}
	return b.String()
}

// edits is the number of characters that path would have to change by to match:
// Levenshtein's distance where wildcards and placeholders take anything, save
// that a slash in one that holds none costs one. Of alternatives the first is
// meant, and a placeholder that recurs may differ.
func (p *Pattern) edits(path string) int {
	if len(path) > maxPath { // matches nothing
		return len(path)
	}
	row := make([]int, len(path)+1) // row[j]: edits of path[:j] by the tokens so far
	for j := range row {
		row[j] = j
	}
	for _, t := range p.toks {
		switch t.kind {
		case lit, set:
			row = editsLit(row, t.text, path)
		case alt:
			row = editsLit(row, t.alts[0], path)
		default:
			deep := t.kind == deepStar || t.kind == folders || t.deep
			for j := 1; j < len(row); j++ {
				cost := 0
				if path[j-1] == '/' && !deep {
					cost = 1
				}
				row[j] = min(row[j], row[j-1]+cost)
			}
		}
	}
	return row[len(path)]
}

func editsLit(row []int, text, path string) []int {
	for i := range len(text) {
		next := make([]int, len(row))
		next[0] = row[0] + 1
		for j := 1; j < len(row); j++ {
			cost := 1
			if text[i] == path[j-1] {
				cost = 0
			}
			next[j] = min(row[j-1]+cost, row[j]+1, next[j-1]+1)
		}
		row = next
	}
	return row
}

// folder is the part of the pattern up to its last literal slash.
func (p *Pattern) folder() *Pattern {
	for i := len(p.toks) - 1; i >= 0; i-- {
		t := p.toks[i]
		if t.kind == folders {
			return &Pattern{toks: p.toks[:i+1]}
		}
		if slash := strings.LastIndexByte(t.text, '/'); t.kind == lit && slash >= 0 {
			toks := append([]token(nil), p.toks[:i]...)
			return &Pattern{toks: append(toks, token{kind: lit, text: t.text[:slash+1]})}
		}
	}
	return &Pattern{}
}

// literals is the number of characters that a match must have.
func (p *Pattern) literals() (n int) {
	for _, t := range p.toks {
		n += len(t.text)
	}
	return n
}

package recipe

import "strings"

// Filling says what stands for the parts of a pattern that are not literal.
type Filling struct {
	Texts  map[string]string // placeholders
	Stars  []string          // "*", the first ones in their order
	Star   string            // the others
	Folder string            // "**/", with its slash or empty; "**" is Folder and Star
	Alt    int               // of alternatives this one, counted round
}

// Fill returns a path that the pattern matches. It fails on a placeholder
// without text, which it names.
func (p *Pattern) Fill(f Filling) (path, missing string) {
	var b strings.Builder
	given, stars := map[int]string{}, f.Stars
	for _, t := range p.toks {
		switch t.kind {
		case set:
			given[t.v] = t.text
			b.WriteString(t.text)
		case lit:
			b.WriteString(t.text)
		case alt:
			b.WriteString(t.alts[f.Alt%len(t.alts)])
		case star:
			if len(stars) > 0 {
				b.WriteString(stars[0])
				stars = stars[1:]
				continue
			}
			b.WriteString(f.Star)
		case deepStar:
			b.WriteString(f.Folder + f.Star)
		case folders:
			b.WriteString(f.Folder)
		default:
			text, ok := given[t.v]
			if !ok {
				text, ok = f.Texts[p.names[t.v]]
			}
			if !ok {
				return "", p.names[t.v]
			}
			b.WriteString(text)
		}
	}
	return b.String(), ""
}

// Given returns the texts of placeholders that the pattern gives, as {name=text}.
func (p *Pattern) Given() map[string]string {
	out := map[string]string{}
	for _, t := range p.toks {
		if t.kind == set {
			out[p.names[t.v]] = t.text
		}
	}
	return out
}

// Alternatives is how many paths Fill makes that differ by Alt alone.
func (p *Pattern) Alternatives() int {
	n := 1
	for _, t := range p.toks {
		if t.kind == alt {
			n = max(n, len(t.alts))
		}
	}
	return n
}

// Stars is the number of "*".
func (p *Pattern) Stars() (n int) {
	for _, t := range p.toks {
		if t.kind == star {
			n++
		}
	}
	return n
}

// Many reports whether several paths with the same placeholders are meant to
// match: a star says so, "**/" only that the folder does not matter.
func (p *Pattern) Many() bool { return p.many() }

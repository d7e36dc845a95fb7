package recipe

import (
	"fmt"
	"slices"
	"strings"
)

// Pattern matches raw paths, whole, from the first byte to the last:
//
//	text     itself; \ takes the next character literally
//	{name}   one or more characters without a slash; the same text wherever
//	         the name recurs
//	{name+}  the same, slashes allowed
//	{name=a} the text a, which the placeholder then stands for
//	{a,b}    any of the alternatives, which are literal and may be empty
//	*        any characters within one path element, also none
//	**       any characters across elements; "**/" also no element at all
//
// Where a text can be split in several ways, what stands first takes the most.
// A Pattern is immutable and safe for many goroutines.
type Pattern struct {
	src    string
	toks   []token
	names  []string // the placeholders in order of first appearance
	suffix string   // what every match ends in, checked first since it rejects most
}

type kind uint8

const (
	lit      kind = iota // text
	alt                  // one of alts
	star                 // *
	deepStar             // **
	folders              // **/ at the start of an element
	bind                 // first appearance of a placeholder
	set                  // first appearance of one whose text the pattern gives
	ref                  // a later one
)

type token struct {
	kind kind
	text string
	alts []string
	v    int  // placeholder: index in names
	deep bool // placeholder: may hold slashes
	kept bool // bind: some ref follows
}

const (
	maxPattern   = 4096 // bytes
	maxWildcards = 16
	maxRefs      = 2 // distinct placeholders that recur
)

// Compile reads a pattern. The error names the column where it breaks.
func Compile(src string) (*Pattern, error) {
	p := &Pattern{src: src}
	if src == "" {
		return nil, fmt.Errorf("pattern is empty")
	}
	if len(src) > maxPattern {
		return nil, fmt.Errorf("pattern is longer than %d bytes", maxPattern)
	}
	for i := 0; i < len(src); {
		n, err := p.scan(i)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: column %d: %w", src, i+1, err)
		}
		i += n
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("pattern %q: %w", src, err)
	}
	if last := p.toks[len(p.toks)-1]; last.kind == lit {
		p.suffix = last.text
	}
	return p, nil
}

// scan adds the token at src[i:] and returns its length.
func (p *Pattern) scan(i int) (int, error) {
	s := p.src[i:]
	switch {
	case strings.HasPrefix(s, "***"):
		return 0, fmt.Errorf("more than two stars")
	case strings.HasPrefix(s, "**/") && (i == 0 || p.src[i-1] == '/'):
		p.toks = append(p.toks, token{kind: folders})
		return 3, nil
	case strings.HasPrefix(s, "**"):
		p.toks = append(p.toks, token{kind: deepStar})
		return 2, nil
	case s[0] == '*':
		p.toks = append(p.toks, token{kind: star})
		return 1, nil
	case s[0] == '{':
		return p.brace(s)
	case s[0] == '}':
		return 0, fmt.Errorf("} without {")
	}
	return p.literal(s)
}

// literal adds the text up to the next special character.
func (p *Pattern) literal(s string) (int, error) {
	var text []byte
	n := 0
	for n < len(s) && !strings.ContainsRune("*{}", rune(s[n])) {
		if s[n] == '\\' {
			if n++; n == len(s) {
				return 0, fmt.Errorf("nothing after \\")
			}
		}
		text = append(text, s[n])
		n++
	}
	p.toks = append(p.toks, token{kind: lit, text: string(text)})
	return n, nil
}

// brace adds a placeholder or alternatives.
func (p *Pattern) brace(s string) (int, error) {
	end := strings.IndexByte(s, '}')
	if end < 0 {
		return 0, fmt.Errorf("{ without }")
	}
	in := s[1:end]
	if strings.ContainsAny(in, `{*\`) {
		return 0, fmt.Errorf("%q: no {, * or \\ inside braces", in)
	}
	if strings.Contains(in, ",") {
		p.toks = append(p.toks, token{kind: alt, alts: strings.Split(in, ",")})
		return end + 1, nil
	}
	name, text, given := strings.Cut(in, "=")
	if given {
		return end + 1, p.addSet(name, text)
	}
	name, deep := strings.CutSuffix(in, "+")
	if !isName(name) {
		return 0, fmt.Errorf("%q is not a placeholder's name: a lower-case letter, then letters, digits and _", in)
	}
	for v, known := range p.names {
		if known == name {
			return end + 1, p.addRef(v, deep)
		}
	}
	p.names = append(p.names, name)
	p.toks = append(p.toks, token{kind: bind, v: len(p.names) - 1, deep: deep})
	return end + 1, nil
}

// addSet adds a placeholder whose text is given.
func (p *Pattern) addSet(name, text string) error {
	if !isName(name) || text == "" {
		return fmt.Errorf("%q=%q is no placeholder's name with a text", name, text)
	}
	if slices.Contains(p.names, name) {
		return fmt.Errorf("{%s=%s} is the second {%s}", name, text, name)
	}
	p.names = append(p.names, name)
	p.toks = append(p.toks, token{kind: set, text: text, v: len(p.names) - 1})
	return nil
}

// addRef adds a recurrence of placeholder v.
func (p *Pattern) addRef(v int, deep bool) error {
	for i := range p.toks {
		if t := &p.toks[i]; (t.kind == bind || t.kind == set) && t.v == v {
			if deep && !t.deep {
				return fmt.Errorf("{%s+} was first {%s}", p.names[v], p.names[v])
			}
			t.kept = t.kind == bind // what is given is the same in every attempt
		}
	}
	p.toks = append(p.toks, token{kind: ref, v: v})
	return nil
}

// check rejects what could be split at will, or in too many ways.
func (p *Pattern) check() error {
	wild, refs := 0, 0
	for i, t := range p.toks {
		if t.kept {
			refs++
		}
		if t.kind == lit || t.kind == alt || t.kind == ref || t.kind == set {
			continue
		}
		if wild++; wild > maxWildcards {
			return fmt.Errorf("more than %d wildcards", maxWildcards)
		}
		if t.kind != folders && i > 0 && p.toks[i-1].wild() {
			return fmt.Errorf("nothing tells where one wildcard or placeholder ends and the next begins")
		}
	}
	if refs > maxRefs {
		return fmt.Errorf("more than %d placeholders recur", maxRefs)
	}
	return nil
}

// wild reports whether the end of t is open.
func (t token) wild() bool { return t.kind == star || t.kind == deepStar || t.kind == bind }

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (i == 0 || (c < '0' || c > '9') && c != '_') {
			return false
		}
	}
	return s != ""
}

// String returns the source text.
func (p *Pattern) String() string { return p.src }

// Names returns the placeholders in order of first appearance.
func (p *Pattern) Names() []string { return p.names }

// Index returns where name is in Names, or -1.
func (p *Pattern) Index(name string) int {
	for i, n := range p.names {
		if n == name {
			return i
		}
	}
	return -1
}

// many reports whether several paths with the same placeholders are meant to
// match: a star says so, "**/" only that the folder does not matter.
func (p *Pattern) many() bool {
	for _, t := range p.toks {
		if t.kind == star || t.kind == deepStar {
			return true
		}
	}
	return false
}

package robot

import (
	"fmt"
	"strconv"
	"strings"
)

// The language of eligibility expressions. Operators from the loosest binding
// to the tightest:
//
//	| ^                  or, exclusive or of masks
//	&                    and
//	< <= > >= == !=      compare two numbers to a mask
//	+ -                  numbers; A - B of two masks is A without B
//	* /                  numbers
//	! -                  not, minus
//
// Operands: L (the truth), Y (the prediction), true, false; I (the image's
// intensity, the mean of its channels), numbers, pct(q) (the image's q-th
// percentile, linear interpolation); dilate(mask, n) by a square or cube of n
// voxels, erode(mask, n) by n steps of the face-connected cross, border(mask);
// parentheses. For example "I > pct(99.75) & !L" or "dilate(L, 10) - L".
const (
	maxExprLen   = 1000
	maxExprDepth = 50
)

// node is a parsed expression. Masks and numbers are told apart while parsing.
type node struct {
	op     string // L Y true false | ^ & - ! cmp… dilate erode border I lit pct neg + * /
	isMask bool
	value  float64 // lit, pct: the number; dilate, erode: the steps
	args   []*node
}

// usesImage tells whether I is needed.
func (n *node) usesImage() bool {
	if n.op == "I" || n.op == "pct" {
		return true
	}
	for _, a := range n.args {
		if a.usesImage() {
			return true
		}
	}
	return false
}

type parser struct {
	toks  []string
	pos   int
	depth int
}

// parseExpr parses text to a mask expression. Errors name the token.
func parseExpr(text string) (*node, error) {
	if len(text) > maxExprLen {
		return nil, fmt.Errorf("eligibility: expression of %d characters, at most %d", len(text), maxExprLen)
	}
	toks, err := tokens(text)
	if err != nil {
		return nil, err
	}
	p := &parser{toks: toks}
	n, err := p.binary(0)
	if err != nil {
		return nil, err
	}
	if p.peek() != "" {
		return nil, fmt.Errorf("eligibility: unexpected %q in %q", p.peek(), text)
	}
	if !n.isMask {
		return nil, fmt.Errorf("eligibility: %q is a number, not a mask; compare it with something", text)
	}
	return n, nil
}

func tokens(text string) ([]string, error) {
	var toks []string
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t':
			i++
		case isLetter(c):
			j := i
			for j < len(text) && isLetter(text[j]) {
				j++
			}
			toks = append(toks, text[i:j])
			i = j
		case c >= '0' && c <= '9' || c == '.':
			j := i
			for j < len(text) && (text[j] >= '0' && text[j] <= '9' || text[j] == '.' || text[j] == 'e' ||
				(text[j] == '-' || text[j] == '+') && text[j-1] == 'e') {
				j++
			}
			toks = append(toks, text[i:j])
			i = j
		case strings.IndexByte("<>=!", c) >= 0 && i+1 < len(text) && text[i+1] == '=':
			toks = append(toks, text[i:i+2])
			i += 2
		case strings.IndexByte("<>!|&^-+*/(),", c) >= 0:
			toks = append(toks, text[i:i+1])
			i++
		default:
			return nil, fmt.Errorf("eligibility: unexpected character %q", c)
		}
	}
	return toks, nil
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func (p *parser) peek() string {
	if p.pos < len(p.toks) {
		return p.toks[p.pos]
	}
	return ""
}

func (p *parser) take(want string) error {
	if p.peek() != want {
		return fmt.Errorf("eligibility: %q expected, have %q", want, p.peek())
	}
	p.pos++
	return nil
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxExprDepth {
		return fmt.Errorf("eligibility: nested deeper than %d", maxExprDepth)
	}
	return nil
}

// levels are the binary operators, loosest first. Which of them take masks and
// which numbers is checked when a node is joined; "-" is in two levels, and
// takes masks in the first and numbers in the second.
var levels = [][]string{
	{"|", "^"},
	{"&"},
	{"<", "<=", ">", ">=", "==", "!="},
	{"+", "-"},
	{"*", "/"},
}

func (p *parser) binary(level int) (*node, error) {
	if level == len(levels) {
		return p.unary()
	}
	left, err := p.binary(level + 1)
	if err != nil {
		return nil, err
	}
	for contains(levels[level], p.peek()) {
		op := p.peek()
		p.pos++
		right, err := p.binary(level + 1)
		if err != nil {
			return nil, err
		}
		if left, err = join(op, left, right); err != nil {
			return nil, err
		}
		if err := p.enter(); err != nil { // a chain is as deep as it is long
			return nil, err
		}
	}
	return left, nil
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func join(op string, a, b *node) (*node, error) {
	if a.isMask != b.isMask {
		return nil, fmt.Errorf("eligibility: %q between a mask and a number", op)
	}
	n := &node{op: op, args: []*node{a, b}}
	switch op {
	case "|", "&", "^":
		if !a.isMask {
			return nil, fmt.Errorf("eligibility: %q takes masks", op)
		}
		n.isMask = true
	case "-":
		n.isMask = a.isMask
		if !a.isMask {
			n.op = "sub"
		}
	case "+", "*", "/":
		if a.isMask {
			return nil, fmt.Errorf("eligibility: %q takes numbers", op)
		}
	default: // comparisons
		if a.isMask {
			return nil, fmt.Errorf("eligibility: %q compares numbers", op)
		}
		n.isMask = true
	}
	return n, nil
}

func (p *parser) unary() (*node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	tok := p.peek()
	p.pos++
	switch tok {
	case "!", "-":
		arg, err := p.unary()
		if err != nil {
			return nil, err
		}
		if arg.isMask != (tok == "!") {
			return nil, fmt.Errorf("eligibility: %q before the wrong kind of operand", tok)
		}
		if tok == "-" {
			tok = "neg"
		}
		return &node{op: tok, isMask: arg.isMask, args: []*node{arg}}, nil
	case "(":
		n, err := p.binary(0)
		if err != nil {
			return nil, err
		}
		return n, p.take(")")
	case "L", "Y", "true", "false":
		return &node{op: tok, isMask: true}, nil
	case "I":
		return &node{op: tok}, nil
	case "pct", "dilate", "erode", "border":
		return p.call(tok)
	case "":
		return nil, fmt.Errorf("eligibility: expression ends where an operand is expected")
	}
	v, err := strconv.ParseFloat(tok, 64)
	if err != nil || tok[0] != '.' && (tok[0] < '0' || tok[0] > '9') {
		return nil, fmt.Errorf("eligibility: unknown word %q (known: L Y I true false pct dilate erode border)", tok)
	}
	return &node{op: "lit", value: v}, nil
}

// call parses the arguments of a function.
func (p *parser) call(name string) (*node, error) {
	if err := p.take("("); err != nil {
		return nil, err
	}
	n := &node{op: name, isMask: name != "pct"}
	if n.isMask {
		arg, err := p.binary(0)
		if err != nil {
			return nil, err
		}
		if !arg.isMask {
			return nil, fmt.Errorf("eligibility: %s takes a mask", name)
		}
		n.args = []*node{arg}
	}
	if name == "dilate" || name == "erode" {
		if err := p.take(","); err != nil {
			return nil, err
		}
	}
	if name != "border" {
		v, err := strconv.ParseFloat(p.peek(), 64)
		if err != nil || !(v >= 0 && v <= 100) {
			return nil, fmt.Errorf("eligibility: %s wants a number in 0..100, has %q", name, p.peek())
		}
		p.pos++
		n.value = v
	}
	return n, p.take(")")
}

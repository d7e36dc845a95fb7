package label

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// named accepts the numbers and names that a recipe lists: segments and ROIs.
type named struct {
	numbers  []int
	patterns []*regexp.Regexp
	text     string // as the recipe has it, for messages
}

// parseNamed takes a number, a name or a list of them. Names are globs (* ? []),
// or regular expressions that match the whole name with
// regex=true; ignore_case=true makes upper and lower case one. Space around a name in a file
// does not count.
func parseNamed(arg any, options map[string]any) (named, error) {
	list, ok := arg.([]any)
	if !ok {
		list = []any{arg}
	}
	n := named{text: fmt.Sprint(list)}
	for _, item := range list {
		switch v := item.(type) {
		case int64:
			n.numbers = append(n.numbers, int(v))
		case string:
			p, err := compileName(v, options["regex"] == true, options["ignore_case"] == true)
			if err != nil {
				return n, err
			}
			n.patterns = append(n.patterns, p)
		default:
			return n, fmt.Errorf("%v (%T) is neither a number nor a name", item, item)
		}
	}
	if len(list) == 0 {
		return n, fmt.Errorf("no name")
	}
	return n, nil
}

func compileName(name string, isRegexp, ignoreCase bool) (*regexp.Regexp, error) {
	expr := name
	if !isRegexp {
		if _, err := path.Match(name, ""); err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		expr = globExpr(strings.TrimSpace(name))
	}
	if ignoreCase {
		expr = "(?i:" + expr + ")"
	}
	p, err := regexp.Compile(`(?s)^(?:` + expr + `)$`)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	return p, nil
}

// globExpr is the regular expression of a glob; a slash is a character as any.
func globExpr(glob string) string {
	var out strings.Builder
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case c == '*':
			out.WriteString(".*")
		case c == '?':
			out.WriteString(".")
		case c == '[':
			end := i + strings.IndexByte(glob[i:], ']')
			out.WriteString(glob[i : end+1])
			i = end
		case c == '\\' && i+1 < len(glob):
			i++
			out.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		case c < 0x80:
			out.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

func (n named) match(number int, name string) bool {
	name = strings.TrimSpace(name)
	return slices.Contains(n.numbers, number) || slices.ContainsFunc(n.patterns, func(p *regexp.Regexp) bool { return p.MatchString(name) })
}

// tableOf splits what a Maker is given into the selector's own value and its
// options, of which flags have to be booleans.
func tableOf(key string, arg any, flags ...string) (any, map[string]any, error) {
	table, ok := arg.(map[string]any)
	if !ok {
		return arg, nil, nil
	}
	for _, flag := range flags {
		if v, ok := table[flag]; ok {
			if _, ok := v.(bool); !ok {
				return nil, nil, fmt.Errorf("%s is true or false, not %v", flag, v)
			}
		}
	}
	return table[key], table, nil
}

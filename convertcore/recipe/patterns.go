package recipe

import (
	"fmt"
	"regexp"
)

// Patterns are alternatives in order of preference: of a case's files, those
// that the first matching pattern finds are used. In TOML a lone pattern is a
// string.
type Patterns []string

// UnmarshalText takes the string of a lone pattern.
func (p *Patterns) UnmarshalText(text []byte) error {
	*p = Patterns{string(text)}
	return nil
}

// Replace is pairs of a regular expression (RE2) and what replaces its matches
// ($1 is its first group), applied to an ID one after the other.
type Replace [][]string

const maxReplace = 16

type replacer []struct {
	re *regexp.Regexp
	to string
}

func (r Replace) compile() (replacer, error) {
	if len(r) > maxReplace {
		return nil, fmt.Errorf("more than %d replacements", maxReplace)
	}
	var out replacer
	for _, pair := range r {
		if len(pair) != 2 {
			return nil, fmt.Errorf("%q is no pair of a regular expression and a replacement", pair)
		}
		re, err := regexp.Compile(pair[0])
		if err != nil {
			return nil, err
		}
		out = append(out, struct {
			re *regexp.Regexp
			to string
		}{re, pair[1]})
	}
	return out, nil
}

func (r replacer) apply(text string) string {
	for _, x := range r {
		text = x.re.ReplaceAllString(text, x.to)
	}
	return text
}

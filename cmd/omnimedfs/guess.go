package main

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore/format"
)

// guess is a pattern that files of a record seem to follow.
type guess struct {
	pattern string
	id      string // what case IDs are made of, where it is not {case}
	label   bool   // the names say so
	keys    map[string]bool
	example string
	key     string // of example
}

// labelWords are parts of names that labels have.
var labelWords = regexp.MustCompile(`(?i)(mask|label|seg(?:mentation)?s?(?:[^a-z]|$)|annot|ground.?truth|(?:^|[^a-z])gt(?:[^a-z]|$)|manual|contour)`)

// guessPatterns sorts paths that look like images into patterns. Elements of
// paths that few values have are literal, the others tell the case.
func guessPatterns(paths []string) []guess {
	shapes := map[string][][]string{}
	for _, p := range paths {
		if _, err := format.For(p, nil); err != nil || strings.HasPrefix(path.Base(p), ".") || strings.Contains(p, "__MACOSX/") {
			continue
		}
		elems := strings.Split(p, "/")
		key := fmt.Sprint(len(elems), extension(p))
		shapes[key] = append(shapes[key], elems)
	}
	var out []guess
	for _, list := range shapes {
		variable := variableElements(list)
		groups := map[string][][]string{}
		for _, elems := range list {
			var lits []string
			for i, e := range elems[:len(elems)-1] {
				if !variable[i] {
					lits = append(lits, e)
				}
			}
			key := strings.Join(lits, "/")
			groups[key] = append(groups[key], elems)
		}
		for _, g := range groups {
			out = append(out, split(g, variable)...)
		}
	}
	slices.SortFunc(out, func(a, b guess) int {
		return cmp.Or(cmp.Compare(len(b.keys), len(a.keys)), strings.Compare(a.pattern, b.pattern))
	})
	return out
}

func extension(p string) string {
	if strings.HasSuffix(strings.ToLower(p), ".nii.gz") {
		return p[len(p)-7:]
	}
	return path.Ext(p)
}

// variableElements tells which folders differ from case to case: those with
// more values than splits, sequences and classes have.
func variableElements(list [][]string) []bool {
	out := make([]bool, len(list[0])-1)
	for i := range out {
		values := map[string]bool{}
		for _, elems := range list {
			values[elems[i]] = true
		}
		out[i] = len(values) > max(12, min(50, len(list)/20)) || len(values) > 2 && len(list) <= 3*len(values)
	}
	return out
}

// split makes patterns of files whose literal folders are the same: one for each
// ending of the names that many have.
func split(g [][]string, variable []bool) []guess {
	byEnd := map[string][][]string{}
	for _, elems := range g {
		end := ending(elems, variable)
		byEnd[end] = append(byEnd[end], elems)
	}
	for end, list := range byEnd { // endings that few have are parts of names
		if end != "" && len(byEnd) > 1 && len(list)*8 < len(g) {
			byEnd[""] = append(byEnd[""], list...)
			delete(byEnd, end)
		}
	}
	var out []guess
	for end, list := range byEnd {
		out = append(out, newGuess(list, variable, end))
	}
	return out
}

var lastWord = regexp.MustCompile(`^(.+?)([_-][A-Za-z][A-Za-z0-9]*(?:[_-](?:mask|seg|label|gt))?)$`)

// ending is what of a file's stem tells not the case but the kind: what follows
// the case's folder name, or a last word of letters.
func ending(elems []string, variable []bool) string {
	stem := strings.TrimSuffix(elems[len(elems)-1], extension(elems[len(elems)-1]))
	for i := len(variable) - 1; i >= 0; i-- {
		if rest, ok := strings.CutPrefix(stem, elems[i]); ok && variable[i] {
			return rest
		}
	}
	if m := lastWord.FindStringSubmatch(stem); m != nil {
		return m[2]
	}
	return ""
}

// newGuess makes one pattern of files of one kind.
func newGuess(list [][]string, variable []bool, end string) guess {
	last := len(list[0]) - 1
	name := func(elems []string) string {
		return strings.TrimSuffix(strings.TrimSuffix(elems[last], extension(elems[last])), end)
	}
	at := -1 // the folder that names the case
	for i := range variable {
		if variable[i] {
			at = i
		}
	}
	same, few := at >= 0, map[string]bool{}
	folders := map[string]bool{}
	for _, elems := range list {
		few[elems[last]] = true
		if at >= 0 {
			folders[elems[at]] = true
			same = same && name(elems) == elems[at]
		}
	}
	g := guess{keys: map[string]bool{}, example: strings.Join(list[0], "/")}
	elems := slices.Clone(list[0])
	for i := range elems[:last] {
		elems[i] = escape(elems[i])
		if variable[i] {
			elems[i] = fmt.Sprintf("{part%d}", i)
		}
	}
	key := name
	tail := escape(end + extension(list[0][last]))
	switch {
	case at < 0:
		elems[last] = "{case}" + tail
	case same:
		elems[at], elems[last] = "{case}", "{case}"+tail
	case len(few) == 1: // the same name in every folder
		elems[at], elems[last] = "{case}", escape(list[0][last])
		key = func(elems []string) string { return elems[at] }
	case len(list) > 3*len(folders)/2: // several files a folder
		elems[at], elems[last] = "{case}", "*"+escape(extension(list[0][last]))
		key = func(elems []string) string { return elems[at] }
	default:
		elems[at], elems[last] = "{folder}", "{case}"+tail
		g.id = "{folder}_{case}"
		key = func(elems []string) string { return elems[at] + "_" + name(elems) }
	}
	g.pattern = strings.Join(elems, "/")
	g.label = labelWords.MatchString(g.pattern)
	for _, e := range list {
		g.keys[key(e)] = true
	}
	g.key = key(list[0])
	return g
}

var special = strings.NewReplacer(`\`, `\\`, "{", `\{`, "}", `\}`, "*", `\*`)

func escape(s string) string { return special.Replace(s) }

package recipe

import (
	"reflect"
	"strings"
	"time"
)

// knownKeys lists the keys of the table that path leads to; none where path
// leads nowhere.
func knownKeys(path []string) []string {
	t := reflect.TypeFor[Recipe]()
	for _, key := range path {
		f, ok := fieldOf(t, key)
		if !ok {
			return nil
		}
		if t = f.Type; t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
		return nil
	}
	return keysOf(t)
}

// keysOf lists the keys of a struct and of those embedded in it.
func keysOf(t reflect.Type) (keys []string) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous {
			keys = append(keys, keysOf(f.Type)...)
		} else if key := f.Tag.Get("toml"); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	if t.Kind() != reflect.Struct {
		return reflect.StructField{}, false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			if in, ok := fieldOf(f.Type, key); ok {
				return in, true
			}
		}
		if f.Tag.Get("toml") == key {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// nearest returns the known word with the fewest edits from word, "" where
// none is near: more than half of the word would have to change. A word that is
// the beginning of a known one is near.
func nearest(word string, known []string) string {
	best, least := "", len(word)/2+1
	if len(word) > 64 {
		return ""
	}
	for _, k := range known {
		d := distance(word, k)
		if len(word) > 1 && strings.HasPrefix(k, word) {
			d = 0
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is Levenshtein's, in bytes, where two neighbors that changed places
// are one edit.
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, next[j]+1, row[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}

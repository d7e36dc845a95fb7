package recipe

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// decisive names the keys that decide the converted bytes and the list of
// cases. Titles, licence, citation, evidence, examples and comments are left
// out: mending them must not throw away what was converted.
var decisive = []string{"schema", "id", "dim", "source", "case", "channel", "class", "split", "table"}

// decisiveFirst are the keys of the first schema, which are hashed also where
// they are empty.
var decisiveFirst = []string{"schema", "id", "dim", "source", "case", "channel", "class", "split"}

// digest hashes the decisive keys as JSON, whose maps are sorted by key. What
// is empty is left out, so that a key that a later schema adds changes the hash
// of no recipe that does not use it.
func (r *Recipe) digest() ([32]byte, error) {
	all := filled(reflect.ValueOf(*r)).(map[string]any)
	part := map[string]any{}
	for _, key := range decisive {
		if v, ok := all[key]; ok || slices.Contains(decisiveFirst, key) {
			part[key] = v
		}
	}
	text, err := json.Marshal(part)
	if err != nil { // NaN in a selector, say
		return [32]byte{}, fmt.Errorf("recipe cannot be hashed: %w", err)
	}
	return sha256.Sum256(text), nil
}

// filled turns structs into maps by their TOML keys, without what is empty.
func filled(v reflect.Value) any {
	if p, ok := v.Interface().(Patterns); ok && len(p) == 1 {
		return p[0]
	}
	switch v.Kind() {
	case reflect.Pointer:
		return filled(v.Elem())
	case reflect.Struct:
		out := map[string]any{}
		for i := range v.NumField() {
			if v.Type().Field(i).Anonymous {
				maps.Copy(out, filled(v.Field(i)).(map[string]any))
				continue
			}
			key := v.Type().Field(i).Tag.Get("toml")
			if key != "" && !empty(v.Field(i)) {
				out[key] = filled(v.Field(i))
			}
		}
		return out
	case reflect.Slice:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = filled(v.Index(i))
		}
		return out
	}
	return v.Interface()
}

func empty(v reflect.Value) bool {
	if v.Kind() == reflect.Struct { // zero but for slices that are empty and not nil
		return len(filled(v).(map[string]any)) == 0
	}
	return v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 || v.Kind() == reflect.Map && v.Len() == 0
}

// Package label turns raw labels into binary masks: selectors that say which
// pixels of a decoded label belong to a class. One file is one selector; each
// registers itself under the key that recipes use.
package label

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// Maker makes a selector of a TOML value: bool, int64, float64, string, []any
// or map[string]any. Where the table in the recipe has options beside the
// selector's key, it is given the whole table.
type Maker func(arg any) (convertcore.Selector, error)

type entry struct {
	make    Maker
	options []string
}

var registry = map[string]entry{}

// Register adds a selector; it is called from init. A name or option that is
// taken panics, as that is a mistake of the program.
func Register(name string, make Maker, options ...string) {
	if _, ok := registry[name]; ok {
		panic("label: " + name + " registered twice")
	}
	registry[name] = entry{make, options}
}

// Names returns the keys of all selectors, sorted.
func Names() []string { return slices.Sorted(maps.Keys(registry)) }

// New makes the selector that a table describes: one selector's key and its
// options, such as {values=[1,"55-70"]} or {color="#ff0000", tolerance=10}.
func New(table map[string]any) (convertcore.Selector, error) {
	name := ""
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if _, ok := registry[key]; !ok {
			continue
		}
		if name != "" && slices.Contains(registry[key].options, name) {
			name = key // another selector is an option of this one
			continue
		}
		if name != "" && !slices.Contains(registry[name].options, key) {
			return nil, fmt.Errorf("select: both %s and %s", name, key)
		}
		if name == "" {
			name = key
		}
	}
	if name == "" {
		return nil, fmt.Errorf("select: none of %s", strings.Join(Names(), ", "))
	}
	e := registry[name]
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if key != name && !slices.Contains(e.options, key) {
			return nil, fmt.Errorf("select: %s is no option of %s", key, name)
		}
	}
	arg := table[name]
	if len(table) > 1 {
		arg = table
	}
	s, err := e.make(arg)
	if err != nil {
		return nil, fmt.Errorf("select: %s: %w", name, err)
	}
	return s, nil
}

// number takes a TOML number.
func number(v any) (float64, error) {
	switch v := v.(type) {
	case int64:
		if v < -maxExact || v > maxExact {
			return 0, fmt.Errorf("%d is beyond 2^53", v)
		}
		return float64(v), nil
	case int:
		return number(int64(v))
	case float64:
		if v != v {
			return 0, fmt.Errorf("not a number")
		}
		return v, nil
	}
	return 0, fmt.Errorf("%v (%T) is not a number", v, v)
}

// maxExact is the largest integer up to which float64 holds them all.
const maxExact = 1 << 53

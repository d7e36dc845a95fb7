package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// maxFile bounds a recipe: the longest fixed splits are some 100 kB.
const maxFile = 4 << 20

// Parse reads a recipe strictly: an unknown key is an error. Errors name the
// file, the line and, for an unknown key, the nearest known one. What a recipe
// must hold beyond its grammar is told by Lint.
func Parse(name string, data []byte) (*Recipe, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: longer than %d bytes", name, maxFile)
	}
	r := new(Recipe)
	dec := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	if err := dec.Decode(r); err != nil {
		return nil, explain(name, err)
	}
	if r.Schema != SchemaVersion {
		return nil, fmt.Errorf("%s: schema = %d, but this program reads schema %d", name, r.Schema, SchemaVersion)
	}
	if r.Published.IsZero() {
		year := r.Citation.Year
		if year == 0 {
			year = 1970
		}
		r.Published = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	hash, err := r.digest()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.hash = hash
	return r, nil
}

// explain turns the decoder's errors into one line each.
func explain(name string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) {
		var all []error
		for i := range strict.Errors {
			all = append(all, explainUnknown(name, &strict.Errors[i]))
		}
		return errors.Join(all...)
	}
	var de *toml.DecodeError
	if errors.As(err, &de) {
		line, col := de.Position()
		return fmt.Errorf("%s:%d:%d: %w", name, line, col, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

func explainUnknown(name string, de *toml.DecodeError) error {
	line, _ := de.Position()
	key := de.Key()
	if len(key) == 0 {
		return fmt.Errorf("%s:%d: unknown key", name, line)
	}
	parent, last := key[:len(key)-1], key[len(key)-1]
	near := nearest(last, knownKeys(parent))
	if near == "" {
		return fmt.Errorf("%s:%d: unknown key %q", name, line, last)
	}
	return fmt.Errorf("%s:%d: unknown key %q (did you mean %q?)", name, line, last, near)
}

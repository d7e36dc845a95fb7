package recipe

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

//go:embed datasets
var datasets embed.FS

// ShippedIndex returns the listing of a dataset's raw files that is in the program
// beside its recipe, as "omnimedfs recipe index" writes it.
func ShippedIndex(id string) ([]byte, bool) {
	data, err := datasets.ReadFile("datasets/" + id + ".index")
	return data, err == nil
}

// Catalog returns the recipes of all datasets, sorted by ID. An error names
// every problem of every file.
func Catalog() ([]*Recipe, error) { return load(datasets, "datasets") }

// LoadDir returns the recipes in the *.toml files of a folder, sorted by ID.
func LoadDir(dir string) ([]*Recipe, error) { return load(os.DirFS(dir), ".") }

func load(fsys fs.FS, dir string) ([]*Recipe, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	var out []*Recipe
	var errs []error
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".toml") || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		r, err := loadFile(fsys, path.Join(dir, e.Name()))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b *Recipe) int { return strings.Compare(a.ID, b.ID) })
	return out, errors.Join(errs...)
}

// loadFile reads one recipe. A file is named after the ID, so that no two
// recipes of a folder have the same one.
func loadFile(fsys fs.FS, name string) (*Recipe, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	r, err := Parse(name, data)
	if err != nil {
		return nil, err
	}
	var errs []error
	if base := path.Base(name); base != r.ID+".toml" {
		errs = append(errs, fmt.Errorf("%s: id is %q: the file must be called %s.toml", name, r.ID, r.ID))
	}
	for _, p := range Lint(r) {
		errs = append(errs, fmt.Errorf("%s: %s", name, p))
	}
	return r, errors.Join(errs...)
}

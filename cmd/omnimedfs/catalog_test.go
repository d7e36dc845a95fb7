package main

import (
	"slices"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/sources"
)

// What package recipe cannot ask: the platforms are those that package sources
// has. Loading the catalog has linted it, examples included.
func TestCatalogPlatforms(t *testing.T) {
	recipes, err := recipe.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, r := range recipes {
		if !slices.Contains(sources.Platforms(), r.Source.Platform) {
			t.Errorf("%s: platform %q is not registered", r.ID, r.Source.Platform)
		}
		if ids[r.ID] {
			t.Errorf("%s: two recipes have this ID", r.ID)
		}
		ids[r.ID] = true
	}
}

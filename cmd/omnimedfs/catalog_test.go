package main

import (
	"errors"
	"slices"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/sources"
)

// What package recipe cannot ask: the platforms are those that package sources
// has, and each understands the records that are asked of it. Loading the
// catalog has linted it, examples included.
func TestCatalogPlatforms(t *testing.T) {
	recipes, err := recipe.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("KAGGLE_USERNAME", "a") // without a token there is no listing to refuse
	t.Setenv("KAGGLE_KEY", "b")
	client := sources.NewClient(sources.Options{Offline: true})
	defer client.Close()
	ids, records := map[string]bool{}, map[[2]string]bool{}
	for _, r := range recipes {
		if ids[r.ID] {
			t.Errorf("%s: two recipes have this ID", r.ID)
		}
		ids[r.ID] = true
		places := [][2]string{{r.Source.Platform, r.Source.Record}}
		for _, f := range r.Source.Files {
			platform, record := r.Source.Place(&f)
			if f.URL != "" {
				record = ""
			}
			places = append(places, [2]string{platform, record})
		}
		for _, p := range places {
			if !slices.Contains(sources.Platforms(), p[0]) {
				t.Errorf("%s: platform %q is not registered", r.ID, p[0])
				continue
			}
			if p[0] == "http" || p[1] == "" || records[p] { // files with URLs need no record
				continue
			}
			records[p] = true
			s, err := client.Source(p[0])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Files(t.Context(), p[1]); err != nil && !errors.Is(err, sources.ErrOffline) {
				t.Errorf("%s: %s record %q: %v", r.ID, p[0], p[1], err)
			}
		}
	}
	if len(records) < 100 {
		t.Errorf("%d records", len(records))
	}
}

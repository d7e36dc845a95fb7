package recipe

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// all returns the recipes of both catalogs.
func all(t *testing.T) []*Recipe {
	t.Helper()
	var out []*Recipe
	for _, list := range []func() ([]*Recipe, error){Catalog, Demo} {
		rs, err := list()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rs...)
	}
	return out
}

// TestConformance is what every recipe passes, examples included: Lint runs
// them.
func TestConformance(t *testing.T) {
	seen, hashes := map[string]bool{}, map[[32]byte]string{}
	for _, r := range all(t) {
		t.Run(r.ID, func(t *testing.T) {
			for _, p := range Lint(r) {
				t.Error(p)
			}
			if seen[r.ID] {
				t.Error("the ID is in both catalogs")
			}
			seen[r.ID] = true
			if other, ok := hashes[r.Hash()]; ok || r.Hash() == [32]byte{} {
				t.Errorf("hash %x is that of %q", r.Hash(), other)
			}
			hashes[r.Hash()] = r.ID
			text, err := toml.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := Parse(r.ID, text); err != nil || again.Hash() != r.Hash() {
				t.Errorf("written and read again it is another recipe: %v", err)
			}
			if !r.RawOnly() && !slices.ContainsFunc(r.Examples, func(e Example) bool { return e.Case != "" }) {
				t.Error("no example of an image")
			}
			if c := r.Converter().(*converter); c.err != nil {
				t.Error(c.err)
			}
		})
	}
}

func TestCatalogsAreSorted(t *testing.T) {
	for name, list := range map[string]func() ([]*Recipe, error){"catalog": Catalog, "demo": Demo} {
		rs, err := list()
		if err != nil {
			t.Fatal(err)
		}
		if len(rs) < 2 || !slices.IsSortedFunc(rs, func(a, b *Recipe) int { return strings.Compare(a.ID, b.ID) }) {
			t.Errorf("%s: %d recipes, or not sorted", name, len(rs))
		}
	}
}

func TestDemoIsSmallAndLicensed(t *testing.T) {
	const limit = 4 << 20
	total := int64(0)
	err := fs.WalkDir(DemoFS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		st, err := d.Info()
		total += st.Size()
		return err
	})
	if err != nil || total > limit {
		t.Errorf("demo of %d bytes, limit %d: %v", total, limit, err)
	}
	rs, err := Demo()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if r.Source.Platform != "embedded" {
			t.Errorf("%s: platform %s", r.ID, r.Source.Platform)
		}
		for _, name := range []string{"LICENSE", r.Source.Files[0].Name} {
			if _, err := fs.Stat(DemoFS(), r.Source.Record+"/"+name); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestLoadDir(t *testing.T) {
	dir := t.TempDir()
	good, err := fs.ReadFile(datasets, "datasets/msd-spleen.toml")
	if err != nil {
		t.Fatal(err)
	}
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("msd-spleen.toml", string(good))
	put("notes.txt", "no recipe")
	rs, err := LoadDir(dir)
	if err != nil || len(rs) != 1 || rs[0].ID != "msd-spleen" {
		t.Fatalf("%d recipes, %v", len(rs), err)
	}
	put("other.toml", string(good))
	put("broken.toml", "schema = 1\nid =")
	rs, err = LoadDir(dir)
	if err == nil || len(rs) != 1 {
		t.Fatalf("%d recipes, error %v", len(rs), err)
	}
	for _, want := range []string{"other.toml: id is", "broken.toml:2"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q:\n%v", want, err)
		}
	}
	if _, err := LoadDir(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent folder: %v", err)
	}
}

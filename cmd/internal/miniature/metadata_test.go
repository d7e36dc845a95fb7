package miniature

import (
	"encoding/json"
	"fmt"
	iofs "io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// checkSizes walks the dataset's folder: sizes are exact, and there is what is wanted and
// nothing else.
func checkSizes(t *testing.T, root tree.Dir, dir string, want map[string]bool) {
	t.Helper()
	ctx := t.Context()
	seen := 0
	err := tree.Walk(ctx, root, func(path string, n tree.Node, err error) error {
		if _, ok := n.(tree.Dir); ok && path != "." && !strings.HasPrefix(dir, path+"/") && !strings.HasPrefix(path, dir) {
			return iofs.SkipDir
		}
		f, ok := n.(tree.File)
		if err != nil || !ok {
			return err
		}
		size, err := f.Size(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		b, err := f.Open(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		defer b.Close()
		data, err := blob.ReadAll(b)
		if err != nil || int64(len(data)) != size {
			t.Errorf("%s: %d bytes of %d: %v", path, len(data), size, err)
		}
		rel := strings.TrimPrefix(path, dir)
		if strings.HasPrefix(rel, "images/") || strings.HasPrefix(rel, "labels/") {
			if seen++; !want[rel] {
				t.Errorf("%s is served and should not be", path)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if seen != len(want) {
		t.Errorf("%d images and masks are served, want %d", seen, len(want))
	}
}

func checkMetadata(t *testing.T, fsys iofs.FS, dir string, r *recipe.Recipe, o *Origin, want map[string]bool) {
	t.Helper()
	var mapping struct {
		Files map[string]struct {
			Case string
			Raw  []struct{ Path string }
		}
	}
	if err := json.Unmarshal(read(t, fsys, dir+"metadata/mapping.json"), &mapping); err != nil {
		t.Error(err)
	}
	for name := range mapping.Files {
		if !want[name] {
			t.Errorf("mapping.json has %s", name)
		}
	}
	splits := map[string][]string{"train": {}, "val": {}, "test": {}}
	for _, c := range o.Cases {
		if c.Split != "" {
			splits[c.Split] = append(splits[c.Split], c.ID)
		}
		for key, paths := range c.Raw {
			kind, name, _ := strings.Cut(key, "/")
			file := kind + "/" + name + "/" + c.ID
			if kind == "images" {
				file = strings.TrimSuffix("images/"+c.ID+"_"+name, "_")
			}
			m, ok := mapping.Files[file+r.Form().Ext()]
			var got []string
			for _, x := range m.Raw {
				got = append(got, x.Path)
				if _, err := iofs.Stat(fsys, dir+x.Path); err != nil {
					t.Error(err)
				}
			}
			slices.Sort(got)
			var exp []string
			for _, p := range paths {
				exp = append(exp, dataset.RawPath(p))
			}
			slices.Sort(exp)
			if !ok || m.Case != c.ID || !slices.Equal(got, exp) {
				t.Errorf("mapping.json: %s is of %q, want %q", file, got, exp)
			}
		}
	}
	var got map[string][]string
	if err := json.Unmarshal(read(t, fsys, dir+"metadata/splits.json"), &got); err != nil || fmt.Sprint(got) != fmt.Sprint(splits) {
		t.Errorf("splits.json has %v, want %v (%v)", got, splits, err)
	}
	if text := string(read(t, fsys, dir+"metadata/LICENSE")); !strings.Contains(text, r.License) {
		t.Errorf("LICENSE does not name %s", r.License)
	}
	if text := string(read(t, fsys, dir+"metadata/CITATION.bib")); !strings.HasPrefix(text, "@") || !strings.Contains(text, r.ID) {
		t.Errorf("CITATION.bib: %s", text)
	}
}

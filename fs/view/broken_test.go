package view

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/archive"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// TestBrokenArchive: of a dataset in several archives, one that is broken
// hides its own cases and says so; but a label is never missed silently.
func TestBrokenArchive(t *testing.T) {
	var pixel bytes.Buffer
	if err := png.Encode(&pixel, image.NewGray(image.Rect(0, 0, 4, 4))); err != nil {
		t.Fatal(err)
	}
	zipped := func(names ...string) []byte {
		var buf bytes.Buffer
		z := zip.NewWriter(&buf)
		for _, n := range names {
			w, err := z.Create(n)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(pixel.Bytes())
		}
		z.Close()
		return buf.Bytes()
	}
	const layout = `
[case]
image = "part{n}.zip!/{case}.png"
[[class]]
name = "cell"
label = "%s"
optional = %v
select = { above = 0 }`
	bad := []byte("no zip")
	tests := []struct {
		name  string
		label string
		files map[string][]byte
		cases int  // -1: the dataset fails
		must  bool // the label is not optional: its files are listed and fail
	}{
		{"whole", "part{n}.zip!/masks/{case}.png", map[string][]byte{"part1.zip": zipped("a.png", "masks/a.png"), "part2.zip": zipped("b.png", "masks/b.png")}, 2, false},
		{"some cases", "part{n}.zip!/masks/{case}.png", map[string][]byte{"part1.zip": zipped("a.png", "masks/a.png"), "part2.zip": bad}, 1, false},
		{"all cases", "part{n}.zip!/masks/{case}.png", map[string][]byte{"part1.zip": bad}, -1, false},
		{"labels", "masks.zip!/{case}.png", map[string][]byte{"part1.zip": zipped("a.png"), "masks.zip": bad}, -1, false},
		{"labels that must be", "masks.zip!/{case}.png", map[string][]byte{"part1.zip": zipped("a.png"), "masks.zip": bad}, 1, true},
		{"something else", "masks.zip!/{case}.png", map[string][]byte{"part1.zip": zipped("a.png", "b.png"), "masks.zip": zipped("a.png"), "docs.zip": bad}, 2, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for n, data := range tt.files {
				os.WriteFile(filepath.Join(dir, n), data, 0o644)
			}
			head, _, _ := strings.Cut(cellsRecipe, "[case]")
			r, err := recipe.Parse("cells.toml", []byte(fmt.Sprintf(head, dir)+fmt.Sprintf(layout, tt.label, !tt.must)))
			if err != nil {
				t.Fatal(err)
			}
			env := newEnv(t)
			d := dataset.New(r, env)
			err = d.Load(context.Background())
			if tt.cases < 0 {
				if !errors.Is(err, archive.ErrFormat) {
					t.Errorf("%v, want the archive's own error", err)
				}
			} else if err != nil || d.NumCases() != tt.cases {
				t.Fatalf("%v", err)
			}
			if tt.must {
				root := Root(&Catalog{Datasets: []*dataset.Dataset{d}})
				if err := readNode(root, "datasets/cells/labels/cell/a.png"); !errors.Is(err, archive.ErrFormat) {
					t.Errorf("reading the label: %v", err)
				}
			}
			if tt.cases > 0 {
				listedFromIndex(t, r, d, dir)
			}
			kept, err := env.Failures.Below("datasets/" + r.ID)
			if broken := bytes.Equal(tt.files["part1.zip"], bad) || bytes.Equal(tt.files["part2.zip"], bad) || bytes.Equal(tt.files["masks.zip"], bad) || tt.files["docs.zip"] != nil; err != nil || broken != (len(kept) == 1) {
				t.Errorf("failures kept: %+v, %v", kept, err)
			}
		})
	}
}

// listedFromIndex lists the dataset from its shipped index, with all of its
// files gone.
func listedFromIndex(t *testing.T, r *recipe.Recipe, d *dataset.Dataset, dir string) {
	t.Helper()
	x, err := d.BuildIndex(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	data, err := x.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	env := newEnv(t)
	env.Index = func(id string) ([]byte, bool) { return data, id == r.ID }
	again := dataset.New(r, env)
	if err := again.Load(context.Background()); err != nil || again.NumCases() != d.NumCases() || again.Raw().Len() != d.Raw().Len() {
		t.Errorf("from the index: %d raw files, want %d: %v", again.Raw().Len(), d.Raw().Len(), err)
	}
}

func readNode(root tree.Dir, path string) error {
	ctx := context.Background()
	n, err := tree.Find(ctx, root, path)
	if err != nil {
		return err
	}
	b, err := n.(tree.File).Open(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	_, err = blob.ReadAll(b)
	return err
}

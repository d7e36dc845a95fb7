package miniature

import (
	"bytes"
	"context"
	iofs "io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	datafs "github.com/omnimedseg/omnimedfs/fs"
	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// throughKernel are recipes of different kinds that are mounted for real: PNG,
// volumes, channels, series with segmentations, arrays, shapes.
var throughKernel = []string{"dsb2018-bbbc038", "msd-spleen", "msd-task01-braintumour", "c4kc-kits", "histo-miner", "cystods", "figshare-brain-tumor-cheng"}

// TestKernel reads miniatures through the kernel: names, sizes and bytes are
// those of the tree that TestCatalog compares with the truth.
func TestKernel(t *testing.T) {
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("no /dev/fuse here:", err)
	}
	recipes, err := recipe.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("KAGGLE_USERNAME", "user")
	t.Setenv("KAGGLE_KEY", "secret")
	byID := map[string]*recipe.Recipe{}
	for _, r := range recipes {
		byID[r.ID] = r
	}
	for _, id := range throughKernel {
		t.Run(id, func(t *testing.T) {
			r := byID[id]
			if r == nil {
				t.Fatal("the catalog has no such recipe")
			}
			o, err := Build(r)
			if err != nil {
				t.Fatal(err)
			}
			root, served, _ := mount(t, r, o)
			dir := filepath.Join(t.TempDir(), "mnt")
			s, err := datafs.Mount(context.Background(), dir, root, datafs.Options{Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.Unmount(context.Background()); err != nil {
					t.Error(err)
				}
			}()
			readAll(t, filepath.Join(dir, "datasets", served.ID), tree.FS(root), "datasets/"+served.ID)
		})
	}
}

// readAll compares all files below a folder with those of the tree.
func readAll(t *testing.T, dir string, fsys iofs.FS, at string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(name string, e iofs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		st, err := os.Stat(name)
		if err != nil {
			return err
		}
		got, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		want, err := iofs.ReadFile(fsys, at+"/"+filepath.ToSlash(rel))
		if err != nil || !bytes.Equal(got, want) || st.Size() != int64(len(want)) {
			t.Errorf("%s: %d bytes, stat %d, want %d: %v", rel, len(got), st.Size(), len(want), err)
		}
		return nil
	})
	if err != nil || files < 8 {
		t.Errorf("%d files, %v", files, err)
	}
}

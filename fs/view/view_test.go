package view

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	iofs "io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/eval/robot"
	"github.com/omnimedseg/omnimedfs/fs/cache"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources"
)

const cellsRecipe = `schema = 1
id = "cells"
title = "Cells"
modality = "microscopy"
dim = 2
anatomy = "cells"
license = "CC0-1.0"
status = "verified"

[citation]
title = "Cells & more"
authors = ["Doe, J."]
year = 2020
doi = "10.0/x"

[source]
platform = "local"
record = %q

[case]
image = "cells.zip!/{case}/image.png"

[[class]]
name = "cell"
label = "cells.zip!/{case}/masks/*.png"
select = { above = 0 }

[[split]]
name = "test"
cases = ["c-1"]
`

// cases are named so that the order of IDs and of file names differ: "c-1.png"
// sorts before "c.png", "c" before "c-1".
var cases = []string{"c", "c-1", "d"}

// newCatalog makes a dataset of three cases with two instance masks each.
func newCatalog(t *testing.T, damage func(name string, data []byte) []byte) (tree.Dir, *dataset.Env) {
	t.Helper()
	dir := t.TempDir()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	add := func(name string, img image.Image) {
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		data := b.Bytes()
		if damage != nil {
			data = damage(name, data)
		}
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range cases {
		img := image.NewNRGBA(image.Rect(0, 0, 20+i, 10))
		for k := range img.Pix {
			img.Pix[k] = byte(k*7 + i)
		}
		add(c+"/image.png", img)
		for m := range 2 {
			mask := image.NewGray(img.Rect)
			mask.SetGray(m, i, color.Gray{Y: 255})
			add(fmt.Sprintf("%s/masks/%d.png", c, m), mask)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cells.zip"), buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := recipe.Parse("cells.toml", fmt.Appendf(nil, cellsRecipe, dir))
	if err != nil {
		t.Fatal(err)
	}
	env := newEnv(t)
	return Root(&Catalog{Datasets: []*dataset.Dataset{dataset.New(r, env)}}), env
}

func newEnv(t *testing.T) *dataset.Env {
	t.Helper()
	c, err := cache.Open(context.Background(), t.TempDir(), cache.Options{Limit: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	client := sources.NewClient(sources.Options{Facts: c.Facts(), Log: log})
	env := dataset.NewEnv(client, c, 64<<20, log)
	t.Cleanup(func() {
		env.Close()
		client.Close()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return env
}

// Every file's size before its first read is the number of bytes that a read
// gives, and the size afterwards.
func TestSizesAreExact(t *testing.T) {
	root, _ := newCatalog(t, nil)
	ctx := context.Background()
	files := 0
	err := tree.Walk(ctx, root, func(path string, n tree.Node, err error) error {
		if err != nil {
			return err
		}
		f, ok := n.(tree.File)
		if !ok {
			return nil
		}
		files++
		before, err := f.Size(ctx)
		if err != nil {
			return err
		}
		b, err := f.Open(ctx)
		if err != nil {
			return err
		}
		defer b.Close()
		n1, err := io.Copy(io.Discard, io.NewSectionReader(b, 0, 1<<40))
		if err != nil {
			return err
		}
		after, ok := f.KnownSize()
		if n1 != before || after != before || !ok {
			t.Errorf("%s: %d bytes before, %d read, %d after", path, before, n1, after)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// images, masks, metadata, raw, catalog; previews; nnunet and msd: images, label
	// maps, two texts; a prompt a user and mask
	if want := 3 + 3 + 5 + 9 + 4 + 3 + (3 + 3 + 2) + (3 + 2 + 2) + 3*len(robot.Names()); files != want {
		t.Errorf("%d files walked, want %d", files, want)
	}
}

func TestListing(t *testing.T) {
	root, _ := newCatalog(t, nil)
	fsys := tree.FS(root)
	for dir, want := range map[string]string{
		".":                                      "LICENSES.tsv README.txt by-anatomy by-class by-license by-modality catalog.json catalog.tsv datasets views",
		"datasets/cells":                         "images labels metadata preview raw splits",
		"datasets/cells/images":                  "c-1.png c.png d.png",
		"datasets/cells/labels":                  "cell",
		"datasets/cells/metadata":                "CITATION.bib LICENSE dataset.json mapping.json splits.json",
		"datasets/cells/raw":                     "cells.zip",
		"datasets/cells/raw/cells.zip":           "c c-1 d",
		"datasets/cells/raw/cells.zip/c":         "image.png masks",
		"by-modality":                            "microscopy",
		"datasets/cells/preview":                 "c-1.png c.png d.png",
		"datasets/cells/splits":                  "test",
		"datasets/cells/splits/test/labels/cell": "c-1.png",
		"views":                                  "bids msd nnunet prompts",
		"views/nnunet":                           "Dataset982_cells",
		"views/nnunet/Dataset982_cells/imagesTr": "c_0000.png d_0000.png",
		"views/nnunet/Dataset982_cells/labelsTs": "c-1.png",
		"views/msd/cells/imagesTs":               "c-1.png",
	} {
		entries, err := iofs.ReadDir(fsys, dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %s, want %s", dir, got, want)
		}
	}
	if _, err := iofs.Stat(fsys, "by-class/cell/cells/images/c.png"); err != nil {
		t.Error(err)
	}
	if _, err := iofs.Stat(fsys, "datasets/cells/images/c.nii"); !errors.Is(err, iofs.ErrNotExist) {
		t.Errorf("a PNG has a twin: %v", err)
	}
}

func TestPixels(t *testing.T) {
	root, _ := newCatalog(t, nil)
	fsys := tree.FS(root)
	for i, c := range cases {
		got, raw := decode(t, fsys, "datasets/cells/images/"+c+".png"), decode(t, fsys, "datasets/cells/raw/cells.zip/"+c+"/image.png")
		if !bytes.Equal(got.(*image.NRGBA).Pix, raw.(*image.NRGBA).Pix) {
			t.Errorf("image %s differs from its raw file", c)
		}
		mask := decode(t, fsys, "datasets/cells/labels/cell/"+c+".png").(*image.Gray)
		for y := range mask.Rect.Dy() {
			for x := range mask.Rect.Dx() {
				want := byte(0)
				if y == i && x < 2 {
					want = 255
				}
				if got := mask.GrayAt(x, y).Y; got != want {
					t.Fatalf("mask %s at %d,%d is %d, want %d", c, x, y, got, want)
				}
			}
		}
	}
}

func decode(t *testing.T, fsys iofs.FS, name string) image.Image {
	t.Helper()
	data, err := iofs.ReadFile(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return img
}

func TestMetadata(t *testing.T) {
	root, _ := newCatalog(t, nil)
	fsys := tree.FS(root)
	var mapping struct {
		Files map[string]struct {
			Case string
			Raw  []struct {
				Path, Sum string
				Size      int64
			}
		}
	}
	readJSON(t, fsys, "datasets/cells/metadata/mapping.json", &mapping)
	if len(mapping.Files) != 6 {
		t.Errorf("%d files mapped, want 6", len(mapping.Files))
	}
	m := mapping.Files["labels/cell/c-1.png"]
	if m.Case != "c-1" || len(m.Raw) != 2 || m.Raw[0].Path != "raw/cells.zip/c-1/masks/0.png" || !strings.HasPrefix(m.Raw[0].Sum, "crc32:") {
		t.Errorf("mapping of a mask: %+v", m)
	}
	for path, f := range mapping.Files {
		for _, r := range f.Raw {
			if st, err := iofs.Stat(fsys, "datasets/cells/"+r.Path); err != nil || st.Size() != r.Size {
				t.Errorf("%s: raw %s: %v, size %d", path, r.Path, err, r.Size)
			}
		}
	}
	var splits map[string][]string
	readJSON(t, fsys, "datasets/cells/metadata/splits.json", &splits)
	if fmt.Sprint(splits) != "map[test:[c-1] train:[] val:[]]" {
		t.Errorf("splits %v", splits)
	}
	var info struct {
		Cases   int
		Classes []string
		Masks   map[string]int
	}
	readJSON(t, fsys, "datasets/cells/metadata/dataset.json", &info)
	if info.Cases != 3 || info.Masks["cell"] != 3 {
		t.Errorf("dataset.json: %+v", info)
	}
	bib, err := iofs.ReadFile(fsys, "datasets/cells/metadata/CITATION.bib")
	if err != nil || !strings.Contains(string(bib), `title = {Cells \& more}`) {
		t.Errorf("citation: %v\n%s", err, bib)
	}
}

func readJSON(t *testing.T, fsys iofs.FS, name string, into any) {
	t.Helper()
	data, err := iofs.ReadFile(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// A damaged raw file fails the files made of it, with nothing kept, and no
// other.
func TestDamagedCase(t *testing.T) {
	root, env := newCatalog(t, func(name string, data []byte) []byte {
		if name == "d/masks/1.png" {
			data[len(data)/2] ^= 0x55
		}
		return data
	})
	fsys := tree.FS(root)
	for range 2 {
		data, err := iofs.ReadFile(fsys, "datasets/cells/labels/cell/d.png")
		if err == nil || len(data) > 0 || !strings.Contains(err.Error(), "cells: case d") {
			t.Errorf("%d bytes, %v", len(data), err)
		}
	}
	for _, name := range []string{"images/d.png", "labels/cell/c.png"} {
		if _, err := iofs.ReadFile(fsys, "datasets/cells/"+name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if env.Cache == nil {
		t.Error("nothing was cached at all")
	}
}

// A dataset whose layout is not known is its raw files and metadata.
func TestRawOnly(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.bin"), []byte("abc"), 0o644); err != nil {
		t.Fatal(err)
	}
	text := cellsRecipe[:strings.Index(cellsRecipe, "[case]")] + "[[class]]\nname = \"cell\"\n"
	text = strings.Replace(text, `"verified"`, "\"unverified\"\nmissing = \"the layout\"", 1)
	r, err := recipe.Parse("cells.toml", fmt.Appendf(nil, text, dir))
	if err != nil {
		t.Fatal(err)
	}
	fsys := tree.FS(Root(&Catalog{Datasets: []*dataset.Dataset{dataset.New(r, newEnv(t))}}))
	for dir, want := range map[string]int{"datasets/cells": 2, "datasets/cells/raw": 1, "datasets/cells/metadata": 5, "by-class": 0, "by-modality/microscopy": 1} {
		if entries, err := iofs.ReadDir(fsys, dir); err != nil || len(entries) != want {
			t.Errorf("%s: %d entries, want %d: %v", dir, len(entries), want, err)
		}
	}
	var info struct {
		Cases           int
		Status, Missing string
		RawOnly         bool `json:"raw_only"`
	}
	readJSON(t, fsys, "datasets/cells/metadata/dataset.json", &info)
	if info.Cases != 0 || info.Status != "unverified" || info.Missing != "the layout" || !info.RawOnly {
		t.Errorf("dataset.json: %+v", info)
	}
	if data, err := iofs.ReadFile(fsys, "datasets/cells/raw/a.bin"); err != nil || string(data) != "abc" {
		t.Errorf("raw file: %q, %v", data, err)
	}
}

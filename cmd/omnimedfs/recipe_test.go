package main

import (
	"archive/zip"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

func checkFolder(t *testing.T, r *recipe.Recipe, folder string) *checkResult {
	t.Helper()
	client := sources.NewClient(sources.Options{Log: slog.New(slog.DiscardHandler)})
	defer client.Close()
	res, err := checkRecipe(t.Context(), client, r, folder)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func embedded(t *testing.T, id string) *recipe.Recipe {
	t.Helper()
	r, err := oneRecipe(&options{}, id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// unzip unpacks cases of a zip whose layout is that of DSB2018.
func unzip(t *testing.T, zipPath, dir string, cases int) {
	t.Helper()
	z, err := zip.OpenReader(zipPath)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	seen := map[string]bool{}
	for _, f := range z.File {
		id, _, _ := strings.Cut(f.Name, "/")
		if !seen[id] && len(seen) == cases || strings.HasSuffix(f.Name, "/") {
			continue
		}
		seen[id] = true
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		in.Close()
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, f.Name), data)
	}
}

func put(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func realData(t *testing.T, elem ...string) string {
	t.Helper()
	root := os.Getenv("OMNIMEDFS_SHARED")
	if root == "" {
		root = "../../../shared"
	}
	name := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(name); err != nil {
		t.Skipf("real data is absent: %v", err)
	}
	return name
}

// renameThree renames an image, a mask and the only mask of a case, and returns
// what must be said of each.
func renameThree(t *testing.T, root string) map[string]string {
	t.Helper()
	dirs, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	id := func(i int) string { return dirs[i].Name() }
	masks := func(i int) []string {
		list, err := filepath.Glob(filepath.Join(root, id(i), "masks", "*.png"))
		if err != nil || len(list) == 0 {
			t.Fatalf("masks of %s: %v", id(i), err)
		}
		return list
	}
	for _, extra := range masks(4)[1:] {
		if err := os.Remove(extra); err != nil {
			t.Fatal(err)
		}
	}
	out := map[string]string{}
	for from, to := range map[string][2]string{
		filepath.Join(root, id(0), "images", id(0)+".png"): {id(0) + "/images/image_" + id(0)[:8] + ".png", "labels without image"},
		masks(2)[0]: {id(2) + "/masc/a.png", "nearest is stage1_train.zip!/{case}/masks/*.png"},
		masks(4)[0]: {id(4) + "/mask/1.png", "case " + id(4) + " has no label nucleus"},
	} {
		name := filepath.Join(root, filepath.FromSlash(to[0]))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(from, name); err != nil {
			t.Fatal(err)
		}
		out[to[0]] = to[1]
	}
	return out
}

// A record that has changed: a file is gone, another has other bytes.
func TestCheckRecord(t *testing.T) {
	dir := t.TempDir()
	text := `schema = 1
id = "x"
title = "X"
modality = "mri"
dim = 2
anatomy = "brain"
license = "CC0-1.0"
status = "unverified"
missing = "all"
[citation]
title = "X"
authors = ["A"]
year = 2020
[source]
platform = "http"
[[source.file]]
name = "a.zip"
size = 3
url = "https://example.org/a.zip"
[[source.file]]
name = "b.zip"
url = "https://example.org/b.zip"
[case]
image = "a.zip!/{case}.png"
[[class]]
name = "tumor"
label = "b.zip!/{case}_mask.png"
select = { above = 0 }
[[example]]
raw = "a.zip!/1.png"
case = "1"
`
	file := filepath.Join(dir, "x.toml")
	put(t, file, []byte(text))
	r, err := oneRecipe(&options{}, file)
	if err != nil {
		t.Fatal(err)
	}
	var buf strings.Builder
	z := zip.NewWriter(&buf)
	if _, err := z.Create("1.png"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	srv := sourcestest.Serve(t, map[string][]byte{"a.zip": []byte(buf.String())})
	client := sources.NewClient(sources.Options{Mirrors: []sources.Mirror{{Prefix: "https://example.org/", Target: srv.URL + "/"}}})
	defer client.Close()
	res, err := checkRecipe(t.Context(), client, r, "")
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, m := range res.Mismatches {
		all += m.String() + "\n"
	}
	for _, want := range []string{"a.zip: has ", "the recipe says 3", "b.zip: ", "404", "b.zip!/1_mask.png: is not there: case 1 has no label tumor"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not said:\n%s", want, all)
		}
	}
	if len(res.Mismatches) != 3 {
		t.Errorf("mismatches:\n%s", all)
	}
}

// What new starts of DSB2018 has the patterns of the recipe that was written by
// hand, and lints but for what names cannot tell.
func TestNewRecipe(t *testing.T) {
	for name, tt := range map[string]struct {
		paths []string
		want  []string
	}{
		"a folder a case": {
			[]string{"a.zip!/c1/images/c1.png", "a.zip!/c1/masks/x.png", "a.zip!/c1/masks/y.png", "a.zip!/c2/images/c2.png", "a.zip!/c2/masks/z.png", "a.zip!/c2/masks/w.png", "a.zip!/c3/images/c3.png", "a.zip!/c3/masks/q.png", "a.zip!/c3/masks/r.png"},
			[]string{`image = "a.zip!/{case}/images/{case}.png"`, `label = "a.zip!/{case}/masks/*.png"`, "3 of them with an image", `case = "c1"`},
		},
		"two folders": {
			[]string{"t.tar!/T/imagesTr/l_0.nii.gz", "t.tar!/T/imagesTr/l_1.nii.gz", "t.tar!/T/labelsTr/l_0.nii.gz", "t.tar!/T/labelsTr/l_1.nii.gz", "t.tar!/T/dataset.json"},
			[]string{`image = "t.tar!/T/imagesTr/{case}.nii.gz"`, `label = "t.tar!/T/labelsTr/{case}.nii.gz"`, "dim = 3", `case = "l_0"`},
		},
		"endings": {
			[]string{"x/ISIC_01.jpg", "x/ISIC_02.jpg", "y/ISIC_01_segmentation.png", "y/ISIC_02_segmentation.png"},
			[]string{`image = "x/{case}.jpg"`, `label = "y/{case}_segmentation.png"`, "2 of them with an image"},
		},
		"sequences": {
			[]string{"p1/p1_t1.nii.gz", "p1/p1_seg.nii.gz", "p2/p2_t1.nii.gz", "p2/p2_seg.nii.gz", "p3/p3_t1.nii.gz", "p3/p3_seg.nii.gz"},
			[]string{`image = "{case}/{case}_t1.nii.gz"`, `label = "{case}/{case}_seg.nii.gz"`},
		},
		"nothing": {[]string{"readme.txt"}, []string{"none looks like an image"}},
	} {
		text := draft(recipe.Source{Platform: "zenodo", Record: "1"}, nil, "", tt.paths)
		for _, want := range tt.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %s in\n%s", name, want, text)
			}
		}
		r, err := recipe.Parse("x.toml", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, p := range recipe.Lint(r) {
			if strings.HasPrefix(p.Where, "case") || strings.HasPrefix(p.Where, "example") || strings.HasPrefix(p.Where, "class") && !strings.HasSuffix(p.Where, "select") && !strings.HasSuffix(p.Where, "name") {
				t.Errorf("%s: %s", name, p)
			}
		}
	}
}

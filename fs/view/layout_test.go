package view

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	iofs "io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources"
)

// fstest.TestFS reads byte by byte, so that the long files of the prompts view
// are tried for two users alone, and one case for all views.
func TestEveryViewIsAFileSystem(t *testing.T) {
	fsys := mapsOf(t, "", class("left", "left", "above = 0"))
	views := []string{"views/prompts/maps/click:largest:center", "views/prompts/maps/box:all:perfect"}
	for _, dir := range []string{".", "views"} {
		entries, err := iofs.ReadDir(fsys, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() && e.Name() != "views" && e.Name() != "prompts" {
				views = append(views, path.Join(dir, e.Name()))
			}
		}
	}
	if want := len(Names()) - 4 - 1 + 2; len(views) != want { // four files, prompts twice
		t.Errorf("%d views, want %d: %v", len(views), want, views)
	}
	for _, view := range views {
		sub, err := iofs.Sub(fsys, view)
		if err != nil {
			t.Fatal(err)
		}
		expected := ""
		if err := iofs.WalkDir(sub, ".", func(name string, _ iofs.DirEntry, err error) error {
			expected = name
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if expected == "." { // no BIDS in 2-D
			err = fstest.TestFS(sub)
		} else {
			err = fstest.TestFS(sub, expected)
		}
		if err != nil {
			t.Errorf("%s: %v", view, err)
		}
	}
}

// Listing all folders and asking for every size converts nothing.
func TestListingViewsConvertsNothing(t *testing.T) {
	root, env := newCatalog(t, nil)
	ctx := context.Background()
	err := tree.Walk(ctx, root, func(path string, n tree.Node, err error) error {
		if f, ok := n.(tree.File); ok && err == nil && !strings.Contains(path, "/metadata/") {
			_, err = f.Size(ctx)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := env.Cache.Stats(); s.Entries != 0 {
		t.Errorf("%d payloads in the cache after listing", s.Entries)
	}
}

// labelRecipe is a dataset of label maps in PNG; classes are appended.
const labelRecipe = `schema = 1
id = "maps"
title = "Maps"
modality = "mri"
dim = 2
anatomy = "brain"
license = "CC0-1.0"
status = "verified"
%s
[citation]
title = "Maps"
authors = ["Doe, J."]
year = 2020
[source]
platform = "local"
record = %q
[case]
image = "{case}_image.png"
`

// mapsOf makes one case with a label map of a row for each value and a file for
// each of two overlapping classes.
func mapsOf(t *testing.T, head, classes string) iofs.FS {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, at func(x, y int) uint8) {
		img := image.NewGray(image.Rect(0, 0, 4, 4))
		for y := range 4 {
			for x := range 4 {
				img.SetGray(x, y, color.Gray{Y: at(x, y)})
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("a_image.png", func(x, y int) uint8 { return uint8(16*x + y) })
	write("a_map.png", func(_, y int) uint8 { return uint8(y) })
	write("a_left.png", func(x, _ int) uint8 { return map[bool]uint8{true: 255}[x < 2] })
	write("a_top.png", func(_, y int) uint8 { return map[bool]uint8{true: 255}[y < 2] })
	r, err := recipe.Parse("maps.toml", fmt.Appendf(nil, labelRecipe+classes, head, dir))
	if err != nil {
		t.Fatal(err)
	}
	return tree.FS(Root(&Catalog{Datasets: []*dataset.Dataset{dataset.New(r, newEnv(t))}}))
}

func class(name, file, sel string) string {
	return fmt.Sprintf("[[class]]\nname = %q\nlabel = \"{case}_%s.png\"\nselect = { %s }\n", name, file, sel)
}

type nnunetDoc struct {
	Channels map[string]string `json:"channel_names"`
	Labels   map[string]any    `json:"labels"`
	Order    []int             `json:"regions_class_order"`
	Training int               `json:"numTraining"`
	Ending   string            `json:"file_ending"`
}

func TestLabelMaps(t *testing.T) {
	nested := class("whole", "map", "values = [1, 2, 3]") + class("core", "map", "values = [2, 3]") + class("enhancing", "map", "values = [3]")
	for name, c := range map[string]struct {
		head, classes string
		rows          string // the label map's values, a row each
		labels        string // of dataset.json
		order         []int
		err           string
	}{
		"values": {"", class("b", "map", "values = [2]") + class("a", "map", "values = [1]"), "0000 2222 1111 0000", "map[a:2 b:1 background:0]", nil, ""},
		// 1 is whole alone, 2 whole and core, 3 all of them.
		"nested":  {"", nested, "0000 1111 2222 3333", "map[background:0 core:[2 3] enhancing:3 whole:[1 2 3]]", []int{1, 2, 3}, ""},
		"files":   {"", class("left", "left", "above = 0") + class("top", "top", "above = 0"), "", "map[background:0 left:1 top:2]", nil, "left and top share 4 pixels"},
		"overlap": {"overlap = true", class("left", "left", "above = 0") + class("top", "top", "above = 0"), "3322 3322 1100 1100", "map[background:0 left:[1 3] top:[2 3]]", []int{1, 2}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := mapsOf(t, c.head, c.classes)
			dir, err := iofs.Glob(fsys, "views/nnunet/Dataset*_maps")
			if err != nil || len(dir) != 1 {
				t.Fatal(dir, err)
			}
			var doc nnunetDoc
			readJSON(t, fsys, dir[0]+"/dataset.json", &doc)
			if got := fmt.Sprint(doc.Labels); got != c.labels || !slices.Equal(doc.Order, c.order) {
				t.Errorf("labels %s, order %v", got, doc.Order)
			}
			data, err := iofs.ReadFile(fsys, dir[0]+"/labelsTr/a.png")
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || !errors.Is(err, convertcore.ErrUnsupported) {
					t.Fatalf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			img, err := png.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			var rows []string
			for y := range 4 {
				row := ""
				for x := range 4 {
					row += fmt.Sprint(img.(*image.Gray).GrayAt(x, y).Y)
				}
				rows = append(rows, row)
			}
			if got := strings.Join(rows, " "); got != c.rows {
				t.Errorf("label map %s, want %s", got, c.rows)
			}
		})
	}
}

// A layout that cannot be is a folder that says why.
func TestRefusals(t *testing.T) {
	var many string
	for i := range 9 {
		many += class(fmt.Sprintf("c%d", i), "left", "above = 0")
	}
	fsys := mapsOf(t, "overlap = true", many)
	dir, _ := iofs.Glob(fsys, "views/nnunet/Dataset*_maps")
	text, err := iofs.ReadFile(fsys, dir[0]+"/README.txt")
	if err != nil || !strings.Contains(string(text), "9 classes that share voxels") {
		t.Errorf("%v: %s", err, text)
	}
	if _, err := iofs.Stat(fsys, dir[0]+"/dataset.json"); !errors.Is(err, iofs.ErrNotExist) {
		t.Errorf("dataset.json of a layout that cannot be: %v", err)
	}
}

// demo is the embedded catalog as a tree.
func demo(t *testing.T) iofs.FS {
	t.Helper()
	recipes, err := recipe.Demo()
	if err != nil {
		t.Fatal(err)
	}
	env := newEnv(t)
	c := &Catalog{}
	for _, r := range recipes {
		fsys, err := iofs.Sub(recipe.DemoFS(), r.Source.Record)
		if err != nil {
			t.Fatal(err)
		}
		registerOnce(r.Source.Record, fsys)
		c.Datasets = append(c.Datasets, dataset.New(r, env))
	}
	return tree.FS(Root(c))
}

var registered = map[string]bool{}

func registerOnce(name string, fsys iofs.FS) {
	if !registered[name] {
		registered[name] = true
		sources.RegisterEmbedded(name, fsys)
	}
}

// Prompts are those of the robot users, at one length for each kind.
func TestPrompts(t *testing.T) {
	fsys := demo(t)
	for user, kind := range map[string]string{"click:largest:center": "click", "box:all:perfect": "box", "scribble:largest:centerline": "scribble"} {
		name := "views/prompts/demo-organs/" + user + "/liver/organs_001.json"
		data, err := iofs.ReadFile(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(data)) != promptSizes[kind] {
			t.Errorf("%s: %d bytes", name, len(data))
		}
		var p struct {
			Kind, User string
			Points     [][]int
		}
		if err := json.Unmarshal(data, &p); err != nil || p.Kind != kind || p.User != user || len(p.Points) == 0 || len(p.Points[0]) != 3 {
			t.Errorf("%s: %v: %+v", name, err, p)
		}
	}
	if _, err := iofs.Stat(fsys, "views/prompts/demo-organs/polygon:largest:even"); !errors.Is(err, iofs.ErrNotExist) {
		t.Errorf("a polygon in a volume: %v", err)
	}
}

// The numbers of the catalog's datasets come from a list that only grows: a new
// recipe's id goes to its end.
func TestNNUNetNumbersAreKept(t *testing.T) {
	recipes, err := recipe.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	ids := strings.Fields(nnunetList)
	for _, r := range recipes {
		if !slices.Contains(ids, r.ID) {
			t.Errorf("append %s to nnunet.txt", r.ID)
		}
	}
	for i, id := range ids {
		if slices.Index(ids, id) != i {
			t.Errorf("%s stands twice", id)
		}
	}
	// The first ones, which are in use.
	for i, id := range []string{"dsb2018-bbbc038", "isic2018-task1", "msd-liver", "msd-spleen", "msd-task04-hippocampus", "demo-nuclei", "demo-organs"} {
		if ids[i] != id {
			t.Errorf("number %d is %s, and was %s", nnunetFirst+i, ids[i], id)
		}
	}
	if nnunetFirst+len(ids) > 900 {
		t.Errorf("%d numbers: the next ones are for people's own datasets", len(ids))
	}
}

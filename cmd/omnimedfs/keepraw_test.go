package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	iofs "io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

const keptRecipe = `schema = 1
id = "kept"
title = "Kept"
modality = "microscopy"
dim = 2
anatomy = "cells"
license = "CC-BY-4.0"
status = "unverified"
missing = "everything: a test"

[citation]
title = "Kept"
authors = ["Doe, J."]
year = 2020
doi = "10.0/x"

[source]
platform = "zenodo"
record = %q

[case]
image = "images.zip!/{case}.png"

[[class]]
name = "cell"
label = "all.zip!/labels.zip!/{case}.png"
select = { above = %d }

[[example]]
raw = "images.zip!/c0.png"
case = "c0"
`

func zipped(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// keptRecord is a played record: an archive, one within another that must be
// unpacked, and a plain file.
func keptRecord(t *testing.T) (sourcestest.Record, map[string][]byte) {
	t.Helper()
	images, labels := map[string][]byte{}, map[string][]byte{}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 6 {
		img, mask := image.NewGray(image.Rect(0, 0, 90, 70)), image.NewGray(image.Rect(0, 0, 90, 70))
		for k := range img.Pix {
			img.Pix[k] = byte(rng.Uint32())
		}
		mask.SetGray(i, i, color.Gray{Y: 200})
		mask.SetGray(i+9, i, color.Gray{Y: 20})
		for m, to := range map[image.Image]map[string][]byte{img: images, mask: labels} {
			var b bytes.Buffer
			if err := png.Encode(&b, m); err != nil {
				t.Fatal(err)
			}
			to[fmt.Sprintf("c%d.png", i)] = b.Bytes()
		}
	}
	noise := make([]byte, 9<<20)
	rand.NewChaCha8([32]byte{8}).Read(noise)
	files := map[string][]byte{"images.zip": zipped(t, images), "all.zip": zipped(t, map[string][]byte{"labels.zip": zipped(t, labels)}), "noise.bin": noise}
	return sourcestest.Play(t, "zenodo", files), files
}

// openKept opens the record as a mount does.
func openKept(t *testing.T, rec sourcestest.Record, cache string, above int, more func(*options)) *app {
	t.Helper()
	o := new(options)
	if _, err := o.table().Load("mount", nil, func(string) (string, bool) { return "", false }); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kept.toml"), fmt.Appendf(nil, keptRecipe, rec.Name, above), 0o644); err != nil {
		t.Fatal(err)
	}
	o.Cache, o.Recipes, o.Datasets, o.KeepRaw = cache, []string{dir}, []string{"kept"}, true
	for _, m := range rec.Mirrors {
		o.Mirror = append(o.Mirror, m.Prefix+"="+m.Target)
	}
	if more != nil {
		more(o)
	}
	b, err := newApp(o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return b.(*app)
}

// readKept reads all images, masks and raw files, and returns the masks.
func readKept(t *testing.T, a *app, files map[string][]byte) string {
	t.Helper()
	fsys := tree.FS(a.Root())
	masks := ""
	for i := range 6 {
		for _, name := range []string{"images", "labels/cell"} {
			data, err := iofs.ReadFile(fsys, fmt.Sprintf("datasets/kept/%s/c%d.png", name, i))
			if err != nil {
				t.Fatal(err)
			}
			if name != "images" {
				masks += string(data)
			}
		}
	}
	raw, err := iofs.ReadFile(fsys, "datasets/kept/raw/noise.bin")
	if err != nil || !bytes.Equal(raw, files["noise.bin"]) {
		t.Fatalf("raw: %d bytes, %v", len(raw), err)
	}
	return masks
}

// TestKeepRaw: with --keep-raw what was fetched once is converted anew under
// another recipe, and its raw files are read, without a request, offline too.
func TestKeepRaw(t *testing.T) {
	rec, files := keptRecord(t)
	cache := t.TempDir()
	a := openKept(t, rec, cache, 0, nil)
	first := readKept(t, a, files)
	if n := len(a.client.Stats()); n == 0 {
		t.Fatal("the first mount made no request: the test reads nothing")
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for name, more := range map[string]func(*options){"online": nil, "offline": func(o *options) { o.Offline = true }} {
		above := map[string]int{"online": 100, "offline": 101}[name]
		a := openKept(t, rec, cache, above, more)
		if again := readKept(t, a, files); again == first {
			t.Errorf("%s: another recipe gives the same masks", name)
		}
		if stats := a.client.Stats(); len(stats) > 0 {
			t.Errorf("%s: %+v", name, stats)
		}
		st, err := a.CacheStat(t.Context())
		if err != nil || st.Raw < 9<<20 || st.Disk > st.Raw+20<<20 {
			t.Errorf("%s: %+v, %v", name, st, err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// Without the option nothing is kept, and a raw file costs its bytes again.
	cache = t.TempDir()
	for range 2 {
		a := openKept(t, rec, cache, 0, func(o *options) { o.KeepRaw = false })
		readKept(t, a, files)
		st, _ := a.Status(t.Context())
		if c, err := a.CacheStat(t.Context()); err != nil || c.Raw != 0 || st.Downloaded < 9<<20 {
			t.Errorf("%d raw bytes kept, %d downloaded, %v", c.Raw, st.Downloaded, err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKeepRawWithinTheLimit: raw bytes of many times the limit stay within it
// and push out nothing that was converted.
func TestKeepRawWithinTheLimit(t *testing.T) {
	rec, files := keptRecord(t)
	cache := t.TempDir()
	const limit = 24 << 20
	a := openKept(t, rec, cache, 0, func(o *options) { o.CacheLimit = limit })
	defer a.Close()
	for range 4 {
		readKept(t, a, files)
	}
	noise, err := a.client.Source("zenodo")
	if err != nil {
		t.Fatal(err)
	}
	list, err := noise.Files(t.Context(), rec.Name)
	if err != nil {
		t.Fatal(err)
	}
	before, err := a.CacheStat(t.Context())
	if err != nil || before.Entries < 12 {
		t.Fatalf("%+v, %v", before, err)
	}
	for i := range 6 { // versions of it, as far as the cache can tell
		var blocks [][]byte
		for at := 0; at < 8<<20; at += 16 << 10 {
			blocks = append(blocks, files["noise.bin"][at:at+16<<10])
		}
		a.cache.Raw().Put([16]byte{byte(i), byte(len(list))}, 0, blocks)
	}
	after, err := a.CacheStat(t.Context())
	if err != nil || after.Disk > limit+limit/8 || after.Entries != before.Entries || after.Raw == 0 {
		t.Errorf("%+v, before %+v, %v", after, before, err)
	}
}

// TestStatusAccounts: status.json tells the bytes of each dataset, platform and
// reason, their sum, and what is unpacked on disk.
func TestStatusAccounts(t *testing.T) {
	rec, files := keptRecord(t)
	a := openKept(t, rec, t.TempDir(), 0, nil)
	defer a.Close()
	readKept(t, a, files)
	text, err := iofs.ReadFile(tree.FS(a.Root()), ".omnimedfs/status.json")
	if err != nil {
		t.Fatal(err)
	}
	var st status
	if err := json.Unmarshal(text, &st); err != nil {
		t.Fatal(err)
	}
	sum, reasons := int64(0), map[string]bool{}
	for _, tr := range st.Traffic {
		sum += tr.Bytes
		reasons[tr.Reason] = true
		if tr.Dataset != "kept" || tr.Platform != "zenodo" || tr.Host == "" || tr.Requests == 0 {
			t.Errorf("%+v", tr)
		}
	}
	if !reasons["api"] || !reasons["read"] {
		t.Errorf("reasons %v", slices.Collect(maps.Keys(reasons)))
	}
	if _, sent := rec.Server.Count(); st.Downloaded != sum || sum < sent || sum > sent+64<<10 {
		t.Errorf("%d downloaded, %d in all lines, %d sent by the storage", st.Downloaded, sum, sent)
	}
	if st.Spool < 1000 || !strings.Contains(string(text), `"spool": `) {
		t.Errorf("%d bytes unpacked", st.Spool)
	}
}

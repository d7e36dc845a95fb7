//go:build !race

// What goes over all 30,000 names of a real record would take minutes with the
// race detector; test.sh runs it without.

package main

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
)

// The real files of DSB2018 fit their recipe, zipped and unpacked; of three
// renamed files exactly these are named.
func TestCheckRealFiles(t *testing.T) {
	dir := realData(t, "real", "dsb2018")
	r := embedded(t, "dsb2018-bbbc038")
	if res := checkFolder(t, r, dir); len(res.Mismatches) > 0 || res.Cases != 664 || res.Labels != 28986 {
		t.Errorf("the record itself: %+v", res)
	}
	for _, sub := range []string{"stage1_train", "stage1_train.zip", ""} {
		folder := t.TempDir()
		root := filepath.Join(folder, sub)
		unzip(t, filepath.Join(dir, "stage1_train.zip"), root, 6)
		if res := checkFolder(t, r, folder); len(res.Mismatches) > 0 || res.Cases != 6 {
			t.Errorf("unpacked to %q: %+v", sub, res)
		}
		renamed := renameThree(t, root)
		res := checkFolder(t, r, folder)
		if len(res.Mismatches) != 3 {
			t.Errorf("unpacked to %q, three renamed: %v", sub, res.Mismatches)
		}
		for _, m := range res.Mismatches {
			name := strings.TrimPrefix(m.Path, "stage1_train.zip!/")
			if want, ok := renamed[name]; !ok || !strings.Contains(m.Text, want) {
				t.Errorf("%s, want %q", m, want)
			}
			delete(renamed, name)
		}
	}
}

// new and values on real files.
func TestNewReal(t *testing.T) {
	dir := realData(t, "real", "dsb2018")
	var out strings.Builder
	p := &program{stdout: &out, log: slog.New(slog.DiscardHandler), lookup: func(string) (string, bool) { return "", false }}
	if _, err := p.opts.table().Load("recipe", nil, p.lookup); err != nil {
		t.Fatal(err)
	}
	if err := recipeNew(t.Context(), p, []string{dir}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`image = "stage1_train.zip!/{case}/images/{case}.png"     # guessed: 664 cases`, `label = "stage1_train.zip!/{case}/masks/*.png"     # guessed: 664 cases, 664 of them`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := recipeValues(t.Context(), p, []string{"dsb2018-bbbc038", dir}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), ": 0 × ") || !strings.Contains(out.String(), ", 255 × ") {
		t.Errorf("values:\n%s", out.String())
	}
}

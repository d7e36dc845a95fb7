package main

import (
	"archive/zip"
	"bytes"
	iofs "io/fs"
	"log/slog"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

// Listing the whole catalog makes no request; listing one dataset makes that
// dataset's alone.
func TestListingRequests(t *testing.T) {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range []string{"a/images/a.png", "a/masks/1.png", "b/images/b.png", "b/masks/1.png"} {
		if _, err := z.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	srv := sourcestest.Serve(t, map[string][]byte{"stage1_train.zip": buf.Bytes()})
	o := new(options)
	table := o.table()
	if _, err := table.Load("ls", nil, func(string) (string, bool) { return "", false }); err != nil {
		t.Fatal(err)
	}
	o.Cache, o.Recipes, o.Datasets = t.TempDir(), nil, nil
	// Every other request would go to a host that is not there.
	o.Mirror = []string{"https://data.broadinstitute.org/bbbc/BBBC038/=" + srv.URL + "/"}
	b, err := newApp(o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	a := b.(*app)
	fsys := tree.FS(a.Root())
	list, err := a.List(t.Context(), filter{})
	if err != nil || len(list) < 5 {
		t.Fatalf("%d datasets, %v", len(list), err)
	}
	for _, name := range []string{"README.txt", "catalog.json", "catalog.tsv", "LICENSES.tsv"} {
		if data, err := iofs.ReadFile(fsys, name); err != nil || len(data) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, dir := range []string{".", "datasets", "by-modality", "by-license", "by-class", "by-modality/microscopy"} {
		if entries, err := iofs.ReadDir(fsys, dir); err != nil || len(entries) == 0 {
			t.Errorf("%s: %d entries, %v", dir, len(entries), err)
		}
	}
	for _, d := range list {
		for _, dir := range []string{"", "/metadata"} {
			entries, err := iofs.ReadDir(fsys, "datasets/"+d.ID+dir)
			if err != nil || len(entries) < 2 {
				t.Errorf("datasets/%s%s: %d entries, %v", d.ID, dir, len(entries), err)
			}
		}
	}
	if stats := a.client.Stats(); len(stats) > 0 {
		t.Errorf("listing the catalog made requests: %+v", stats)
	}
	if n, _ := srv.Count(); n > 0 {
		t.Errorf("%d requests", n)
	}
	if entries, err := iofs.ReadDir(fsys, "datasets/dsb2018-bbbc038/images"); err != nil || len(entries) != 2 {
		t.Fatalf("%d images, %v", len(entries), err)
	}
	stats := a.client.Stats()
	for _, s := range stats {
		if s.Dataset != "dsb2018-bbbc038" || !strings.HasPrefix(srv.URL, "http://"+s.Host) {
			t.Errorf("a request of %s to %s", s.Dataset, s.Host)
		}
	}
	if n, _ := srv.Count(); n == 0 || len(stats) == 0 {
		t.Error("listing a dataset made no request")
	}
}

package raw_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/archive"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/raw"
	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

// packed makes a zip of files, stored or deflated.
func packed(t testing.TB, method uint16, files map[string][]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	names := []string{}
	for n := range files {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		f, err := w.CreateHeader(&zip.FileHeader{Name: n, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		f.Write(files[n])
	}
	w.Close()
	return buf.Bytes()
}

func load(t *testing.T, opt raw.Options, o ...raw.Origin) *raw.Files {
	t.Helper()
	opt.List = raw.Origins(o...)
	if opt.Spool == nil {
		opt.Spool = archive.NewSpool(t.TempDir(), 1<<28)
		t.Cleanup(func() { opt.Spool.Close() })
	}
	f := raw.New(opt)
	t.Cleanup(func() { f.Close() })
	if err := f.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	return f
}

// checkListing holds every way to find a path to the sorted list.
func checkListing(t *testing.T, f *raw.Files, want ...string) {
	t.Helper()
	got := paths(f)
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
	probes := slices.Clone(want)
	for _, p := range want {
		probes = append(probes, p+"\x00", p[:len(p)-1], p+"~", p+"!/", p+"!/x", p+"/x")
	}
	for _, p := range append(probes, "", "~") {
		i := sort.SearchStrings(want, p)
		_, ok := f.Lookup(p)
		if f.Search(p) != i || ok != slices.Contains(want, p) {
			t.Errorf("%q: %d, %v; want %d", p, f.Search(p), ok, i)
		}
	}
}

func content(t *testing.T, f *raw.Files, path string) string {
	t.Helper()
	b, err := f.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	data, err := blob.ReadAll(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestArchivesInArchives(t *testing.T) {
	for name, method := range map[string]uint16{"stored": zip.Store, "deflated": zip.Deflate} {
		t.Run(name, func(t *testing.T) {
			deep := packed(t, zip.Deflate, map[string][]byte{"deep.txt": []byte("deep")})
			inner := packed(t, method, map[string][]byte{"x": []byte("inner x"), "c.zip": deep, "y": []byte("inner y")})
			outer := packed(t, method, map[string][]byte{
				"a": []byte("outer a"), "b.zip": inner, "b.zip 2": []byte("before b.zip!/"),
				"b.zip!/x": []byte("hidden"), "b.zip!0": []byte("after"), "bad.zip": []byte("no zip"), "empty.zip": packed(t, method, nil), "z": []byte("outer z"),
			})
			f := load(t, raw.Options{}, memory("o.zip", outer), memory("p", []byte("plain")))
			checkListing(t, f, "o.zip!/a", "o.zip!/b.zip 2", "o.zip!/b.zip!/c.zip!/deep.txt", "o.zip!/b.zip!/x", "o.zip!/b.zip!/y",
				"o.zip!/b.zip!0", "o.zip!/bad.zip", "o.zip!/z", "p")
			for p, want := range map[string]string{
				"o.zip!/b.zip!/c.zip!/deep.txt": "deep", "o.zip!/b.zip!/x": "inner x", "o.zip!/z": "outer z", "o.zip!/bad.zip": "no zip",
				"o.zip!/b.zip": string(inner), "o.zip!/b.zip!/c.zip": string(deep), "o.zip": string(outer),
			} {
				if got := content(t, f, p); got != want {
					t.Errorf("%s: %q", p, got)
				}
			}
			b := f.Broken()
			if len(b) != 1 || b[0].Path != "o.zip!/bad.zip" || !errors.Is(b[0].Err, archive.ErrFormat) {
				t.Error(b)
			}
			// Only what the recipe wants is unpacked to be looked into.
			f = load(t, raw.Options{Wants: func(string) bool { return false }}, memory("o.zip", outer))
			if _, ok := f.Lookup("o.zip!/b.zip!/y"); ok != (method == zip.Store) {
				t.Error("entered:", ok)
			}
			if err := f.Prefetch(context.Background(), paths(f)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestNestingEnds: archives within archives without end.
func TestNestingEnds(t *testing.T) {
	bomb := make([]byte, 1<<20)
	for range 6 {
		bomb = packed(t, zip.Deflate, map[string][]byte{"1.zip": bomb, "2.zip": bomb})
	}
	f := load(t, raw.Options{}, memory("42.zip", bomb), memory("a.zip", zipOf(t, "x")))
	b := f.Broken()
	if len(b) == 0 || !errors.Is(b[0].Err, archive.ErrLimit) {
		t.Error(b)
	}
	if f.Len() != 8+1 {
		t.Error(paths(f))
	}
	// 4 GiB of zeros, as in the zip of that name, and more than the spool holds.
	if testing.Short() {
		return
	}
	zeros := packed(t, zip.Deflate, map[string][]byte{"0.zip": make([]byte, 64<<20)})
	spool := archive.NewSpool(t.TempDir(), 1<<20)
	defer spool.Close()
	f = load(t, raw.Options{Spool: spool, Limits: archive.Limits{RatioFrom: 1 << 20, Ratio: 500}}, memory("b.zip", zeros))
	if b := f.Broken(); len(b) != 1 || !errors.Is(b[0].Err, archive.ErrLimit) {
		t.Error(b)
	}
}

// TestBrokenArchives: one that cannot be entered is a file among the others.
func TestBrokenArchives(t *testing.T) {
	cut := zipOf(t, "x", "y")
	f := load(t, raw.Options{}, memory("a.zip", zipOf(t, "1")), memory("bad.zip", []byte("no zip")), memory("cut.zip", cut[:len(cut)-5]),
		memory("bad.tar.gz", []byte("\x1f\x8b\x08")), memory("bad.7z", nil), memory("bad.rar", []byte("Rar!")), memory("v.zip", []byte("x")), memory("v.z01", []byte("y")), memory("z", nil))
	checkListing(t, f, "a.zip!/1", "bad.7z", "bad.rar", "bad.tar.gz", "bad.zip", "cut.zip", "v.z01", "v.zip", "z")
	if len(f.Broken()) != 6 {
		t.Error(f.Broken())
	}
	for _, b := range f.Broken() {
		if !archive.Permanent(b.Err) || !strings.Contains(b.Err.Error(), b.Path) {
			t.Error(b)
		}
	}
	if content(t, f, "bad.zip") != "no zip" || content(t, f, "v.z01") != "y" {
		t.Error("a broken archive does not open as a file")
	}
	// What may pass fails the listing, which is tried again.
	down := raw.Origin{Info: blob.Info{Path: "f.zip", Size: 9}, Open: func(_ context.Context, _ raw.Origin) (blob.Blob, error) { return nil, sources.ErrTimeout }}
	if err := files(t, memory("a.zip", zipOf(t, "1")), down).Load(context.Background()); !errors.Is(err, sources.ErrTimeout) {
		t.Error(err)
	}
}

// TestVolumesOfARecord: the parts of an archive are its, not files.
func TestVolumesOfARecord(t *testing.T) {
	if _, err := exec.LookPath("zip"); err != nil {
		t.Skip("no zip: ", err)
	}
	dir := t.TempDir()
	want := strings.Repeat("0123456789abcdef", 1<<14)
	os.WriteFile(filepath.Join(dir, "f"), []byte(want), 0o644)
	cmd := exec.Command("zip", "-q0", "-s", "64k", "v.zip", "f")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var o []raw.Origin
	for _, n := range []string{"v.zip", "v.z01", "v.z02", "v.z03", "v.z04"} {
		data, err := os.ReadFile(filepath.Join(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		o = append(o, memory(n, data))
	}
	z := zipOf(t, "1", "2")
	f := load(t, raw.Options{}, append(o, memory("c.zip.001", z[:70]), memory("c.zip.002", z[70:]))...)
	checkListing(t, f, "c.zip.001!/1", "c.zip.001!/2", "v.zip!/f")
	if content(t, f, "v.zip!/f") != want || content(t, f, "c.zip.001!/2") != "content of 2" {
		t.Error("wrong bytes")
	}
	if len(content(t, f, "v.z02")) != 64<<10 {
		t.Error("a volume does not open by its name")
	}
}

func TestPackedFilesWhereWanted(t *testing.T) {
	if _, err := exec.LookPath("gzip"); err != nil {
		t.Skip("no gzip: ", err)
	}
	cmd := exec.Command("gzip", "-c")
	cmd.Stdin = strings.NewReader("a,b\n")
	data, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	wants := func(p string) bool { return p == "t/table.csv.gz" || p == "a.zip!/in.csv.gz" }
	inner := packed(t, zip.Deflate, map[string][]byte{"in.csv.gz": data, "v.nii.gz": data})
	f := load(t, raw.Options{Wants: wants}, memory("t/table.csv.gz", data), memory("v.nii.gz", data), memory("a.zip", inner))
	checkListing(t, f, "a.zip!/in.csv.gz!/in.csv", "a.zip!/v.nii.gz", "t/table.csv.gz!/table.csv", "v.nii.gz")
	if content(t, f, "a.zip!/in.csv.gz!/in.csv") != "a,b\n" || content(t, f, "t/table.csv.gz!/table.csv") != "a,b\n" || content(t, f, "v.nii.gz") != string(data) {
		t.Error("wrong bytes")
	}
}

// TestPackedTarsStayClosed: what is downloaded whole to be listed is a file
// where no pattern looks into it.
func TestPackedTarsStayClosed(t *testing.T) {
	opened := false
	o := raw.Origin{Info: blob.Info{Path: "a.tar.gz", Size: 5}, Open: func(_ context.Context, _ raw.Origin) (blob.Blob, error) {
		opened = true
		return blob.Bytes([]byte("12345")), nil
	}}
	f := load(t, raw.Options{Reaches: func(string) bool { return false }}, o, memory("b.zip", zipOf(t, "x")))
	checkListing(t, f, "a.tar.gz", "b.zip!/x")
	if opened || len(f.Broken()) > 0 {
		t.Error("it was opened: ", f.Broken())
	}
	f = load(t, raw.Options{Reaches: func(p string) bool { return p == "a.tar.gz" }}, o)
	if !opened || len(f.Broken()) != 1 {
		t.Error(f.Broken())
	}
}

// TestWireOfStoredInner reads one member of a zip that is stored in a zip: no
// more of it comes than the two directories and the member.
func TestWireOfStoredInner(t *testing.T) {
	many := map[string][]byte{}
	for i := range 200 {
		many[fmt.Sprintf("%03d", i)] = bytes.Repeat([]byte{byte(i), byte(i >> 3), 7}, 20_000)
	}
	inner := packed(t, zip.Store, many)
	outer := packed(t, zip.Store, map[string][]byte{"in.zip": inner, "other": make([]byte, 5<<20)})
	srv := sourcestest.Serve(t, map[string][]byte{"a.zip": outer})
	facts := memFacts{}
	for mount := range 2 {
		c := sources.NewClient(sources.Options{Mirrors: []sources.Mirror{{Prefix: srv.URL, Target: srv.URL}}, Facts: facts})
		defer c.Close()
		srv.Reset()
		f := remote(t, c, facts, srv.URL+"/a.zip")
		if err := f.Load(context.Background()); err != nil {
			t.Fatal(err)
		}
		_, n := srv.Count()
		if mount == 0 && n > 200<<10 || mount == 1 && n > 0 {
			t.Errorf("mount %d: the listing cost %d bytes", mount, n)
		}
		if err := f.Prefetch(context.Background(), []string{"a.zip!/in.zip!/117"}); err != nil {
			t.Fatal(err)
		}
		if got := content(t, f, "a.zip!/in.zip!/117"); got != string(many["117"]) {
			t.Error("wrong bytes")
		}
		_, n2 := srv.Count()
		if n2-n > 60_000+96<<10 {
			t.Errorf("a member of 60,000 bytes cost %d", n2-n)
		}
	}
}

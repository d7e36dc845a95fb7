package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	iofs "io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/fs/verify"
)

// demoProgram runs verbs on the embedded datasets with a cache of its own.
func demoProgram(t *testing.T, cache string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &program{stdout: &out, stderr: &errs, lookup: func(string) (string, bool) { return "", false }, open: newApp, mount: mountTree}
	code = p.main(append([]string{"omnimedfs"}, append(args, "--demo", "--cache", cache, "--config", os.DevNull, "--log-level", "error")...))
	return code, out.String(), errs.String()
}

// exportDemo exports the demo datasets and returns the tree and its cache.
func exportDemo(t *testing.T, more ...string) (dir, cache string) {
	t.Helper()
	dir, cache = t.TempDir(), t.TempDir()
	args := append([]string{"export", "demo-nuclei", "demo-organs", dir}, more...)
	if code, _, stderr := demoProgram(t, cache, args...); code != 0 {
		t.Fatalf("export: code %d: %s", code, stderr)
	}
	return dir, cache
}

// demoTree is the tree of the demo datasets.
func demoTree(t *testing.T, cache string) iofs.FS {
	t.Helper()
	o := options{Demo: true, Cache: cache, Memory: 1 << 30}
	b, err := newApp(&o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return tree.FS(b.Root())
}

func TestExportIsTheTree(t *testing.T) {
	dir, cache := exportDemo(t)
	fsys := demoTree(t, cache)
	seen := 0
	err := iofs.WalkDir(fsys, "datasets", func(name string, d iofs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		seen++
		if d.Type()&iofs.ModeSymlink != 0 {
			want, err := iofs.ReadLink(fsys, name)
			if got, gerr := os.Readlink(filepath.Join(dir, name)); gerr != nil || got != want {
				t.Errorf("%s links to %q, %v", name, got, gerr)
			}
			return err
		}
		want, err := iofs.ReadFile(fsys, name)
		if got, gerr := os.ReadFile(filepath.Join(dir, name)); gerr != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs: %v", name, gerr)
		}
		return err
	})
	if err != nil || seen < 100 {
		t.Fatalf("%d files, %v", seen, err)
	}
}

func TestExportCompressed(t *testing.T) {
	dir, _ := exportDemo(t, "--compress", "--without", "raw", "--without", "preview")
	plain, _ := exportDemo(t, "--without", "raw", "--without", "preview")
	var small, large int64
	err := filepath.WalkDir(filepath.Join(plain, "datasets"), func(name string, d iofs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !compressible(name) {
			return err
		}
		rel, _ := filepath.Rel(plain, name)
		want, got := unpack(t, name), unpack(t, filepath.Join(dir, rel))
		if !bytes.Equal(want, got) {
			t.Errorf("%s holds something else when compressed", rel)
		}
		a, _ := os.Stat(name)
		b, _ := os.Stat(filepath.Join(dir, rel))
		large, small = large+a.Size(), small+b.Size()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if small*2 > large {
		t.Errorf("%d bytes compressed, %d stored", small, large)
	}
}

// unpack returns the pixels of a PNG or the content of a .nii.gz.
func unpack(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".gz") {
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(name, err)
		}
		return out
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(name, err)
	}
	switch img := img.(type) {
	case *image.Gray:
		return img.Pix
	case *image.NRGBA:
		return img.Pix
	case *image.RGBA:
		return img.Pix
	}
	t.Fatalf("%s is %T", name, img)
	return nil
}

// verifyTree returns the findings of an exported tree.
func verifyTree(t *testing.T, dir string, ids ...string) []verify.Finding {
	t.Helper()
	code, stdout, stderr := demoProgram(t, t.TempDir(), append([]string{"verify", "--json", "--tree", dir}, ids...)...)
	var reports []verify.Report
	if err := json.Unmarshal([]byte(stdout), &reports); err != nil {
		t.Fatalf("%v: %s %s", err, stdout, stderr)
	}
	var out []verify.Finding
	for _, r := range reports {
		if r.Cases == 0 || r.Images == 0 || r.Masks == 0 {
			t.Errorf("%s: nothing was looked at: %+v", r.Dataset, r)
		}
		out = append(out, r.Findings...)
	}
	if want := map[bool]int{true: cli.ExitFailures}[len(out) > 0]; code != want {
		t.Errorf("exit code %d with %d findings", code, len(out))
	}
	return out
}

func TestVerifyClean(t *testing.T) {
	dir, cache := exportDemo(t)
	if found := verifyTree(t, dir, "demo-nuclei", "demo-organs"); len(found) > 0 {
		t.Errorf("an export: %v", found)
	}
	if code, stdout, _ := demoProgram(t, cache, "verify", "--all"); code != 0 || !strings.Contains(stdout, "0 findings") {
		t.Errorf("the tree itself: code %d: %s", code, stdout)
	}
	if code, _, _ := demoProgram(t, cache, "verify"); code != cli.ExitUsage {
		t.Errorf("verify without a dataset: code %d", code)
	}
	compressed, _ := exportDemo(t, "--compress", "--without", "preview")
	if found := verifyTree(t, compressed, "demo-nuclei"); len(found) > 0 {
		t.Errorf("a compressed export: %v", found)
	}
}

// edit changes a .nii.gz of the tree: the header's bytes and the voxels.
func edit(t *testing.T, name string, fn func(nii []byte) []byte) {
	t.Helper()
	nii := fn(unpack(t, name))
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(nii)
	w.Close()
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// dims are the first three of a NIfTI.
func dims(nii []byte) (x, y, z int) {
	n := func(at int) int { return int(nii[at]) | int(nii[at+1])<<8 }
	return n(42), n(44), n(46)
}

// TestVerifyFindsFaults seeds one fault at a time into an exported tree.
func TestVerifyFindsFaults(t *testing.T) {
	dir, _ := exportDemo(t, "--without", "preview")
	organs := filepath.Join(dir, "datasets/demo-organs")
	liver, ct := organs+"/labels/liver/organs_001.nii.gz", organs+"/images/organs_001.nii.gz"
	first := func(pattern string) string {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(found) == 0 {
			t.Fatal(pattern, err)
		}
		return found[0]
	}
	rewrite := func(name string, fn func(data []byte) []byte) {
		data, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(name, fn(data), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	faults := []struct {
		name, file, kind string
		seed             func(file string)
	}{
		{"shifted mask", liver, verify.Pixels, func(f string) {
			edit(t, f, func(nii []byte) []byte { return append(append(slices.Clone(nii[:352]), 0), nii[352:len(nii)-1]...) })
		}},
		{"flipped axis", liver, verify.Pixels, func(f string) {
			edit(t, f, func(nii []byte) []byte {
				x, _, _ := dims(nii)
				for at := 352; at < len(nii); at += x {
					slices.Reverse(nii[at : at+x])
				}
				return nii
			})
		}},
		{"wrong spacing", ct, verify.Grid, func(f string) {
			edit(t, f, func(nii []byte) []byte {
				for _, at := range []int{88, 320} { // pixdim[3] and srow_z[2]: the exponent of a float32
					nii[at+3]++
				}
				return nii
			})
		}},
		{"lost slice", liver, verify.Grid, func(f string) {
			edit(t, f, func(nii []byte) []byte {
				x, y, z := dims(nii)
				nii[46], nii[47] = byte(z-1), byte((z-1)>>8)
				return nii[:352+x*y*(z-1)]
			})
		}},
		{"16 bits cut to 8", ct, verify.Depth, func(f string) {
			edit(t, f, func(nii []byte) []byte {
				nii[70], nii[72] = 2, 8 // datatype and bitpix
				out := slices.Clone(nii[:352])
				for at := 352; at < len(nii); at += 2 {
					out = append(out, nii[at])
				}
				return out
			})
		}},
		{"not binary", liver, verify.Binary, func(f string) { edit(t, f, func(nii []byte) []byte { nii[400] = 7; return nii }) }},
		{"empty mask", liver, verify.Empty, func(f string) { edit(t, f, func(nii []byte) []byte { clear(nii[352:]); return nii }) }},
		{"no licence", organs + "/metadata/LICENSE", verify.Metadata, func(f string) { os.Remove(f) }},
		{"wrong mapping", organs + "/metadata/mapping.json", verify.Mapping, func(f string) {
			rewrite(f, func(d []byte) []byte { return bytes.Replace(d, []byte("organs_001"), []byte("organs_002"), 3) })
		}},
		{"damaged raw file", first("datasets/demo-nuclei/raw/*/*/masks/*.png"), verify.Raw, func(f string) {
			rewrite(f, func(d []byte) []byte { d[len(d)-20] ^= 1; return d })
		}},
		{"file of another case", organs + "/images/organs_009.nii.gz", verify.Names, func(f string) {
			data, _ := os.ReadFile(ct)
			os.WriteFile(f, data, 0o644)
		}},
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			was, err := os.ReadFile(f.file)
			defer func() {
				os.Remove(f.file)
				if err == nil {
					os.WriteFile(f.file, was, 0o644)
				}
			}()
			f.seed(f.file)
			id := strings.Split(strings.TrimPrefix(f.file, dir+"/datasets/"), "/")[0]
			found := verifyTree(t, dir, id)
			if !slices.ContainsFunc(found, func(x verify.Finding) bool { return x.Kind == f.kind }) {
				t.Errorf("no finding of kind %s: %v", f.kind, found)
			}
		})
	}
	if found := verifyTree(t, dir, "demo-organs", "demo-nuclei"); len(found) > 0 {
		t.Errorf("after mending: %v", found)
	}
}

func TestLock(t *testing.T) {
	cache, file := t.TempDir(), filepath.Join(t.TempDir(), "lock.json")
	if code, _, stderr := demoProgram(t, cache, "lock", file, "demo-organs"); code != 0 || !strings.Contains(stderr, "18 files of 1 datasets") {
		t.Fatalf("lock: code %d: %s", code, stderr)
	}
	dir := t.TempDir()
	if code, _, stderr := demoProgram(t, cache, "export", "demo-organs", dir, "--lock", file); code != 0 {
		t.Fatalf("export of what is locked: %s", stderr)
	}
	if code, _, stderr := demoProgram(t, cache, "export", "demo-nuclei", t.TempDir(), "--lock", file); code == 0 {
		t.Errorf("what is not locked is shown: %s", stderr)
	}
	change := func(old, new string) string {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(data, []byte(old)) {
			t.Fatalf("%q is not in the lock file", old)
		}
		changed := filepath.Join(t.TempDir(), "changed.json")
		i := bytes.Index(data, []byte(old)) + len(old)
		data = append(append(slices.Clone(data[:i]), new...), data[i+len(new):]...)
		if err := os.WriteFile(changed, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return changed
	}
	for name, c := range map[string][3]string{
		"recipe": {`"recipe_sha256": "`, "0000000000000000", "differs from the lock file"},
		"file":   {`"images/organs_001.nii.gz": "`, "0000000000000000", "the lock file has sha256 0000000000000000"},
	} {
		code, _, stderr := demoProgram(t, cache, "export", "demo-organs", t.TempDir(), "--lock", change(c[0], c[1]))
		if code != cli.ExitError || !strings.Contains(stderr, c[2]) {
			t.Errorf("changed %s: code %d: %s", name, code, stderr)
		}
	}
}

func TestServe(t *testing.T) {
	srv := httptest.NewServer(treeHandler(demoTree(t, t.TempDir())))
	defer srv.Close()
	get := func(path, ranges string) (*http.Response, []byte) {
		req, _ := http.NewRequestWithContext(context.Background(), "GET", srv.URL+path, nil)
		if ranges != "" {
			req.Header.Set("Range", ranges)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, body
	}
	_, whole := get("/datasets/demo-organs/images/organs_001.nii.gz", "")
	resp, part := get("/datasets/demo-organs/images/organs_001.nii", "bytes=352-1351")
	if resp.StatusCode != http.StatusPartialContent || len(part) != 1000 || resp.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("range: %s, %d bytes, %s", resp.Status, len(part), resp.Header.Get("Content-Type"))
	}
	r, err := gzip.NewReader(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	nii, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(nii[352:1352], part) {
		t.Errorf("the range differs from the whole: %v", err)
	}
	_, body := get("/datasets/demo-organs/files.json", "")
	var x struct {
		Version int `json:"omnimedfs"`
		License string
		Files   []indexed
	}
	if err := json.Unmarshal(body, &x); err != nil || x.Version != 1 || x.License != "CC0-1.0" || len(x.Files) != 6+12+5 {
		t.Errorf("%v: version %d, %q, %d files", err, x.Version, x.License, len(x.Files))
	}
	for _, f := range x.Files {
		if _, got := get("/datasets/demo-organs/files/"+f.Path, ""); int64(len(got)) != f.Size {
			t.Errorf("%s: %d bytes, announced %d", f.Path, len(got), f.Size)
		}
	}
	for _, path := range []string{"/datasets/none/files.json", "/datasets/demo-organs/files/../../../etc/passwd", "/none"} {
		if resp, _ := get(path, ""); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}

func TestCiteAndLicense(t *testing.T) {
	cache := t.TempDir()
	if code, stdout, _ := demoProgram(t, cache, "cite", "demo-nuclei"); code != 0 || !strings.HasPrefix(stdout, "@article{demo-nuclei,") {
		t.Errorf("code %d: %s", code, stdout)
	}
	for license, want := range map[string]int{"CC0-1.0,MIT": 2, "CC-BY-*": 0} {
		code, stdout, _ := demoProgram(t, cache, "ls", "--json", "--license", license)
		var list []dataset
		if err := json.Unmarshal([]byte(stdout), &list); err != nil || code != 0 || len(list) != want {
			t.Errorf("--license %s: %d datasets, %v", license, len(list), err)
		}
	}
}

func TestDoctor(t *testing.T) {
	code, stdout, _ := demoProgram(t, t.TempDir(), "doctor", "--offline", "--json")
	var checks []check
	if err := json.Unmarshal([]byte(stdout), &checks); err != nil || len(checks) != 8 || code != 0 {
		t.Errorf("code %d, %d checks, %v: %s", code, len(checks), err, stdout)
	}
	conf := filepath.Join(t.TempDir(), "updatedb.conf")
	for text, state := range map[string]string{
		"PRUNEFS = \"NFS fuse.omnimedfs\"": "ok", "PRUNEFS=\"NFS\"": "warning", "# PRUNEFS=\"fuse.omnimedfs\"": "warning",
	} {
		if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := checkPruneFS(conf); got.State != state {
			t.Errorf("%s: %+v", text, got)
		}
	}
	if got := checkClock(built.AddDate(-1, 0, 0)); got.State != "failed" {
		t.Errorf("an old clock: %+v", got)
	}
}

// TestDenyComm mounts and reads with two names of one program.
func TestDenyComm(t *testing.T) {
	dir, cache := t.TempDir(), t.TempDir()
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("/dev/fuse is missing")
	}
	crawler := filepath.Join(t.TempDir(), "updatedb")
	cat, err := exec.LookPath("cat")
	if err == nil {
		var data []byte
		if data, err = os.ReadFile(cat); err == nil {
			err = os.WriteFile(crawler, data, 0o755)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	o := options{Demo: true, Cache: cache, Memory: 1 << 30, DenyComm: []string{"updatedb"}, ReadAhead: 1 << 20}
	log := slog.New(slog.DiscardHandler)
	b, err := newApp(&o, log)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	m, err := mountTree(context.Background(), dir, b, &o, log)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Unmount(context.Background())
	name := filepath.Join(dir, "datasets/demo-organs/metadata/splits.json")
	out, err := exec.Command(crawler, name).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "Permission denied") {
		t.Errorf("a crawler: %v: %s", err, out)
	}
	if out, err := exec.Command(cat, name).CombinedOutput(); err != nil || !bytes.Contains(out, []byte("train")) {
		t.Errorf("somebody else: %v: %s", err, out)
	}
}

// A dataset with an index beside its recipe lists without its raw files.
func TestRecipeIndex(t *testing.T) {
	dir, origin := t.TempDir(), t.TempDir()
	for _, sub := range []string{"images", "masks"} {
		if err := os.Mkdir(filepath.Join(origin, sub), 0o755); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(origin, sub, "a.png"), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text := fmt.Sprintf(`schema = 1
id = "few"
title = "Few"
modality = "xray"
dim = 2
anatomy = "chest"
license = "CC0-1.0"
status = "unverified"
missing = "made by a test"
[citation]
title = "Few"
authors = ["Doe, J."]
year = 2020
[source]
platform = "local"
record = %q
[case]
image = "images/{case}.png"
[[class]]
name = "lung"
label = "masks/{case}.png"
select = { above = 0 }
[[example]]
raw = "images/a.png"
case = "a"
`, origin)
	if err := os.WriteFile(filepath.Join(dir, "few.toml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	index := filepath.Join(dir, "few.index")
	if code, _, stderr := demoProgram(t, t.TempDir(), "recipe", "index", "few", index, "--recipes", dir); code != 0 {
		t.Fatal(stderr)
	}
	if err := os.RemoveAll(origin); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := demoProgram(t, t.TempDir(), "info", "few", "--json", "--recipes", dir)
	if code != 0 || !strings.Contains(stdout, `"cases": 1`) {
		t.Errorf("with its index: code %d: %s %s", code, stdout, stderr)
	}
	if err := os.Remove(index); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := demoProgram(t, t.TempDir(), "info", "few", "--json", "--recipes", dir); code == 0 {
		t.Error("listed without index and without files")
	}
}

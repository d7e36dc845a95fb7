package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func tarOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range headers {
		data := []byte(h.Name)
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(data))
		}
		h.Mode = 0o644
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			w.Write(data)
		}
	}
	w.Close()
	return buf.Bytes()
}

func TestTarMembers(t *testing.T) {
	long := strings.Repeat("deep/", 60) + "file"
	data := tarOf(t,
		tar.Header{Name: "./b"}, tar.Header{Name: "a/", Typeflag: tar.TypeDir}, tar.Header{Name: "a/x"}, tar.Header{Name: "../evil"}, tar.Header{Name: "/abs"},
		tar.Header{Name: long, Format: tar.FormatGNU}, tar.Header{Name: "pax/" + long, Format: tar.FormatPAX},
		tar.Header{Name: "ünï"}, tar.Header{Name: "dup"}, tar.Header{Name: "dup"},
		tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "b"}, tar.Header{Name: "hard", Typeflag: tar.TypeLink, Linkname: "b"},
		tar.Header{Name: "dev", Typeflag: tar.TypeChar})
	a := open(t, "x.tar", data)
	want := []string{"a/x", "abs", "b", long, "dup", "pax/" + long, "ünï"}
	if d := cmp.Diff(want, names(a)); d != "" {
		t.Error(d)
	}
	for name, want := range map[string]string{"b": "./b", long: long, "pax/" + long: "pax/" + long, "abs": "/abs"} {
		if got, err := read(a, name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := read(a, "dup"); !errors.Is(err, ErrAmbiguous) {
		t.Error(err)
	}
	if w := strings.Join(a.Warnings(), "\n"); !strings.Contains(w, `hard link to "b"`) {
		t.Error(w)
	}
	if w := open(t, "x.tar", data[:1024]).Warnings(); len(w) != 1 || !strings.Contains(w[0], "end marker") {
		t.Error(w)
	}
	if w := open(t, "x.tar", tarOf(t, tar.Header{Name: "x"})).Warnings(); len(w) != 0 {
		t.Error(w)
	}
	for _, n := range []int{100, 1100, 1500} {
		if _, err := Open(context.Background(), "x.tar", blob.Bytes(data[:n]), Env{}); !errors.Is(err, ErrFormat) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

// TestTarSkipsData counts what the scan of an archive with a few large members
// reads, and that the kept index reads nothing.
func TestTarSkipsData(t *testing.T) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	big := noise(4 << 20)
	for _, n := range []string{"a", "b", "c"} {
		w.WriteHeader(&tar.Header{Name: n, Size: int64(len(big)), Typeflag: tar.TypeReg})
		w.Write(big)
	}
	w.Close()
	c := count(buf.Bytes())
	facts := memFacts{}
	if _, err := Open(context.Background(), "x.tar", c, Env{Facts: facts, Key: "k"}); err != nil {
		t.Fatal(err)
	}
	if len(c.blocks) > 12 {
		t.Errorf("scan of 12 MiB touched %d blocks", len(c.blocks))
	}
	clear(c.blocks)
	a, err := Open(context.Background(), "x.tar", c, Env{Facts: facts, Key: "k"})
	if err != nil || len(c.blocks) > 0 {
		t.Errorf("with the kept index %d blocks were read: %v", len(c.blocks), err)
	}
	if got, err := read(a, "c"); err != nil || !bytes.Equal(got, big) {
		t.Error(err)
	}
}

func TestTarOfGNUTar(t *testing.T) {
	if _, err := exec.LookPath("tar"); err != nil {
		t.Skip("no tar: ", err)
	}
	dir := t.TempDir()
	deep := filepath.Join(dir, "src", strings.Repeat("longish/", 20))
	os.MkdirAll(deep, 0o755)
	os.WriteFile(filepath.Join(deep, "f"), []byte("deep"), 0o644)
	os.WriteFile(filepath.Join(dir, "src", "plain"), noise(70_000), 0o644)
	sp, _ := os.Create(filepath.Join(dir, "src", "sparse"))
	sp.Truncate(1 << 20)
	sp.WriteAt([]byte("x"), 500_000)
	sp.Close()
	for _, format := range []string{"gnu", "pax", "ustar"} {
		out := filepath.Join(dir, format+".tar")
		args := []string{"--format=" + format, "-C", dir, "-cf", out, "src"}
		if format != "ustar" {
			args = append([]string{"--sparse"}, args...)
		}
		if b, err := exec.Command("tar", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		data, _ := os.ReadFile(out)
		a := open(t, out, data)
		if got, err := read(a, "src/"+strings.Repeat("longish/", 20)+"f"); string(got) != "deep" {
			t.Errorf("%s: %q, %v", format, got, err)
		}
		if got, err := read(a, "src/plain"); !bytes.Equal(got, noise(70_000)) {
			t.Errorf("%s: %v", format, err)
		}
		if _, err := read(a, "src/sparse"); errors.Is(err, ErrUnsupported) == (format == "ustar") {
			t.Errorf("%s: sparse: %v", format, err)
		}
	}
}

func tarHeaders() []tar.Header {
	return []tar.Header{{Name: "a/b"}, {Name: strings.Repeat("x/", 90), Format: tar.FormatPAX, Typeflag: tar.TypeDir}, {Name: "c"}}
}

func FuzzTar(f *testing.F) {
	f.Add(tarOf(f, tar.Header{Name: "a/b"}, tar.Header{Name: strings.Repeat("x/", 90), Format: tar.FormatPAX, Typeflag: tar.TypeDir}))
	f.Add(tarOf(f, tar.Header{Name: strings.Repeat("x/", 90) + "y", Format: tar.FormatGNU}))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := openBounded(t, "x.tar", data, Env{})
		if err == nil {
			checkArchive(t, a.(Indexed), int64(len(data)))
		}
	})
}

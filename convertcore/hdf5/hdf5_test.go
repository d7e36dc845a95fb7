package hdf5

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// h5py runs a script of testdata that writes files into a folder.
func h5py(t *testing.T, script string) string {
	t.Helper()
	const python3 = "/usr/bin/python3"
	if err := exec.Command(python3, "-c", "import numpy, h5py").Run(); err != nil {
		t.Skipf("%s with numpy and h5py: %v", python3, err)
	}
	dir := t.TempDir()
	if out, err := exec.Command(python3, filepath.Join("testdata", script), dir).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return dir
}

func open(t testing.TB, path string) *File {
	t.Helper()
	b, err := blob.File(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	f, err := Open(b)
	if err != nil {
		t.Fatal(path, err)
	}
	return f
}

// Boxes of datasets in every layout, filter, index, group and type are those
// that h5py has written.
func TestAgainstH5py(t *testing.T) {
	dir := h5py(t, "make.py")
	list, err := os.ReadFile(filepath.Join(dir, "boxes.json"))
	if err != nil {
		t.Fatal(err)
	}
	var boxes []struct {
		File, Path          string
		Shape, Start, Count []int64
		Type                Type
	}
	if err := json.Unmarshal(list, &boxes); err != nil {
		t.Fatal(err)
	}
	if len(boxes) < 500 {
		t.Fatalf("%d boxes", len(boxes))
	}
	files := map[string]*File{}
	bad := 0
	for i, b := range boxes {
		if files[b.File] == nil {
			files[b.File] = open(t, filepath.Join(dir, b.File))
		}
		want, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(i)+".bin"))
		if err != nil {
			t.Fatal(err)
		}
		files[b.File].spent.Store(0)
		d, err := files[b.File].Dataset(t.Context(), b.Path)
		if err == nil {
			if !slices.Equal(d.Shape, b.Shape) || d.Type != b.Type {
				t.Errorf("%s %s: %v %+v, want %v %+v", b.File, b.Path, d.Shape, d.Type, b.Shape, b.Type)
				continue
			}
			var got []byte
			if got, err = d.Read(t.Context(), b.Start, b.Count); err == nil && !bytes.Equal(got, want) {
				err = errors.New("elements differ")
			}
		}
		if err != nil {
			if bad++; bad < 30 {
				t.Errorf("%s %s %v %v of %v: %v", b.File, b.Path, b.Start, b.Count, b.Shape, err)
			}
		}
	}
	refuses(t, files["earliest.h5"], files["latest.h5"])
	cuts(t, dir)
}

// refuses demands that what is not read is told apart from what is broken.
func refuses(t *testing.T, files ...*File) {
	for path, want := range map[string]string{
		"compound": "compound", "complex": "compound", "text": "string", "strings": "variable-length", "none": "without any element",
		"external": "another file", "loop": "circles", "g": `"gzip"`, "nothing": "no \"nothing\"", "g/gzip/i2/x": "has no", "many300": "entry", "scaleoffset": "scaleoffset",
	} {
		for _, f := range files {
			d, err := f.Dataset(t.Context(), path)
			if err == nil {
				_, err = d.Read(t.Context(), make([]int64, len(d.Shape)), d.Shape)
			}
			if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, convertcore.ErrFormat) && !errors.Is(err, convertcore.ErrUnsupported) {
				t.Errorf("%s: %v, want %q", path, err, want)
			}
		}
	}
}

// cuts demands an error of every file that is cut short.
func cuts(t *testing.T, dir string) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"earliest.h5", "earliest512.h5", "latest.h5"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			n := rng.IntN(len(b))
			if _, err := Open(blob.Bytes(b[:n])); !errors.Is(err, convertcore.ErrFormat) {
				t.Errorf("%s cut at %d of %d: %v", name, n, len(b), err)
			}
		}
	}
}

// The vectors are those of lookup3.c's own driver 5.
func TestLookup3(t *testing.T) {
	for text, want := range map[string]uint32{"": 0xdeadbeef, "Four score and seven years ago": 0x17770551} {
		if got := lookup3([]byte(text)); got != want {
			t.Errorf("%q: %#x, want %#x", text, got, want)
		}
	}
}

// counting counts the bytes that are read.
type counting struct {
	blob.Blob
	n int64
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	c.n += int64(len(p))
	return c.Blob.ReadAt(p, off)
}

func seeds(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	paths, _ := filepath.Glob("testdata/seed_*.h5")
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(p)] = b
	}
	if len(out) < 10 {
		t.Fatalf("%d seeds", len(out))
	}
	return out
}

// readAny reads the array of a seed, or of what was made of one.
func readAny(t testing.TB, file []byte) ([]byte, error) {
	f, err := Open(blob.Bytes(file))
	if err != nil {
		return nil, err
	}
	d, _, err := f.Only(t.Context())
	if err != nil {
		if d, err = f.Dataset(t.Context(), "a"); err != nil {
			return nil, err
		}
	}
	return d.Read(t.Context(), make([]int64, len(d.Shape)), d.Shape)
}

// Any byte of a file may lie: that is an error or other samples, never a panic,
// and never much memory.
func TestChangedBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for name, file := range seeds(t) {
		if _, err := readAny(t, file); err != nil {
			t.Fatal(name, err)
		}
		for range 300 {
			b := bytes.Clone(file)
			for range 1 + rng.IntN(3) {
				b[rng.IntN(len(b))] = byte(rng.UintN(256))
			}
			if _, err := readAny(t, b); err != nil && !errors.Is(err, convertcore.ErrFormat) && !errors.Is(err, convertcore.ErrUnsupported) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for n := range file {
			if _, err := readAny(t, file[:n]); !errors.Is(err, convertcore.ErrFormat) {
				t.Errorf("%s cut at %d of %d: %v", name, n, len(file), err)
			}
		}
	}
}

// One slice of a long dataset costs the chunks that it touches and the way to
// them.
func TestReadsFewBytes(t *testing.T) {
	dir := h5py(t, "slices.py")
	for _, name := range []string{"earliest", "latest"} {
		file, err := blob.File(filepath.Join(dir, name+".h5"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for _, path := range []string{"plain", "chunked", "gzip"} {
			c := &counting{Blob: file}
			f, err := Open(c)
			if err != nil {
				t.Fatal(err)
			}
			d, err := f.Dataset(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if c.n > 64<<10 {
				t.Errorf("%s %s: %d bytes for the header", name, path, c.n)
			}
			if _, err := d.Read(t.Context(), []int64{700, 0, 0}, []int64{1, 64, 64}); err != nil || c.n > 128<<10 {
				t.Errorf("%s %s: %d bytes of %d for one slice: %v", name, path, c.n, file.Size(), err)
			}
		}
	}
}

func FuzzHDF5(f *testing.F) {
	for _, file := range seeds(f) {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, err := readAny(t, file); err != nil && !errors.Is(err, convertcore.ErrFormat) && !errors.Is(err, convertcore.ErrUnsupported) {
			t.Error(err)
		}
	})
}

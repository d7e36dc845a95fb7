package format

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

func TestNPYObjectAgainstNumPy(t *testing.T) {
	dir := t.TempDir()
	python(t, "make_npyobject.py", dir)
	f := npyObject(t)
	for _, file := range []string{"default.npy", "p2.npy", "p3.npy", "p4.npy"} {
		for _, name := range []string{"liver", "vein", "stomach", "big"} {
			path := file + "#structures/" + name
			header, err := f.Header(t.Context(), folder(dir), []string{path})
			im, derr := f.Decode(t.Context(), folder(dir), []string{path})
			if err != nil || derr != nil || im.Header() != header {
				t.Errorf("%s: header %+v, %v; decode %v", path, header, err, derr)
				continue
			}
			var want convertcore.Header
			if err := json.Unmarshal(read(t, dir, name+".json"), &want); err != nil {
				t.Fatal(err)
			}
			sameAs(t, path, im, want, read(t, dir, name+".bin"))
		}
	}
	for path, text := range map[string]string{
		"evil.npy#structures/liver": "print", "plain.npy#structures/liver": "no object", "p4.npy#structures/spleen": `no "spleen"`,
		"p4.npy#structures": "no array", "p4.npy#n/x": "no dict", "p4.npy#structures/liver[9]": "axis",
	} {
		if _, err := f.Decode(t.Context(), folder(dir), []string{path}); !expected(err) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", path, err)
		}
	}
	file := read(t, dir, "p4.npy")
	for n := range len(file) - 1 {
		if _, err := npyOfObject(file[:n], "structures/liver"); !errors.Is(err, convertcore.ErrFormat) {
			t.Fatalf("cut at %d of %d: %v", n, len(file), err)
		}
	}
}

func npyObject(t testing.TB) convertcore.Format {
	t.Helper()
	for _, f := range All() {
		if f.Name == "npyobject" {
			return f
		}
	}
	t.Fatal("not registered")
	return convertcore.Format{}
}

func FuzzNPYObject(f *testing.F) {
	samples, err := filepath.Glob("testdata/objects/*.npy")
	if err != nil || len(samples) == 0 {
		f.Fatal("no samples")
	}
	for _, name := range samples {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	format := npyObject(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		raw, path := only{"x.npy", data}, []string{"x.npy#structures/liver"}
		header, herr := format.Header(t.Context(), raw, path)
		im, err := format.Decode(t.Context(), raw, path)
		if err != nil && !expected(err) || herr != nil && !expected(herr) {
			t.Fatalf("header %v, decode %v", herr, err)
		}
		if err == nil && (herr != nil || im.Header() != header) {
			t.Fatalf("header %+v, %v; decoded %+v", header, herr, im.Header())
		}
	})
}

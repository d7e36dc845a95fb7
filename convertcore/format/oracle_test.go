package format

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// agree runs a script that writes files and what they hold, and compares it
// with what the formats read: header, payload, affine, and header-only size.
func agree(t *testing.T, script string, atLeast int) {
	t.Helper()
	agreeIn(t, script, atLeast)
}

// agreeIn is agree and returns the folder of the files.
func agreeIn(t *testing.T, script string, atLeast int) string {
	t.Helper()
	dir := t.TempDir()
	python(t, script, dir)
	wants := names(t, dir, "*.json")
	if len(wants) < atLeast {
		t.Fatalf("%s made %d files", script, len(wants))
	}
	for _, w := range wants {
		name := strings.TrimSuffix(w, ".json")
		var want convertcore.Header
		if err := json.Unmarshal(read(t, dir, w), &want); err != nil {
			t.Fatal(err)
		}
		path := name
		if p, err := filepath.Glob(filepath.Join(dir, name+".path")); err == nil && len(p) == 1 {
			path = string(read(t, p[0]))
		}
		f, err := For(path, nil)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		header, herr := f.Header(t.Context(), folder(dir), []string{path})
		img, err := f.Decode(t.Context(), folder(dir), []string{path})
		if herr != nil || err != nil {
			t.Errorf("%s: header %v, decode %v", path, herr, err)
			continue
		}
		if img.Header() != header {
			t.Errorf("%s: Header %+v, Decode %+v", path, header, img.Header())
		}
		sameAs(t, path, img, want, read(t, dir, name+".bin"))
	}
	return dir
}

func sameAs(t *testing.T, path string, img convertcore.Image, want convertcore.Header, payload []byte) {
	t.Helper()
	got := img.Header()
	for i := range got.Affine {
		for j, v := range got.Affine[i] {
			if !(math.Abs(v-want.Affine[i][j]) <= 1e-5) {
				t.Errorf("%s: affine %v, want %v", path, got.Affine, want.Affine)
				return
			}
		}
	}
	got.Affine, got.Lead = want.Affine, want.Lead
	if got != want {
		t.Errorf("%s: %+v, want %+v", path, got, want)
	} else if !bytes.Equal(img.Payload(), payload) {
		t.Errorf("%s: samples differ", path)
	}
}

// only is a Raw of one file under one name.
type only struct {
	path string
	data []byte
}

func (o only) Files(context.Context) ([]blob.Info, error) { return nil, nil }

func (o only) Open(_ context.Context, path string) (blob.Blob, error) {
	if path != o.path {
		return nil, fs.ErrNotExist
	}
	return blob.Bytes(o.data), nil
}

// expected reports whether an error is one that a bad file alone may cause.
func expected(err error) bool {
	return errors.Is(err, convertcore.ErrFormat) || errors.Is(err, convertcore.ErrUnsupported) || errors.Is(err, fs.ErrNotExist)
}

// truncated demands an error of every shortened file at 200 random lengths.
func truncated(t *testing.T, path string, file []byte) {
	t.Helper()
	f, err := For(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Decode(t.Context(), only{path, file}, []string{path}); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := rng.IntN(len(file))
		if _, err := f.Decode(t.Context(), only{path, file[:n]}, []string{path}); !expected(err) {
			t.Fatalf("%s cut at %d of %d: %v", path, n, len(file), err)
		}
	}
}

// fuzzFile holds a format to its contract on any bytes: an error of the two
// kinds or an image whose header was told before, and bounded memory.
func fuzzFile(f *testing.F, path string) {
	format, err := For(path, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var h convertcore.Header
		var img convertcore.Image
		var herr, err error
		n := allocated(func() {
			h, herr = format.Header(t.Context(), only{path, file}, []string{path})
			img, err = format.Decode(t.Context(), only{path, file}, []string{path})
		})
		if n > 256<<20 && len(file) < 1<<20 {
			t.Errorf("%d bytes allocated for %d", n, len(file))
		}
		if err != nil {
			if !expected(err) {
				t.Error(err)
			}
			return
		}
		if herr != nil || img.Header() != h {
			t.Errorf("header %+v, %v; image %+v", h, herr, img.Header())
		}
	})
}

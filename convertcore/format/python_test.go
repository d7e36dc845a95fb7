package format

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// python runs a script of testdata with Debian's interpreter, which has the
// readers that users compare with.
func python(t *testing.T, script string, args ...string) {
	t.Helper()
	const python3 = "/usr/bin/python3"
	if err := exec.Command(python3, "-c", "import numpy, PIL, nibabel").Run(); err != nil {
		t.Skipf("%s with numpy, PIL and nibabel: %v", python3, err)
	}
	cmd := exec.Command(python3, append([]string{filepath.Join("testdata", script)}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

// folder is a Raw of local files.
type folder string

func (d folder) Files(context.Context) ([]blob.Info, error) { return nil, nil }

func (d folder) Open(_ context.Context, path string) (blob.Blob, error) {
	return blob.File(filepath.Join(string(d), path))
}

// one is a Raw of one content under any name.
type one []byte

func (b one) Files(context.Context) ([]blob.Info, error)      { return nil, nil }
func (b one) Open(context.Context, string) (blob.Blob, error) { return blob.Bytes(b), nil }

func read(t testing.TB, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// names lists the files of a folder that match a pattern; none is an error.
func names(t testing.TB, dir, pattern string) (out []string) {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(dir, pattern))
	for _, p := range paths {
		out = append(out, filepath.Base(p))
	}
	if len(out) == 0 {
		t.Fatalf("no %s in %s", pattern, dir)
	}
	return out
}

type (
	headerFunc func(context.Context, convertcore.Raw, []string) (convertcore.Header, error)
	decodeFunc func(context.Context, convertcore.Raw, []string) (convertcore.Image, error)
)

// fuzzFile checks what holds for any bytes: errors are of the two kinds, what
// decodes has the header that was read, and memory is bounded.
func fuzzFormat(t *testing.T, header headerFunc, decode decodeFunc, file []byte) {
	known := func(err error) bool {
		return err == nil || errors.Is(err, convertcore.ErrFormat) || errors.Is(err, convertcore.ErrUnsupported)
	}
	h, herr := header(t.Context(), one(file), []string{"a"})
	if !known(herr) {
		t.Error(herr)
	}
	var img convertcore.Image
	var err error
	if n := allocated(func() { img, err = decode(t.Context(), one(file), []string{"a"}) }); n > 256<<20 {
		t.Errorf("%d bytes allocated for %d", n, len(file))
	}
	if !known(err) {
		t.Error(err)
	}
	if err == nil && (herr != nil || img.Header() != h) {
		t.Errorf("header %+v, %v; image %+v", h, herr, img.Header())
	}
}

package format

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

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
func names(t *testing.T, dir, pattern string) (out []string) {
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

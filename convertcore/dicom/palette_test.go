package dicom

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// TestPalettes compares the colors of palettes, plain and segmented, with
// pydicom's. Its apply_color_lut gives the entries as they are stored; ours are
// of 8 bits where 8 hold every color.
func TestPalettes(t *testing.T) {
	needPydicom(t)
	dir := t.TempDir()
	if out, err := exec.Command(python3, filepath.Join("testdata", "palettes.py"), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	paths, _ := filepath.Glob(filepath.Join(dir, "*.dcm"))
	if len(paths) < 5 {
		t.Fatalf("%d files", len(paths))
	}
	for _, path := range paths {
		name := filepath.Base(path)
		b, err := blob.File(path)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		d, err := Read(b, b.Size())
		if err != nil {
			t.Fatal(err)
		}
		f, err := d.Frames()
		if name == "copies.dcm" {
			if !errors.Is(err, convertcore.ErrUnsupported) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		pix, err := f.Decode(0)
		if err != nil {
			t.Fatal(err)
		}
		want := readFile(t, filepath.Join(dir, fmt.Sprintf("%s.%d.rgb", name[:len(name)-4], f.Palette.Bits)))
		if got := f.Palette.Expand(pix, f.Bits(), f.Signed); !bytes.Equal(got, want) {
			t.Errorf("%s: other colors of %d bits: % x…, want % x…", name, f.Palette.Bits, got[:12], want[:12])
		}
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

package data

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/eval/mask"
)

func python(t *testing.T, script string, args ...string) {
	t.Helper()
	if exec.Command("/usr/bin/python3", "-c", "import numpy, nibabel").Run() != nil {
		t.Skip("needs python3 with numpy and nibabel")
	}
	out, err := exec.Command("/usr/bin/python3", append([]string{"-c", script}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// The same array written by NumPy and nibabel in several ways reads the same.
func TestReadAgreesWithNumpy(t *testing.T) {
	dir := t.TempDir()
	python(t, `
import numpy as np, nibabel as nib, sys
d = sys.argv[1]
a = np.arange(2*3*5).reshape(2,3,5).astype(np.int16) - 7
np.save(d+"/c.npy", a)
np.save(d+"/f.npy", np.asfortranarray(a))
np.save(d+"/be.npy", a.astype(">f4"))
im = nib.Nifti1Image(a, np.diag([-2,0.5,3,1]))
nib.save(im, d+"/v.nii.gz")
nib.save(im, d+"/v.nii")
`, dir)
	for _, name := range []string{"c.npy", "f.npy", "be.npy", "v.nii.gz", "v.nii"} {
		im, err := Read(context.Background(), filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(im.Dims, []int{2, 3, 5}) {
			t.Errorf("%s: dims %v", name, im.Dims)
		}
		for i := range 30 {
			p := mask.Point{i / 15, i / 5 % 3, i % 5}
			if v := im.At(p); v != float64(i-7) {
				t.Errorf("%s: %v is %v, want %d", name, p, v, i-7)
			}
		}
		m, err := im.Mask(nil)
		if err != nil || m.Count() != 29 || m.At(mask.Point{0, 1, 2}) {
			t.Errorf("%s: mask of %d voxels, %v", name, m.Count(), err)
		}
		if name[0] == 'v' && !slices.Equal(m.Spacing(), []float64{2, 0.5, 3}) {
			t.Errorf("%s: spacing %v", name, m.Spacing())
		}
		if q := im.Percentile(25); math.Abs(q-0.25) > 1e-6 {
			t.Errorf("%s: 25th percentile %v, want 0.25", name, q)
		}
	}
}

func TestReadPNG(t *testing.T) {
	rgba := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	for i := range rgba.Pix {
		rgba.Pix[i] = 255 * byte(i%4/3) // opaque black
	}
	rgba.Set(2, 1, color.NRGBA{30, 60, 90, 255})
	path := filepath.Join(t.TempDir(), "a.png")
	var buf bytes.Buffer
	if err := png.Encode(&buf, rgba); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	im, err := Read(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if v := im.At(mask.Point{0, 1, 2}); v != 60 || !slices.Equal(im.Dims, []int{2, 3}) {
		t.Errorf("value %v of %v, want the mean of the colors, 60", v, im.Dims)
	}
	m, err := im.Mask(nil)
	if err != nil || m.Count() != 1 {
		t.Errorf("mask of %d pixels, want 1: alpha does not count (%v)", m.Count(), err)
	}
}

func TestNPYRoundTrip(t *testing.T) {
	var buf bytes.Buffer
	if err := WriteNPY(&buf, "|u1", []int{2, 2}, []byte{1, 2, 3, 4}); err != nil {
		t.Fatal(err)
	}
	if buf.Len()%64 != 4 {
		t.Errorf("data begins at %d, want a multiple of 64", buf.Len()-4)
	}
	im, err := ReadNPY(&buf)
	if err != nil || im.At(mask.Point{0, 1, 0}) != 3 {
		t.Errorf("read back %v, %v", im, err)
	}
}

func TestNPYRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"object":   "{'descr': '|O', 'fortran_order': False, 'shape': (2, 2), }",
		"one axis": "{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }",
		"huge":     "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999, 99999999), }",
		"zero":     "{'descr': '|u1', 'fortran_order': False, 'shape': (0, 4), }",
		"short":    "{'descr': '<u4', 'fortran_order': False, 'shape': (2, 2), }",
	} {
		head := append([]byte("\x93NUMPY\x01\x00"), byte(len(text)), 0)
		_, err := ReadNPY(bytes.NewReader(append(append(head, text...), 1, 2, 3, 4)))
		if !errors.Is(err, convertcore.ErrFormat) && !errors.Is(err, convertcore.ErrUnsupported) && !errors.Is(err, ErrShape) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func FuzzReadNPY(f *testing.F) {
	var buf bytes.Buffer
	_ = WriteNPY(&buf, "<u2", []int{2, 3}, make([]byte, 12))
	f.Add(buf.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		im, err := ReadNPY(bytes.NewReader(b))
		if err == nil && len(im.Data) > len(b) {
			t.Fatal("more data than was read")
		}
	})
}

// write makes empty files under root.
func write(t *testing.T, root string, paths ...string) {
	for _, p := range paths {
		p = filepath.Join(root, p)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDatasetListing(t *testing.T) {
	root := t.TempDir()
	write(t, root, "datasets/d/images/a.png", "datasets/d/images/a_b_t1.nii.gz", "datasets/d/images/a_b_flair.nii.gz",
		"datasets/d/labels/x/a.png", "datasets/d/labels/x/a_b.nii.gz", "datasets/d/labels/y/a_b.nii.gz", "datasets/d/labels/y/notes.txt")
	write(t, root, "datasets/d/metadata/splits.json")
	split := filepath.Join(root, "datasets/d/metadata/splits.json")
	if err := os.WriteFile(split, []byte(`{"train":["a"],"test":[],"source":"none"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	tree, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	d, err := tree.Dataset("d")
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Cases) != 2 || len(d.Cases[0].Images) != 1 || len(d.Cases[1].Images) != 2 {
		t.Fatalf("cases %+v", d.Cases)
	}
	if got := d.Cases[1].Classes(); !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("classes %v", got)
	}
	if c, err := d.Select("train"); err != nil || len(c) != 1 || c[0].ID != "a" {
		t.Errorf("train %v, %v", c, err)
	}
	if _, err := d.Select("test"); err == nil {
		t.Error("an empty split gave no error")
	}
	if _, err := tree.Dataset("../d"); err == nil {
		t.Error("a path was taken for a dataset's name")
	}
	if _, err := Open(filepath.Join(root, "datasets")); err == nil {
		t.Error("a folder without datasets was taken for a tree")
	}
}

package format

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

func TestMATAgainstSciPy(t *testing.T) {
	dir := agreeIn(t, "make_mat.py", 150)
	for path, want := range map[string]string{
		"refused.mat#sparse": "sparse", "refused.mat#complex": "complex", "refused.mat#text": "text", "refused.mat#empty": "along an axis", "refused.mat#s": `["x"]`,
		"refused.mat#none": "no array", "refused.mat#scalar/x": "has no", "nested1.mat#cells": "of 6 cells", "nested0.mat#cells/6": "of 6 cells", "nested0.mat#array/4/img": "of 4",
		"nested0.mat#array/img": "of 4", "nested0.mat#cjdata/none": "tumorMask", "rgb.mat": "several arrays", "u1_raw.mat#vol[5]": "axis of 5",
		"v73.mat#text": "char", "v73.mat#sparse": "is an HDF5 group", "v73.mat#empty": "empty", "v73.mat#cells": "references", "v73.mat": "arrays, of which",
	} {
		f, err := For(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, herr := f.Header(t.Context(), folder(dir), []string{path})
		_, err = f.Decode(t.Context(), folder(dir), []string{path})
		for _, err := range []error{herr, err} {
			if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, convertcore.ErrFormat) && !errors.Is(err, convertcore.ErrUnsupported) {
				t.Errorf("%s: %v, want %q", path, err, want)
			}
		}
	}
	for path, want := range map[string][]int64{
		"u1_z.mat#vol[0]": {5, 6, 4}, "v73.mat#vol": {5, 6, 4}, "v4_u1.mat#a": {5, 6}, "refused.mat#scalar": {1, 1}, "rgb.mat#n": {5, 6, 3, 4},
	} {
		if got, err := ArrayShape(t.Context(), folder(dir), path); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: shape %v, %v", path, got, err)
		}
	}
	for _, name := range []string{"hand_u2_raw_be.mat", "hand_u2_z_le.mat", "hand_f4_raw_le.mat", "v4_be_u1.mat", "tiny.mat", "logical.mat"} {
		truncated(t, name, read(t, dir, name))
	}
}

func TestHDF5AgainstH5py(t *testing.T) {
	dir := agreeIn(t, "make_hdf5.py", 100)
	if got, err := ArrayShape(t.Context(), folder(dir), "latest.hdf5#images[3]"); err != nil || !slices.Equal(got, []int64{7, 5, 6, 3}) {
		t.Errorf("shape %v, %v", got, err)
	}
	for _, name := range []string{"only.h5", "only.nc4"} {
		truncated(t, name, read(t, dir, name))
	}
}

// hdf5Seeds are small files that are kept with package hdf5.
func hdf5Seeds(t testing.TB) (out [][]byte) {
	t.Helper()
	dir := filepath.Join("..", "hdf5", "testdata")
	for _, name := range names(t, dir, "seed_*.h5") {
		out = append(out, read(t, dir, name))
	}
	return out
}

func FuzzHDF5(f *testing.F) {
	for _, b := range hdf5Seeds(f) {
		f.Add(b)
	}
	fuzzFile(f, "a.h5")
}

func FuzzMAT(f *testing.F) {
	for _, name := range names(f, filepath.Join("testdata", "samples"), "*.mat") {
		f.Add(read(f, "testdata", "samples", name))
	}
	fuzzFile(f, "a.mat")
}

package view

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
)

const ctRecipe = `schema = 1
id = "ct"
title = "CT"
modality = "ct"
dim = 3
anatomy = "chest"
license = "CC0-1.0"
status = "verified"

[citation]
title = "CT"
authors = ["Doe, J."]
year = 2020

[source]
platform = "local"
record = %q

[case]
image = "{case}/*.dcm"
series = true

[[class]]
name = "bone"
label = "{case}/bone.nii"
select = { above = 0 }
absent = "empty"
`

// ctSlice is a DICOM file of cols×rows pixels, of which the first lies at pos.
func ctSlice(uid string, cols, rows int, pos, spacing string) []byte {
	var b bytes.Buffer
	b.Write(make([]byte, 128))
	b.WriteString("DICM")
	le := binary.LittleEndian
	elem := func(group, element uint16, vr string, value []byte) {
		if len(value)%2 == 1 {
			value = append(value, ' ')
		}
		b.Write(le.AppendUint16(le.AppendUint16(nil, group), element))
		b.WriteString(vr)
		if vr == "OW" {
			b.Write(le.AppendUint32([]byte{0, 0}, uint32(len(value))))
		} else {
			b.Write(le.AppendUint16(nil, uint16(len(value))))
		}
		b.Write(value)
	}
	us := func(element uint16, v int) { elem(0x28, element, "US", le.AppendUint16(nil, uint16(v))) }
	elem(2, 0x10, "UI", []byte("1.2.840.10008.1.2.1\x00"))
	elem(8, 0x18, "UI", append([]byte(uid), 0))
	elem(0x20, 0xe, "UI", []byte("1.2.4\x00"))
	elem(0x20, 0x32, "DS", []byte(pos))
	elem(0x20, 0x37, "DS", []byte(`1\0\0\0\1\0`))
	us(2, 1)
	elem(0x28, 4, "CS", []byte("MONOCHROME2"))
	us(0x10, rows)
	us(0x11, cols)
	elem(0x28, 0x30, "DS", []byte(spacing))
	us(0x100, 16)
	us(0x101, 16)
	us(0x102, 15)
	us(0x103, 1)
	elem(0x7fe0, 0x10, "OW", make([]byte, 2*cols*rows))
	return b.Bytes()
}

// The slices of an image are listed in the order of its voxels with their UIDs
// and files, in a file of exact size, whether or not the image was converted.
func TestSlices(t *testing.T) {
	dir := t.TempDir()
	for c, zs := range map[string][]int{"a": {10, 0, 5}, "b": {2, 1}} {
		if err := os.Mkdir(filepath.Join(dir, c), 0o755); err != nil {
			t.Fatal(err)
		}
		for i, z := range zs {
			if err := os.WriteFile(filepath.Join(dir, c, fmt.Sprintf("%d.dcm", i)), ctSlice(fmt.Sprintf("1.2.%s%d", map[string]string{"a": "7.", "b": "8."}[c], z), 4, 3, fmt.Sprintf(`-10\-20\%d`, z), `1\1`), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, err := recipe.Parse("ct.toml", fmt.Appendf(nil, ctRecipe, dir))
	if err != nil {
		t.Fatal(err)
	}
	fsys := tree.FS(Root(&Catalog{Datasets: []*dataset.Dataset{dataset.New(r, newEnv(t))}}))
	var mapping struct {
		Files map[string]struct{ Slices string }
	}
	readJSON(t, fsys, "datasets/ct/metadata/mapping.json", &mapping)
	const at = "datasets/ct/metadata/slices"
	if got := mapping.Files["images/a.nii.gz"].Slices; got != "metadata/slices/a.json" {
		t.Errorf("mapping.json names %q", got)
	}
	if got := mapping.Files["labels/bone/a.nii.gz"].Slices; got != "" {
		t.Errorf("mapping.json names %q for a mask", got)
	}
	if entries, err := iofs.ReadDir(fsys, at); err != nil || len(entries) != 2 {
		t.Fatal(entries, err)
	}
	if _, err := iofs.ReadFile(fsys, "datasets/ct/images/b.nii.gz"); err != nil { // b is converted before
		t.Fatal(err)
	}
	for c, want := range map[string]string{
		"a": "0 1.2.7.0 raw/a/1.dcm; 1 1.2.7.5 raw/a/2.dcm; 2 1.2.7.10 raw/a/0.dcm; ",
		"b": "0 1.2.8.1 raw/b/1.dcm; 1 1.2.8.2 raw/b/0.dcm; ",
	} {
		st, err := iofs.Stat(fsys, at+"/"+c+".json")
		if err != nil {
			t.Fatal(err)
		}
		text, err := iofs.ReadFile(fsys, at+"/"+c+".json")
		if err != nil || int64(len(text)) != st.Size() {
			t.Errorf("%s: %d bytes of %d, %v", c, len(text), st.Size(), err)
		}
		var list struct {
			Case, Image string
			Slices      []struct {
				Z, T, Frame   int
				SOP           string `json:"sop_instance_uid"`
				Raw           string
				PositionLPSMM []float64 `json:"position_lps_mm"`
			}
		}
		readJSON(t, fsys, at+"/"+c+".json", &list)
		got := ""
		for _, s := range list.Slices {
			got += fmt.Sprintf("%d %s %s; ", s.Z, s.SOP, s.Raw)
			if len(s.PositionLPSMM) != 3 || s.PositionLPSMM[0] != -10 || s.T != 0 || s.Frame != 0 {
				t.Errorf("%s: %+v", c, s)
			}
			if _, err := iofs.Stat(fsys, "datasets/ct/"+s.Raw); err != nil {
				t.Error(err)
			}
		}
		if got != want || list.Case != c || list.Image != "images/"+c+".nii.gz" {
			t.Errorf("%s: %s of %s %s, want %s", c, got, list.Case, list.Image, want)
		}
	}
}

// A segmentation and a structure set of known masks come out of the tree as
// those masks, on the grid of their series.
func TestDrawnLabels(t *testing.T) {
	dir, from := t.TempDir(), "../../convertcore/format/testdata/labels"
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) []byte {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for z := range 4 {
		write(fmt.Sprintf("a/ct/%d.dcm", z), ctSlice(fmt.Sprintf("1.2.%d", z), 5, 6, fmt.Sprintf(`-10.5\20.25\%g`, -7+2.5*float64(z)), `0.8\0.7`))
	}
	write("a/seg.dcm", read("binary.dcm"))
	write("a/rt.dcm", read("contours.dcm"))
	text := strings.NewReplacer(`"{case}/*.dcm"`, `"{case}/ct/*.dcm"`, "{case}/bone.nii", "{case}/seg.dcm", "{ above = 0 }", "{ segment = 1 }", `absent = "empty"`, `
[[class]]
name = "other"
label = "{case}/seg.dcm"
select = { segment = "Segment 3*" }

[[class]]
name = "hole"
label = "{case}/rt.dcm"
select = { roi = "Hole" }
`).Replace(ctRecipe)
	r, err := recipe.Parse("ct.toml", fmt.Appendf(nil, text, dir))
	if err != nil {
		t.Fatal(err)
	}
	fsys := tree.FS(Root(&Catalog{Datasets: []*dataset.Dataset{dataset.New(r, newEnv(t))}}))
	hole := make([]byte, 120)
	for i, c := range strings.ReplaceAll("..... .###. .#.#. .###. .###. .....", " ", "") {
		if c == '#' {
			hole[2*30+i] = 1
		}
	}
	for class, want := range map[string][]byte{"bone": read("binary.1.mask"), "other": read("binary.3.mask"), "hole": hole} {
		b, err := iofs.ReadFile(fsys, "datasets/ct/labels/"+class+"/a.nii.gz")
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		nii, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		got := nii[len(nii)-120:]
		for i, v := range want { // the masks' rows go from the top, a volume's from the bottom
			x, y, z := i%5, i/5%6, i/30
			if g := got[(z*6+5-y)*5+x]; g != v {
				t.Fatalf("%s: voxel %d,%d,%d is %d, want %d", class, x, y, z, g, v)
			}
		}
	}
}

package recipe

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"math"
	"path"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

const organsTar = "demo/demo-organs/demo-organs.tar"

// tarRaw is a Raw over the members of a tar.
func tarRaw(tb testing.TB, name string, data []byte) *memRaw {
	tb.Helper()
	files := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return mapRaw(files)
		}
		if err == nil {
			files[name+"!/"+h.Name], err = io.ReadAll(r)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

func organs(tb testing.TB) *memRaw {
	tb.Helper()
	data, err := fs.ReadFile(demo, organsTar)
	if err != nil {
		tb.Fatal(err)
	}
	return tarRaw(tb, "demo-organs.tar", data)
}

// volume is what nibabel says of one file.
type volume struct {
	Name   string
	Shape  [3]int
	Dtype  string
	Affine [4][4]float64
	Scale  [2]float64
	Sums   []string
}

func TestDemoOrgans(t *testing.T) {
	var want []volume
	for dec := json.NewDecoder(bytes.NewReader(python(t, "testdata/volumes.py", organsTar))); dec.More(); {
		var v volume
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		want = append(want, v)
	}
	raw := organs(t)
	conv := find(t, "demo-organs").Converter()
	cases, err := conv.Cases(t.Context(), raw)
	if err != nil || len(cases) != 6 || len(want) != 12 {
		t.Fatalf("%d cases, %d volumes, %v", len(cases), len(want), err)
	}
	byID := map[string]*convertcore.Case{}
	for i := range cases {
		byID[cases[i].ID] = &cases[i]
	}
	dtypes := map[string]bool{}
	for _, v := range want {
		c := byID[strings.TrimSuffix(path.Base(v.Name), ".nii.gz")]
		parts := c.Images
		if strings.Contains(v.Name, "/labels") {
			parts = c.Labels
		} else {
			dtypes[v.Dtype] = true
		}
		for k := range parts {
			compareVolume(t, conv, raw, c, &parts[k], v, v.Sums[k])
		}
		if split := map[bool]string{true: "train", false: "test"}[strings.Contains(v.Name, "Tr/")]; c.Split != split {
			t.Errorf("%s is in %q, want %s", c.ID, c.Split, split)
		}
	}
	if len(dtypes) != 3 {
		t.Errorf("image types %v, want three", dtypes)
	}
}

func compareVolume(t *testing.T, conv convertcore.Converter, raw convertcore.Raw, c *convertcore.Case, p *convertcore.Part, v volume, want string) {
	t.Helper()
	im := convertAndCheck(t, conv, raw, c, p)
	if got := sum(im.Payload()); got != want {
		t.Errorf("%s %s: voxels %s, want %s", v.Name, p.Name, got, want)
	}
	h := im.Header()
	if [3]int(h.Dims[:3]) != v.Shape || h.Dims[3] != 1 {
		t.Errorf("%s %s: dimensions %v, want %v", v.Name, p.Name, h.Dims, v.Shape)
	}
	for i := range 4 {
		for j := range 4 {
			if math.Abs(h.Affine[i][j]-v.Affine[i][j]) > 1e-5 {
				t.Fatalf("%s %s: affine %v, want %v", v.Name, p.Name, h.Affine, v.Affine)
			}
		}
	}
	if p.Kind == convertcore.KindLabel && (h.Bits != 8 || h.Lead != convertcore.MinLead) {
		t.Errorf("%s %s: %d bits, lead of %d", v.Name, p.Name, h.Bits, h.Lead)
	}
}

func TestDemoNuclei(t *testing.T) {
	compareNuclei(t, find(t, "demo-nuclei"), "demo/demo-nuclei/stage1_train.zip", 12)
}

func TestConvertAllDecodesOnce(t *testing.T) {
	raw := organs(t)
	conv := find(t, "demo-organs").Converter()
	cases, err := conv.Cases(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	c := &cases[0]
	raw.opened = nil
	var names []string
	err = conv.(convertcore.AllConverter).ConvertAll(t.Context(), raw, c, []*convertcore.Part{&c.Labels[0], &c.Labels[1]},
		func(p *convertcore.Part, m convertcore.Image) error {
			names = append(names, p.Name)
			alone, err := conv.Convert(t.Context(), mapRaw(contents(t, raw)), c, p)
			if err != nil || !bytes.Equal(alone.Payload(), m.Payload()) || alone.Header() != m.Header() {
				t.Errorf("%s: together and alone differ: %v", p.Name, err)
			}
			return nil
		})
	if err != nil || strings.Join(names, " ") != "liver kidney" {
		t.Fatalf("emitted %q, %v", names, err)
	}
	if n := raw.opened[c.Labels[0].Raw[0]]; n != 1 {
		t.Errorf("label map opened %d times", n)
	}
}

// contents reads all of raw without being counted.
func contents(t *testing.T, raw *memRaw) map[string][]byte {
	out := map[string][]byte{}
	for name, read := range raw.files {
		data, err := read()
		if err != nil {
			t.Fatal(err)
		}
		out[name] = data
	}
	return out
}

package recipe

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// gray is a w×h gray PNG that is 200 where on says so.
func gray(tb testing.TB, w, h int, on func(x, y int) bool) []byte {
	tb.Helper()
	im := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			if on(x, y) {
				im.SetGray(x, y, color.Gray{Y: 200})
			}
		}
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, im); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

func none(x, y int) bool { return false }

// first converts the first case's first mask.
func firstMask(t *testing.T, r *Recipe, raw convertcore.Raw) (convertcore.Image, error) {
	t.Helper()
	conv := r.Converter()
	cases, err := conv.Cases(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return conv.Convert(t.Context(), raw, &cases[0], &cases[0].Labels[0])
}

const aboveZero = `select = { above = 0 }`

func TestConvertErrors(t *testing.T) {
	im := gray(t, 8, 6, none)
	refused := errors.New("refused")
	failing := mapRaw(map[string][]byte{"x.zip!/a.png": im})
	failing.files["x.zip!/a_mask.png"] = func() ([]byte, error) { return nil, refused }
	for _, tt := range []struct {
		name string
		raw  *memRaw
		is   error
		want string
	}{
		{"no label", mapRaw(map[string][]byte{"x.zip!/a.png": im}), ErrAbsent, `x: case a: convert mask tumor: label: no raw file matches "x.zip!/{case}_mask.png"`},
		{"another size", mapRaw(map[string][]byte{"x.zip!/a.png": im, "x.zip!/a_mask.png": gray(t, 6, 8, none)}), convertcore.ErrMismatch, "image x.zip!/a.png and label x.zip!/a_mask.png: "},
		{"damaged label", mapRaw(map[string][]byte{"x.zip!/a.png": im, "x.zip!/a_mask.png": im[:40]}), convertcore.ErrFormat, "case a: convert mask tumor: "},
		{"damaged image", mapRaw(map[string][]byte{"x.zip!/a.png": im[:20], "x.zip!/a_mask.png": im}), convertcore.ErrFormat, "case a: read the image's header for mask tumor: "},
		{"a page in place of the label", mapRaw(map[string][]byte{"x.zip!/a.png": im, "x.zip!/a_mask.png": []byte("<html>")}), convertcore.ErrFormat, ""},
		{"refused", failing, refused, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := firstMask(t, parsed(t), tt.raw)
			if m != nil || !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, error %v, want %q", m, err, tt.want)
			}
		})
	}
}

func TestMismatchIn3D(t *testing.T) {
	raw := organs(t)
	const label = "demo-organs.tar!/demo-organs/labelsTr/organs_001.nii.gz"
	raw.files[label] = raw.files["demo-organs.tar!/demo-organs/labelsTr/organs_002.nii.gz"]
	_, err := firstMask(t, find(t, "demo-organs"), raw)
	if !errors.Is(err, convertcore.ErrMismatch) || !strings.Contains(err.Error(), label) || !strings.Contains(err.Error(), "imagesTr/organs_001") {
		t.Errorf("oblique label on a straight image: %v", err)
	}
}

func TestUnionErrorsAndOrder(t *testing.T) {
	r := parsed(t, `label = "x.zip!/{case}_mask.png"`, `label = "x.zip!/{case}/*.png"`)
	files := map[string][]byte{
		"x.zip!/a.png":   gray(t, 8, 6, none),
		"x.zip!/a/1.png": gray(t, 8, 6, func(x, y int) bool { return x == 1 }),
		"x.zip!/a/2.png": gray(t, 8, 6, func(x, y int) bool { return y == 2 }),
		"x.zip!/a/3.png": gray(t, 8, 6, func(x, y int) bool { return x == 1 && y == 2 }),
	}
	m, err := firstMask(t, r, mapRaw(files))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range m.Payload() {
		if want := i%8 == 1 || i/8 == 2; (v == 255) != want || v != 0 && v != 255 {
			t.Fatalf("pixel %d,%d is %d", i%8, i/8, v)
		}
	}
	files["x.zip!/a/2.png"] = gray(t, 8, 7, none)
	if _, err := firstMask(t, r, mapRaw(files)); !errors.Is(err, convertcore.ErrMismatch) || !strings.Contains(err.Error(), "x.zip!/a/2.png") {
		t.Errorf("one mask of another size: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	conv := r.Converter()
	cases, _ := conv.Cases(t.Context(), mapRaw(files))
	if _, err := conv.Convert(ctx, mapRaw(files), &cases[0], &cases[0].Labels[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestUnionOfSeveralClasses(t *testing.T) {
	r := parsed(t, `label = "x.zip!/{case}_mask.png"`, `label = "x.zip!/{case}/*.png"`, aboveZero,
		"select = { above = 0 }\n[[class]]\nname = \"bright\"\nlabel = \"x.zip!/{case}/*.png\"\nselect = { values = [200] }\n"+
			"[[class]]\nname = \"other\"\nlabel = \"x.zip!/{case}/*.png\"\nselect = { values = [7] }")
	raw := mapRaw(map[string][]byte{
		"x.zip!/a.png":   gray(t, 5, 5, none),
		"x.zip!/a/1.png": gray(t, 5, 5, func(x, y int) bool { return x == 1 }),
		"x.zip!/a/2.png": gray(t, 5, 5, func(x, y int) bool { return x == 3 }),
	})
	conv := r.Converter()
	cases, err := conv.Cases(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	c := &cases[0]
	parts := []*convertcore.Part{&c.Labels[0], &c.Labels[1], &c.Labels[2]}
	var counts []int
	err = conv.(convertcore.AllConverter).ConvertAll(t.Context(), raw, c, parts, func(p *convertcore.Part, m convertcore.Image) error {
		if p != parts[len(counts)] {
			t.Errorf("%s is out of order", p.Name)
		}
		counts = append(counts, bytes.Count(m.Payload(), []byte{255}))
		return nil
	})
	if err != nil || len(counts) != 3 || counts[0] != 10 || counts[1] != 10 || counts[2] != 0 {
		t.Errorf("pixels %v, %v", counts, err)
	}
	for _, p := range c.Labels[0].Raw {
		if raw.opened[p] != 1 {
			t.Errorf("%s opened %d times", p, raw.opened[p])
		}
	}
	stop := errors.New("stop")
	err = conv.(convertcore.AllConverter).ConvertAll(t.Context(), raw, c, parts, func(*convertcore.Part, convertcore.Image) error { return stop })
	if err != stop {
		t.Errorf("emit's error came back as %v", err)
	}
}

func TestAbsentIsEmpty(t *testing.T) {
	r := parsed(t, aboveZero, aboveZero+"\nabsent = \"empty\"")
	raw := mapRaw(map[string][]byte{"x.zip!/a.png": gray(t, 8, 6, none)})
	conv := r.Converter()
	cases, err := conv.Cases(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	m := convertAndCheck(t, conv, raw, &cases[0], &cases[0].Labels[0])
	if !bytes.Equal(m.Payload(), make([]byte, 48)) {
		t.Errorf("mask %v", m.Payload())
	}
}

func TestAbsentIsEmptyIn3D(t *testing.T) {
	data, err := fs.ReadFile(demo, "demo/demo-organs.toml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(data), "select = {", "absent = \"empty\"\nselect = {")
	r, err := Parse("demo-organs.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	raw := organs(t)
	delete(raw.files, "demo-organs.tar!/demo-organs/labelsTr/organs_002.nii.gz")
	conv := r.Converter()
	cases, err := conv.Cases(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	image := convertAndCheck(t, conv, raw, &cases[1], &cases[1].Images[0])
	mask := convertAndCheck(t, conv, raw, &cases[1], &cases[1].Labels[1])
	if mask.Header().Affine != image.Header().Affine || bytes.Count(mask.Payload(), []byte{0}) != 64*64*32 {
		t.Errorf("mask %+v", mask.Header())
	}
}

// TestUnionIn3D unites label maps of two cases on one grid.
func TestUnionIn3D(t *testing.T) {
	data, err := fs.ReadFile(demo, "demo/demo-organs.toml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(data), "labels{Tr,Ts}/{case}.nii.gz", "several/{case}/*.nii.gz", 1)
	r, err := Parse("demo-organs.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	raw := organs(t)
	const folder = "demo-organs.tar!/demo-organs/"
	raw.files[folder+"several/organs_001/1.nii.gz"] = raw.files[folder+"labelsTr/organs_001.nii.gz"]
	raw.files[folder+"several/organs_001/2.nii.gz"] = raw.files[folder+"labelsTr/organs_001.nii.gz"]
	conv := r.Converter()
	cases, err := conv.Cases(t.Context(), raw)
	if err != nil || len(cases[0].Labels[0].Raw) != 2 {
		t.Fatal(err)
	}
	got := convertAndCheck(t, conv, raw, &cases[0], &cases[0].Labels[0])
	want, err := firstMask(t, find(t, "demo-organs"), raw)
	if err != nil || !bytes.Equal(got.Payload(), want.Payload()) || !bytes.Equal(got.Lead(), want.Lead()) {
		t.Errorf("the union of a label map with itself differs from it: %v", err)
	}
	raw.files[folder+"several/organs_001/2.nii.gz"] = raw.files[folder+"labelsTr/organs_002.nii.gz"]
	if _, err := conv.Convert(t.Context(), raw, &cases[0], &cases[0].Labels[0]); !errors.Is(err, convertcore.ErrMismatch) {
		t.Errorf("oblique label in the union: %v", err)
	}
}

// TestPrefetchSparesTheImage checks that a mask brings its label's files
// together, and of the image only what its header takes.
func TestPrefetchSparesTheImage(t *testing.T) {
	r := parsed(t, `label = "x.zip!/{case}_mask.png"`, `label = "x.zip!/{case}/*.png"`)
	raw := &prefetchRaw{memRaw: mapRaw(map[string][]byte{
		"x.zip!/a.png": gray(t, 8, 6, none), "x.zip!/a/1.png": gray(t, 8, 6, none), "x.zip!/a/2.png": gray(t, 8, 6, none),
	})}
	if _, err := firstMask(t, r, raw); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(raw.asked, " "); got != "x.zip!/a/1.png x.zip!/a/2.png" {
		t.Errorf("prefetched %q", got)
	}
}

type prefetchRaw struct {
	*memRaw
	asked []string
}

func (p *prefetchRaw) Prefetch(_ context.Context, paths []string) error {
	p.asked = append(p.asked, paths...)
	return nil
}

// TestHeaderReadsNoMask checks what a stat costs: the image's first bytes.
func TestHeaderReadsNoMask(t *testing.T) {
	raw := mapRaw(map[string][]byte{"x.zip!/a.png": gray(t, 8, 6, none), "x.zip!/a_mask.png": []byte("never read")})
	conv := parsed(t).Converter()
	cases, err := conv.Cases(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	h, err := conv.(convertcore.Headerer).Header(t.Context(), raw, &cases[0], &cases[0].Labels[0])
	if err != nil || h.Dims != [4]int{8, 6, 1, 1} || h.Channels != 1 || raw.opened["x.zip!/a_mask.png"] != 0 {
		t.Errorf("%+v, %v, opened %v", h, err, raw.opened)
	}
}

func TestContentDecidesOverName(t *testing.T) {
	r := parsed(t, `label = "x.zip!/{case}_mask.png"`, `label = "x.zip!/{case}_mask.jpg"`)
	raw := mapRaw(map[string][]byte{"x.zip!/a.png": gray(t, 8, 6, none), "x.zip!/a_mask.jpg": gray(t, 8, 6, func(x, y int) bool { return x == 0 })})
	m, err := firstMask(t, r, raw)
	if err != nil || bytes.Count(m.Payload(), []byte{255}) != 6 {
		t.Errorf("PNG called .jpg: %v", err)
	}
}

func TestDimMustFit(t *testing.T) {
	raw := mapRaw(map[string][]byte{"x.zip!/a.png": gray(t, 8, 6, none)})
	conv := parsed(t, "dim = 2", "dim = 3").Converter()
	cases, err := conv.Cases(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conv.Convert(t.Context(), raw, &cases[0], &cases[0].Images[0]); !errors.Is(err, convertcore.ErrMismatch) {
		t.Errorf("PNG in a 3-D dataset: %v", err)
	}
}

func TestGridOfAChannel(t *testing.T) {
	r := parsed(t, `image = "x.zip!/{case}.png"`, "", "[[class]]", "[[channel]]\nname = \"hi\"\nimage = \"{case}_hi.png\"\n[[channel]]\nname = \"lo\"\nimage = \"{case}_lo.png\"\n[[class]]",
		`label = "x.zip!/{case}_mask.png"`, "label = \"{case}_seg.png\"\nchannel = \"lo\"")
	raw := mapRaw(map[string][]byte{"a_hi.png": gray(t, 8, 6, none), "a_lo.png": gray(t, 4, 3, none), "a_seg.png": gray(t, 4, 3, none)})
	m, err := firstMask(t, r, raw)
	if err != nil || m.Header().Dims != [4]int{4, 3, 1, 1} {
		t.Errorf("%v", err)
	}
	anyGrid := parsed(t, `image = "x.zip!/{case}.png"`, "", "[[class]]", "[[channel]]\nname = \"hi\"\noptional = true\nimage = \"{case}_hi.png\"\n[[channel]]\nname = \"lo\"\nimage = \"{case}_lo.png\"\n[[class]]",
		`label = "x.zip!/{case}_mask.png"`, "label = \"{case}_seg.png\"")
	onlyLo := mapRaw(map[string][]byte{"a_lo.png": gray(t, 4, 3, none), "a_seg.png": gray(t, 4, 3, none)})
	if m, err := firstMask(t, anyGrid, onlyLo); err != nil || m.Header().Dims != [4]int{4, 3, 1, 1} {
		t.Errorf("first channel that is there: %v", err)
	}
	delete(raw.files, "a_lo.png")
	if _, err := firstMask(t, r, raw); !errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), "image lo") {
		t.Errorf("channel that the label is on is absent: %v", err)
	}
}

package recipe

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

const (
	imageLine = `image = "x.zip!/{case}.png"`
	labelLine = `label = "x.zip!/{case}_mask.png"`
)

// convertFirst returns the first case's first image and mask.
func convertFirst(t *testing.T, r *Recipe, files map[string][]byte) (im, mask convertcore.Image) {
	t.Helper()
	for _, p := range Lint(r) {
		t.Error(p)
	}
	conv, raw := r.Converter(), mapRaw(files)
	cases, err := conv.Cases(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	c := &cases[0]
	for i, p := range []*convertcore.Part{&c.Images[0], &c.Labels[0]} {
		out, err := conv.Convert(t.Context(), raw, c, p)
		if err != nil {
			t.Fatal(err)
		}
		h, err := conv.(convertcore.Headerer).Header(t.Context(), raw, c, p)
		if err != nil || h.EncodedSize() != out.Header().EncodedSize() {
			t.Errorf("header of %d says %+v, %v; decoded %+v", i, h, err, out.Header())
		}
		if i == 0 {
			im = out
		} else {
			mask = out
		}
	}
	return im, mask
}

func square(x, y int) bool { return x >= 2 && x < 5 && y >= 1 && y < 4 }

func wantMask(t *testing.T, m convertcore.Image, w int, on func(x, y int) bool) {
	t.Helper()
	for i, v := range m.Payload() {
		if (v != 0) != on(i%w, i/w) {
			t.Fatalf("pixel %d,%d is %d", i%w, i/w, v)
		}
	}
}

func TestSideBySide(t *testing.T) {
	r := parsed(t, imageLine, imageLine+"\ncrop = [0, 0, 0.5, 1]", labelLine, imageLine[8:8]+`label = "x.zip!/{case}.png"`+"\ncrop = [8, 0, 0, 0]")
	im, m := convertFirst(t, r, map[string][]byte{"x.zip!/a.png": gray(t, 16, 6, func(x, y int) bool { return square(x-8, y) })})
	if d := im.Header().Dims; d[0] != 8 || bytes.Contains(im.Payload(), []byte{200}) {
		t.Errorf("image of %v", d)
	}
	wantMask(t, m, 8, square)
}

func TestPolygonsOfManyCases(t *testing.T) {
	r := parsed(t, labelLine, `label = "x.zip!/all.json"`, aboveZero, `select = { polygons = "coco", class = "t", origin = "corner" }`)
	_, m := convertFirst(t, r, map[string][]byte{"x.zip!/a.png": gray(t, 8, 6, none), "x.zip!/all.json": []byte(
		`{"images":[{"id":1,"file_name":"a.png"}],"categories":[{"id":1,"name":"t"}],"annotations":[{"image_id":1,"category_id":1,"segmentation":[[2,1,5,1,5,4,2,4]]}]}`)})
	wantMask(t, m, 8, square)
}

func TestConsensus(t *testing.T) {
	files := map[string][]byte{"x.zip!/a.png": gray(t, 8, 6, none)}
	for i := range 3 {
		files[fmt.Sprintf("x.zip!/r%d/a.png", i)] = gray(t, 8, 6, func(x, y int) bool { return x >= i })
	}
	for rule, from := range map[string]int{"union": 0, "majority": 1, "intersection": 2} {
		r := parsed(t, labelLine, `label = ["x.zip!/r0/{case}.png", "x.zip!/r{1,2}/{case}.png"]`, aboveZero, aboveZero+"\nconsensus = \""+rule+`"`)
		_, m := convertFirst(t, r, files)
		wantMask(t, m, 8, func(x, _ int) bool { return x >= from })
		if rule != "union" && !strings.Contains(fmt.Sprint(m.Warnings()), rule+" of 3") {
			t.Errorf("%s is not recorded: %v", rule, m.Warnings())
		}
	}
}

func TestFlipAndResample(t *testing.T) {
	files := map[string][]byte{"x.zip!/a.png": gray(t, 8, 6, none), "x.zip!/a_mask.png": gray(t, 8, 6, func(x, y int) bool { return square(7-x, y) })}
	_, m := convertFirst(t, parsed(t, aboveZero, aboveZero+"\nflip = [\"x\"]"), files)
	wantMask(t, m, 8, square)
	files["x.zip!/a_mask.png"] = gray(t, 16, 12, func(x, y int) bool { return square(x/2, y/2) })
	_, m = convertFirst(t, parsed(t, aboveZero, aboveZero+"\nresample = \"nearest\""), files)
	wantMask(t, m, 8, square)
	if !strings.Contains(fmt.Sprint(m.Warnings()), "resampled") {
		t.Errorf("not recorded: %v", m.Warnings())
	}
}

func TestStack(t *testing.T) {
	r := parsed(t, "dim = 2", "dim = 3", imageLine, "image = \"x.zip!/{case}/im{n}.png\"\nseries = true\nstack = { spacing = [1, 2, 3], number = \"n\" }",
		labelLine, "label = \"x.zip!/{case}/m{n}.png\"\nseries = true\nstack = { number = \"n\", first = 1 }\nabsent = \"empty\"",
		`raw = "x.zip!/1.png"`, `raw = "x.zip!/1/im1.png"`)
	files := map[string][]byte{}
	for z := 1; z <= 11; z++ {
		files[fmt.Sprintf("x.zip!/a/im%d.png", z)] = gray(t, 8, 6, func(x, _ int) bool { return x < z })
	}
	files["x.zip!/a/m10.png"] = gray(t, 8, 6, square)
	im, m := convertFirst(t, r, files)
	h := im.Header()
	if h.Dims != [4]int{8, 6, 11, 1} || h.Affine[2][2] != 3 || bytes.Count(im.Payload()[2*48:3*48], []byte{200}) != 18 {
		t.Errorf("stack of %v, slices out of order", h)
	}
	wantMask(t, m, 8, func(x, y int) bool { return y/6 == 9 && square(x, y%6) })
	delete(files, "x.zip!/a/m10.png")
	_, m = convertFirst(t, r, files)
	wantMask(t, m, 8, none)
}

func TestTwoSeries(t *testing.T) {
	for pattern, ok := range map[string]bool{"x.zip!/{case}/{s}/*.png": false, "x.zip!/{case}/**.png": true} {
		r := parsed(t, "dim = 2", "dim = 3", imageLine, "image = \""+pattern+"\"\nseries = true\nstack = { axis = \"z\" }", `raw = "x.zip!/1.png"`, `raw = "x.zip!/1/s/1.png"`)
		_, err := r.Converter().Cases(t.Context(), listed("x.zip!/a/s/1.png", "x.zip!/a/s/2.png", "x.zip!/a/t/1.png", "x.zip!/b/s/1.png"))
		if ok != (err == nil) || err != nil && !errors.Is(err, ErrAmbiguous) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

func TestTables(t *testing.T) {
	r := parsed(t, imageLine, "image = \"x.zip!/im/{image}.png\"\ntable = \"pairs\"", labelLine, "label = \"x.zip!/seg/{mask+}\"\ntable = \"pairs\"",
		"[[class]]", "[[table]]\nname = \"pairs\"\nfile = \"x.zip!/pairs.csv\"\ncolumns = { case = \"Patient ID\" }\n[[split]]\nname = \"test\"\ntable = \"pairs\"\nwhere = { fold = \"2\" }\n[[class]]",
		`raw = "x.zip!/1.png"`, `raw = "x.zip!/im/1.png"`)
	raw := mapRaw(map[string][]byte{"x.zip!/pairs.csv": []byte("Patient ID,image,mask,fold\np1,i7,deep/m9.png,2\np2,i8,m.png,1\n"),
		"x.zip!/im/i7.png": nil, "x.zip!/im/i8.png": nil, "x.zip!/im/i9.png": nil, "x.zip!/seg/deep/m9.png": nil, "x.zip!/seg/m.png": nil})
	cases, err := r.Converter().Cases(t.Context(), raw)
	want := "p1[test] =x.zip!/im/i7.png tumor=x.zip!/seg/deep/m9.png\np2[] =x.zip!/im/i8.png tumor=x.zip!/seg/m.png\n"
	if got := describe(cases); err != nil || got != want {
		t.Errorf("%v\n%swant\n%s", err, got, want)
	}
}

// TestTableOfChannels has a manifest that alone tells which file is which
// channel of which case.
func TestTableOfChannels(t *testing.T) {
	r := parsed(t, "[case]\n"+imageLine, "[case]\nreplace = [[\"^.*/|_t1.*$\", \"\"]]\n"+
		"[[channel]]\nname = \"T1\"\nimage = \"{one+}\"\ntable = \"scans\"\nreplace = [[\"^.*/|_t1.*$\", \"\"]]\n"+
		"[[channel]]\nname = \"T2\"\nimage = \"{two+}\"\ntable = \"scans\"\noptional = true\nreplace = [[\"^.*/|_t1.*$\", \"\"]]",
		labelLine, "label = \"{mask+}\"\ntable = \"scans\"\noptional = true\nreplace = [[\"^.*/|_t1.*$\", \"\"]]",
		"[[class]]", "[[table]]\nname = \"scans\"\nfile = \"list.json\"\nrows = \"scans\"\ncolumns = { case = \"files.t1\", one = \"files.t1\", two = \"files.t2\", mask = \"mask\" }\n[[class]]")
	for _, p := range Lint(r) {
		t.Error(p)
	}
	raw := mapRaw(map[string][]byte{"list.json": []byte(`{"scans":[{"files":{"t1":"d/p1_t1.png","t2":"d/p1_t2.png"},"mask":"m/p1.png"},{"files":{"t1":"d/p2_t1.png"},"mask":null}]}`),
		"d/p1_t1.png": nil, "d/p1_t2.png": nil, "d/p2_t1.png": nil, "m/p1.png": nil, "d/other.png": nil})
	cases, err := r.Converter().Cases(t.Context(), raw)
	want := "p1[] T1=d/p1_t1.png T2=d/p1_t2.png tumor=m/p1.png\np2[] T1=d/p2_t1.png\n"
	if got := describe(cases); err != nil || got != want {
		t.Errorf("%v\n%swant\n%s", err, got, want)
	}
}

func TestPairing(t *testing.T) {
	alt := `label = ["x.zip!/{case}_good.png", "x.zip!/{case}_auto.png"]`
	for _, tt := range []struct {
		name  string
		edit  []string
		paths []string
		want  string
	}{
		{"the preferred label", []string{labelLine, alt}, []string{"x.zip!/a.png", "x.zip!/a_good.png", "x.zip!/a_auto.png", "x.zip!/b.png", "x.zip!/b_auto.png"},
			"a[] =x.zip!/a.png tumor=x.zip!/a_good.png\nb[] =x.zip!/b.png tumor=x.zip!/b_auto.png\n"},
		{"replace", []string{labelLine, labelLine + "\nreplace = [[\"^seg0*\", \"\"]]"}, []string{"x.zip!/7.png", "x.zip!/seg007_mask.png"}, "7[] =x.zip!/7.png tumor=x.zip!/seg007_mask.png\n"},
		{"ignore case", []string{imageLine, imageLine + "\nignore_case = true"}, []string{"x.zip!/A.PNG", "x.zip!/a_Mask.png"}, "a[] =x.zip!/A.PNG tumor=x.zip!/a_Mask.png\n"},
		{"labelled", []string{imageLine, imageLine + "\nlabelled = true", aboveZero, aboveZero + "\nabsent = \"empty\""}, []string{"x.zip!/a.png", "x.zip!/b.png", "x.zip!/b_mask.png"}, "b[] =x.zip!/b.png tumor=x.zip!/b_mask.png\n"},
		{"by order", []string{imageLine, "image = \"x.zip!/{set}_im/{case}.png\"\nid = \"{set}_{case}\"", labelLine, "label = \"x.zip!/{set}_lab/*.png\"\npair = \"order\"", `raw = "x.zip!/1.png"`, `raw = "x.zip!/s_im/1.png"`, `case = "1"`, `case = "s_1"`},
			[]string{"x.zip!/s_im/a10.png", "x.zip!/s_im/a9.png", "x.zip!/s_lab/m7.png", "x.zip!/s_lab/m06.png", "x.zip!/t_im/a1.png", "x.zip!/t_lab/q.png", "x.zip!/u_im/b.png"},
			"s_a10[] =x.zip!/s_im/a10.png tumor=x.zip!/s_lab/m7.png\ns_a9[] =x.zip!/s_im/a9.png tumor=x.zip!/s_lab/m06.png\nt_a1[] =x.zip!/t_im/a1.png tumor=x.zip!/t_lab/q.png\nu_b[] =x.zip!/u_im/b.png tumor=\n"},
		{"split by ID", []string{"[[example]]", "[[split]]\nname = \"val\"\nid = \"b*\"\n[[example]]"}, []string{"x.zip!/a.png", "x.zip!/b1.png"}, "a[] =x.zip!/a.png tumor=\nb1[val] =x.zip!/b1.png tumor=\n"},
	} {
		cases, err := parsed(t, tt.edit...).Converter().Cases(t.Context(), listed(tt.paths...))
		if got := describe(cases); err != nil || got != tt.want {
			t.Errorf("%s: %v\n%swant\n%s", tt.name, err, got, tt.want)
		}
	}
}

// Nobody knows which of three images two labels are of.
func TestPairingByOrderNeedsAsMany(t *testing.T) {
	r := parsed(t, imageLine, `image = "x.zip!/im/{case}.png"`, labelLine, "label = \"x.zip!/lab/*.png\"\npair = \"order\"", `raw = "x.zip!/1.png"`, `raw = "x.zip!/im/1.png"`)
	_, err := r.Converter().Cases(t.Context(), listed("x.zip!/im/1.png", "x.zip!/im/2.png", "x.zip!/im/3.png", "x.zip!/lab/1.png", "x.zip!/lab/2.png"))
	if !errors.Is(err, convertcore.ErrMismatch) || !strings.Contains(err.Error(), "2 labels") {
		t.Error(err)
	}
}

func TestArrays(t *testing.T) {
	npy := func(n int) []byte {
		head := fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%d, 4, 4), }\n", n)
		b := append([]byte("\x93NUMPY\x01\x00"), 0, 0)
		binary.LittleEndian.PutUint16(b[8:], uint16(len(head)))
		return append(append(b, head...), make([]byte, n*16)...)
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for name, n := range map[string]int{"train_images": 11, "test_images": 2} {
		w, _ := z.Create(name + ".npy")
		if _, err := w.Write(npy(n)); err != nil {
			t.Fatal(err)
		}
	}
	z.Close()
	r := parsed(t, imageLine, "image = \"x.zip!/a.npz\"\narray = \"{part}_images[{index}]\"\nindex = { parts = [\"train\", \"test\"] }",
		labelLine, "label = \"x.zip!/a.npz\"\narray = \"{part}_label[{index}]\"", "[[example]]", "[[split]]\nname = \"test\"\nid = \"test_*\"\n[[example]]", `raw = "x.zip!/1.png"`, `raw = "x.zip!/a.npz"`)
	for _, p := range Lint(r) {
		t.Error(p)
	}
	conv := r.Converter().(*converter)
	cases, err := conv.Cases(t.Context(), mapRaw(map[string][]byte{"x.zip!/a.npz": buf.Bytes()}))
	if err != nil || len(cases) != 13 || cases[0].ID != "test_0" || cases[0].Split != "test" || cases[12].ID != "train_10" {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	c := &cases[12]
	src, err := conv.labelSource(t.Context(), nil, c, &conv.classes[0], c.Labels[0].Raw)
	if err != nil || src.paths[0] != "x.zip!/a.npz#train_label[10]" {
		t.Errorf("%v, %v", src, err)
	}
}

// Pixels of four floats: three are the color, the last numbers the objects.
func TestSamplesOfAPixel(t *testing.T) {
	npy := func(values ...float32) []byte {
		head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (1, %d, 4), }\n", len(values)/4)
		b := append([]byte("\x93NUMPY\x01\x00"), 0, 0)
		binary.LittleEndian.PutUint16(b[8:], uint16(len(head)))
		b = append(b, head...)
		for _, v := range values {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		return b
	}
	r := parsed(t, imageLine, "image = \"x.zip!/{case}.npy\"\narray = \"[:,:,0:3]\"\nfloat2d = \"png\"", labelLine, "label = \"x.zip!/{case}.npy\"\narray = \"[:,:,3]\"", `raw = "x.zip!/1.png"`, `raw = "x.zip!/1.npy"`)
	im, m := convertFirst(t, r, map[string][]byte{"x.zip!/a.npy": npy(1, 2, 3, 0, 255, 5, 6, 700)})
	if h := im.Header(); h.Form != convertcore.PNG || h.Channels != 3 || !bytes.Equal(im.Payload(), []byte{1, 2, 3, 255, 5, 6}) {
		t.Errorf("%+v %v", h, im.Payload())
	}
	wantMask(t, m, 2, func(x, _ int) bool { return x == 1 })
	conv, raw := r.Converter(), mapRaw(map[string][]byte{"x.zip!/a.npy": npy(1, 2, 3, 0, 256, 5, 6, 7)})
	cases, err := conv.Cases(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conv.Convert(t.Context(), raw, &cases[0], &cases[0].Images[0]); !errors.Is(err, convertcore.ErrMismatch) {
		t.Errorf("a sample of 256: %v", err)
	}
}

func TestLintFeatures(t *testing.T) {
	for old, edits := range map[string][][2]string{
		imageLine: {{"crop = [1, 2]", "case.crop"}, {"format = \"gif89\"", "case.format"}, {"exif = \"yes\"", "case.exif"}, {"component = \"x\"", "case.component"},
			{"stack = { axis = \"z\" }", "case.stack"}, {"table = \"no\"", "case.image.table"}, {"float2d = \"jpg\"", "case.float2d"}, {"index = { parts = [\"a\"] }", "case.index"}, {"array = \"{\"", "case.array"}},
		labelLine: {{"grid = \"mine\"", "class[0].grid"}, {"resample = \"linear\"", "class[0].resample"}, {"consensus = \"mean\"", "class[0].consensus"}, {"pair = \"name\"", "class[0].pair"}, {"pair = \"order\"", "pairs by order what is named"}, {"flip = [\"w\"]", "class[0].flip"}, {"replace = [[\"(\", \"\"]]", "replace"}},
	} {
		for _, e := range edits {
			if got := fmt.Sprint(Lint(parsed(t, old, old+"\n"+e[0]))); !strings.Contains(got, e[1]) {
				t.Errorf("%s: %s, want %s", e[0], got, e[1])
			}
		}
	}
}

func TestNaturalAndEXIF(t *testing.T) {
	if natural("a2.png", "a10.png") >= 0 || natural("a02", "a2") == 0 || natural("b", "a10") <= 0 {
		t.Error("order of slices")
	}
	jpeg := []byte("\xff\xd8\xff\xe1\x00\x22Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00")
	if o := orientation(jpeg); o != 6 {
		t.Errorf("orientation %d", o)
	}
	r, _ := convertcore.NewRaster(3, 2, 1, 8, []byte{1, 2, 3, 4, 5, 6})
	up, err := turn(6).apply(r) // rotate by 90 degrees clockwise
	if err != nil || !bytes.Equal(up.Payload(), []byte{4, 1, 5, 2, 6, 3}) {
		t.Errorf("%v, %v", up, err)
	}
}

func FuzzTable(f *testing.F) {
	f.Add("a.csv", []byte("a,b\n1,2\n"))
	f.Add("a.json", []byte(`{"k":{"a":1}}`))
	f.Fuzz(func(t *testing.T, path string, data []byte) {
		tab := table{Table: &Table{Columns: map[string]string{"c": "a.b"}}}
		_, _ = tab.parse(path, data)
	})
}

package view

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/fs"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
)

// encoding is one way to write a known mask down.
type encoding struct {
	name    string
	files   map[string][]byte // of the record
	image   string            // the recipe's lines of [case]; "" is images/{case}.png of 12×10
	classes []encoded
}

// encoded is one class: its lines in the recipe, and the mask that it is.
type encoded struct {
	name, lines string
	truth       []byte
}

const (
	encW, encH = 12, 10
	encRing    = `[[1.5,2.5],[7.5,2.5],[7.5,6.5],[1.5,6.5]]`
)

// encBlock is x 2 to 7 and y 3 to 6, less a hole where it has one.
func encBlock(hole bool) []byte {
	return encWhere(func(x, y int) bool { return x >= 2 && x <= 7 && y >= 3 && y <= 6 && !(hole && x == 4 && y == 5) })
}

func encWhere(in func(x, y int) bool) []byte {
	out := make([]byte, encW*encH)
	for i := range out {
		if in(i%encW, i/encW) {
			out[i] = 1
		}
	}
	return out
}

// encGray is a gray picture of a value inside a mask and another outside.
func encGray(t *testing.T, mask []byte, inside, outside byte) []byte {
	m := image.NewGray(image.Rect(0, 0, encW, encH))
	for i, v := range mask {
		m.Pix[i] = outside
		if v != 0 {
			m.Pix[i] = inside
		}
	}
	return encPNG(t, m)
}

func encColor(t *testing.T, at func(i int) color.NRGBA) []byte {
	m := image.NewNRGBA(image.Rect(0, 0, encW, encH))
	for i := range encW * encH {
		m.SetNRGBA(i%encW, i/encW, at(i))
	}
	return encPNG(t, m)
}

func encPNG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// encNIfTI is a volume of bytes with a diagonal affine, in mm of RAS.
func encNIfTI(dims [3]int, spacing, origin [3]float64, voxels []byte) []byte {
	b := make([]byte, 352)
	le := binary.LittleEndian
	f := func(at int, v float64) { le.PutUint32(b[at:], math.Float32bits(float32(v))) }
	le.PutUint32(b, 348)
	le.PutUint16(b[40:], 3)
	for i := range 7 {
		le.PutUint16(b[42+2*i:], 1)
		f(80+4*i, 1)
	}
	for i := range 3 {
		le.PutUint16(b[42+2*i:], uint16(dims[i]))
		f(80+4*i, math.Abs(spacing[i]))
		f(280+16*i+4*i, spacing[i])
		f(280+16*i+12, origin[i])
	}
	le.PutUint16(b[70:], 2)
	le.PutUint16(b[72:], 8)
	le.PutUint16(b[254:], 1) // sform
	f(108, 352)
	copy(b[344:], "n+1\x00")
	return append(b, voxels...)
}

// encRuns are COCO's counts of a mask, column after column.
func encRuns(mask []byte) (runs []int, packed string) {
	run, val := 0, byte(0)
	for x := range encW {
		for y := range encH {
			if v := mask[y*encW+x]; v != val {
				runs, run, val = append(runs, run), 0, v
			}
			run++
		}
	}
	runs = append(runs, run)
	for i, n := range runs { // differences to the run before the last one, in words of 5 bits
		if i > 2 {
			n -= runs[i-2]
		}
		for more := true; more; {
			c := n & 31
			n >>= 5
			if more = !(n == 0 && c&16 == 0 || n == -1 && c&16 != 0); more {
				c |= 32
			}
			packed += string(rune(c + 48))
		}
	}
	return runs, packed
}

func encCOCO(segmentation string) []byte {
	return []byte(`{"images":[{"id":7,"file_name":"a.png"}],"categories":[{"id":1,"name":"t"},{"id":2,"name":"u"}],"annotations":[` +
		`{"image_id":7,"category_id":1,"segmentation":` + segmentation + `},{"image_id":7,"category_id":2,"segmentation":[[0,0,12,0,12,10,0,10]]}]}`)
}

// pictureEncodings are masks that are drawn in pictures, one or several.
func pictureEncodings(t *testing.T) []encoding {
	block, corner := encBlock(true), encWhere(func(x, y int) bool { return x == encW-1 && y < 3 })
	both := make([]byte, len(block))
	mapped := image.NewGray(image.Rect(0, 0, encW, encH))
	bits := image.NewGray(mapped.Rect)
	for i := range both {
		both[i] = block[i] | corner[i]
		mapped.Pix[i] = 57*block[i] + 3*corner[i]
		bits.Pix[i] = 1 + 2*block[i] + 4*(block[i]|corner[i])
	}
	colors := encColor(t, func(i int) color.NRGBA {
		return color.NRGBA{R: 250 * block[i], G: 10, B: 120 * corner[i], A: 255}
	})
	outline := encWhere(func(x, y int) bool {
		return x >= 2 && x <= 7 && y >= 3 && y <= 6 && (x == 2 || x == 7 || y == 3 || y == 6)
	})
	pen := encColor(t, func(i int) color.NRGBA {
		if outline[i] != 0 {
			return color.NRGBA{G: 255, A: 255}
		}
		return color.NRGBA{R: byte(i), G: byte(i), B: byte(i), A: 255}
	})
	wide := image.NewGray(image.Rect(0, 0, 2*encW, encH))
	for i := range block {
		wide.Pix[i/encW*2*encW+encW+i%encW] = 255 * block[i]
		wide.Pix[i/encW*2*encW+i%encW] = byte(i)
	}
	one := func(name string, label []byte, selector string, truth []byte) encoding {
		return encoding{name: name, files: map[string][]byte{"labels/a.png": label}, classes: []encoded{{"t", "label = \"labels/{case}.png\"\nselect = " + selector, truth}}}
	}
	return []encoding{
		one("values", encPNG(t, mapped), "{ values = [57] }", block),
		one("ranges", encPNG(t, mapped), `{ values = [3, "50-60"] }`, both),
		one("threshold", encPNG(t, mapped), "{ above = 2 }", both),
		one("below", encGray(t, block, 9, 200), "{ below = 10 }", block),
		one("inverted", encGray(t, block, 0, 255), "{ not = { above = 127 } }", block),
		one("bit mask", encPNG(t, bits), "{ bits = 1 }", block),
		one("color with tolerance", colors, `{ color = "#ff0a00", tolerance = 8 }`, block),
		one("channel", colors, `{ channel = "b", above = 60 }`, corner),
		one("outline drawn by pen, filled", pen, `{ fill = { color = "#00ff00" } }`, encBlock(false)),
		{name: "one file a class", files: map[string][]byte{"t/a.png": encGray(t, block, 255, 0), "u/a.png": encGray(t, corner, 1, 0)},
			classes: []encoded{{"t", "label = \"t/{case}.png\"\nselect = { above = 0 }", block}, {"u", "label = \"u/{case}.png\"\nselect = { above = 0 }", corner}}},
		{name: "one file an instance", files: map[string][]byte{"masks/a/1.png": encGray(t, block, 255, 0), "masks/a/2.png": encGray(t, corner, 255, 0)},
			classes: []encoded{{"t", "label = \"masks/{case}/*.png\"\nselect = { above = 0 }", both}}},
		{name: "several raters, majority", files: map[string][]byte{"r1/a.png": encGray(t, both, 1, 0), "r2/a.png": encGray(t, block, 1, 0), "r3/a.png": encGray(t, encWhere(func(x, y int) bool { return block[y*encW+x] != 0 || x == 0 }), 1, 0)},
			classes: []encoded{{"t", "label = \"r*/{case}.png\"\nconsensus = \"majority\"\nselect = { above = 0 }", block}, {"r1", "label = \"r1/{case}.png\"\nselect = { above = 0 }", both}}},
		{name: "image and mask side by side", files: map[string][]byte{"wide/a.png": encPNG(t, wide)}, image: "image = \"wide/{case}.png\"\ncrop = [0, 0, 0.5, 1]",
			classes: []encoded{{"t", "label = \"wide/{case}.png\"\ncrop = [0.5, 0, 1, 1]\nselect = { above = 127 }", block}}},
	}
}

// shapeEncodings are masks that text describes.
func shapeEncodings() []encoding {
	block := encBlock(false)
	runs, packed := encRuns(encBlock(true))
	counts, _ := json.Marshal(runs)
	region := `{"name":"polygon","all_points_x":[1.5,7.5,7.5,1.5],"all_points_y":[2.5,2.5,6.5,6.5]}`
	ellipse := encWhere(func(x, y int) bool { x, y = x-5, y-5; return 4*x*x+9*y*y <= 36 })
	one := func(name, file, text, selector string, truth []byte) encoding {
		return encoding{name: name, files: map[string][]byte{file: []byte(text)}, classes: []encoded{{"t", "label = \"" + strings.Replace(file, "a.", "{case}.", 1) + "\"\nselect = " + selector, truth}}}
	}
	return []encoding{
		one("polygon, txt", "a.txt", "1.5 2.5\n7.5 2.5\n7.5 6.5\n1.5 6.5\n", `{ polygons = "txt" }`, block),
		one("polygon, csv", "all.csv", "f,c,X,Y\na.png,t,1.5,2.5\na.png,t,7.5,2.5\na.png,t,7.5,6.5\na.png,t,1.5,6.5\n", `{ polygons = "csv", key = "X,Y", class_key = "c", class = "t", image_key = "f" }`, block),
		one("polygon, json", "a.json", encRing, `{ polygons = "json" }`, block),
		one("polygon, geojson with a hole", "a.geojson", `{"type":"FeatureCollection","features":[{"geometry":{"type":"Polygon","coordinates":[`+encRing+`,[[3.5,4.5],[4.5,4.5],[4.5,5.5],[3.5,5.5]]]},"properties":{"classification":{"name":"t"}}}]}`, `{ polygons = "geojson", class = "t" }`, encBlock(true)),
		one("polygon, labelme", "a.json", `{"shapes":[{"label":"t","points":`+encRing+`},{"label":"u","points":[[0,0],[9,0],[9,9]]}]}`, `{ polygons = "labelme", class = "t" }`, block),
		one("polygon, via", "via.json", `{"a.png1":{"filename":"a.png","regions":[{"shape_attributes":`+region+`,"region_attributes":{"k":"t"}}]}}`, `{ polygons = "via", class_key = "k", class = "t" }`, block),
		one("ellipse, via", "via.json", `{"x":{"filename":"a.png","regions":[{"shape_attributes":{"name":"ellipse","cx":5,"cy":5,"rx":3,"ry":2}}]}}`, `{ polygons = "via" }`, ellipse),
		one("polygon, coco", "coco.json", string(encCOCO(`[[2,3,8,3,8,7,2,7]]`)), `{ polygons = "coco", class = "t", origin = "corner" }`, block),
		one("runs, coco", "coco.json", string(encCOCO(`{"size":[10,12],"counts":`+string(counts)+`}`)), `{ polygons = "coco", class = "t" }`, encBlock(true)),
		one("compressed runs, coco", "coco.json", string(encCOCO(fmt.Sprintf(`{"size":[10,12],"counts":%q}`, packed))), `{ polygons = "coco", class = "t" }`, encBlock(true)),
		one("polygon, xml of Aperio", "a.xml", `<Annotations><Annotation Name="t"><Regions><Region><Vertices><Vertex X="1.5" Y="2.5"/><Vertex X="7.5" Y="2.5"/><Vertex X="7.5" Y="6.5"/><Vertex X="1.5" Y="6.5"/></Vertices></Region></Regions></Annotation></Annotations>`, `{ polygons = "aperio", class = "t" }`, block),
		one("polygon, xml of ASAP", "a.xml", `<ASAP_Annotations><Annotations><Annotation PartOfGroup="t"><Coordinates><Coordinate Order="0" X="1.5" Y="2.5"/><Coordinate X="7.5" Y="2.5"/><Coordinate X="7.5" Y="6.5"/><Coordinate X="1.5" Y="6.5"/></Coordinates></Annotation></Annotations></ASAP_Annotations>`, `{ polygons = "asap", class = "t" }`, block),
	}
}

// volumeEncodings are masks of volumes. The DICOM files are those of package
// format's tests: a grid of 5×6×4 voxels and what lies on it.
func volumeEncodings(t *testing.T) []encoding {
	read := func(path ...string) []byte {
		b, err := os.ReadFile(filepath.Join(append([]string{"..", "..", "convertcore"}, path...)...))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	labels := []string{"format", "testdata", "labels"}
	grid := encNIfTI([3]int{5, 6, 4}, [3]float64{-0.7, -0.8, 2.5}, [3]float64{10.5, -20.25, -7}, make([]byte, 120))
	square := make([]byte, 120)
	for y := 1; y <= 4; y++ {
		for x := 1; x <= 3; x++ {
			square[30+5*y+x] = 1
		}
	}
	slices, volume := map[string][]byte{"images/a.nii": encNIfTI([3]int{encW, encH, 3}, [3]float64{1, 1, 2}, [3]float64{}, make([]byte, 3*encW*encH))}, []byte{}
	for z := range 3 {
		m := encWhere(func(x, y int) bool { return x >= 2+z && x <= 7 && y >= 3 && y <= 6+z })
		slices[fmt.Sprintf("masks/a/%d.png", z+1)] = encGray(t, m, 255, 0)
		volume = append(volume, m...)
	}
	block := encNIfTI([3]int{5, 6, 4}, [3]float64{-0.7, -0.8, 2.5}, [3]float64{10.5, -20.25, -7}, square)
	nii := "image = \"images/{case}.nii\""
	dcm := func(name, file, selector string, truth []byte) encoding {
		return encoding{name: name, image: nii, files: map[string][]byte{"images/a.nii": grid, "labels/a.dcm": read(append(labels, file)...)},
			classes: []encoded{{"t", "label = \"labels/{case}.dcm\"\nselect = " + selector, truth}}}
	}
	h5 := read("hdf5", "testdata", "seed_latest_gzip.h5") // 0 to 47 in 6 rows of 8
	low := make([]byte, 48)
	for i := 10; i <= 20; i++ {
		low[i] = 1
	}
	return []encoding{
		{name: "values in a volume", image: nii, files: map[string][]byte{"images/a.nii": grid, "labels/a.nii": block}, classes: []encoded{{"t", "label = \"labels/{case}.nii\"\nselect = { values = [1] }", square}}},
		{name: "one file a slice", image: nii, files: slices, classes: []encoded{{"t", "label = \"masks/{case}/{n}.png\"\nseries = true\nstack = { number = \"n\", first = 1 }\nselect = { above = 0 }", volume}}},
		dcm("DICOM-SEG, segment 1", "binary.dcm", "{ segment = 1 }", read(append(labels, "binary.1.mask")...)),
		dcm("DICOM-SEG, segment 3", "binary.dcm", "{ segment = 3 }", read(append(labels, "binary.3.mask")...)),
		dcm("RTSTRUCT", "contours.dcm", `{ roi = "Square" }`, square),
		{name: "dataset of HDF5", image: "image = \"{case}.h5\"\narray = \"a\"", files: map[string][]byte{"a.h5": h5}, classes: []encoded{{"t", "label = \"{case}.h5\"\narray = \"a\"\nselect = { values = [\"10-20\"] }", low}}},
	}
}

const encRecipe = `schema = 1
id = "encodings"
title = "Encodings"
modality = "ct"
dim = %d
anatomy = "none"
license = "CC0-1.0"
status = "verified"
overlap = true

[citation]
title = "Encodings"
authors = ["Doe, J."]
year = 2020
doi = "10.0/x"

[source]
platform = "local"
record = %q

[case]
%s
`

// Every encoding of a label gives the mask that was written down, read as a
// file of the mount: the intersection over union is 1.
func TestEncodingsThroughTheMount(t *testing.T) {
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("no /dev/fuse here:", err)
	}
	for _, e := range append(append(pictureEncodings(t), shapeEncodings()...), volumeEncodings(t)...) {
		t.Run(e.name, func(t *testing.T) {
			dir := mountEncoding(t, e)
			for _, c := range e.classes {
				names, err := filepath.Glob(filepath.Join(dir, "labels", c.name, "a.*"))
				if err != nil || len(names) != 1 {
					t.Fatalf("%s: %v, %v", c.name, names, err)
				}
				got := readMask(t, names[0])
				both, either := 0, 0
				for i := range got {
					if i < len(c.truth) {
						both += int(got[i] & c.truth[i])
						either += int(got[i] | c.truth[i])
					}
				}
				if len(got) != len(c.truth) || either == 0 || both != either {
					t.Errorf("%s: IoU %d/%d of %d and %d pixels\n%v", c.name, both, either, len(got), len(c.truth), got)
				}
			}
		})
	}
}

// mountEncoding mounts a dataset of one case and returns its folder.
func mountEncoding(t *testing.T, e encoding) string {
	record := t.TempDir()
	dim, lines := 2, e.image
	if lines == "" {
		lines = "image = \"images/{case}.png\""
		e.files["images/a.png"] = encGray(t, encBlock(false), 90, 30)
	}
	for name, data := range e.files {
		path := filepath.Join(record, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".nii") {
			dim = 3
		}
	}
	text := fmt.Sprintf(encRecipe, dim, record, lines)
	for _, c := range e.classes {
		text += fmt.Sprintf("\n[[class]]\nname = %q\n%s\n", c.name, c.lines)
	}
	r, err := recipe.Parse("encodings.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	root := Root(&Catalog{Datasets: []*dataset.Dataset{dataset.New(r, newEnv(t))}})
	dir := filepath.Join(t.TempDir(), "mnt")
	s, err := fs.Mount(context.Background(), dir, root, fs.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Unmount(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(dir, "datasets", "encodings")
}

// readMask reads a served mask: 1 inside. Its size must be that of its stat.
func readMask(t *testing.T, path string) []byte {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || int64(len(data)) != st.Size() {
		t.Fatalf("%s: %d bytes, stat says %d, %v", path, len(data), st.Size(), err)
	}
	var out []byte
	if strings.HasSuffix(path, ".png") {
		m, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range m.(*image.Gray).Pix {
			out = append(out, v/255)
		}
		return out
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if out, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return out[int(math.Float32frombits(binary.LittleEndian.Uint32(out[108:]))):]
}

package label

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// shapeFile is a Raw of one file.
type shapeFile string

func (shapeFile) Files(context.Context) ([]blob.Info, error) { return nil, nil }
func (s shapeFile) Open(_ context.Context, path string) (blob.Blob, error) {
	if path != "f" {
		return nil, fs.ErrNotExist
	}
	return blob.Bytes([]byte(s)), nil
}

// drawn draws a file onto 12×10 pixels.
func drawn(t testing.TB, sel map[string]any, file string) ([]byte, error) {
	t.Helper()
	s, err := New(sel)
	if err != nil {
		t.Fatal(err)
	}
	d := s.(convertcore.Drawer)
	if c, ok := s.(Caser); ok {
		d = c.ForCase("x.zip!/images/a.png", nil)
	}
	dst := make([]byte, 120)
	_, err = d.Draw(WithFiles(t.Context(), NewFiles()), dst, shapeFile(file), []string{"f"}, convertcore.RasterHeader(12, 10, 1, 8))
	return dst, err
}

// block is the truth of all files here: x 2..7, y 3..6, less a hole.
func block(hole bool) []byte {
	out := make([]byte, 120)
	for y := 3; y <= 6; y++ {
		for x := 2; x <= 7; x++ {
			if !(hole && x == 4 && y == 5) {
				out[y*12+x] = 1
			}
		}
	}
	return out
}

const ring = `[[1.5,2.5],[7.5,2.5],[7.5,6.5],[1.5,6.5]]`

func TestShapesExact(t *testing.T) {
	region := `{"name":"polygon","all_points_x":[1.5,7.5,7.5,1.5],"all_points_y":[2.5,2.5,6.5,6.5]}`
	coco := func(seg string) string {
		return `{"images":[{"id":7,"file_name":"a.png"},{"id":8,"file_name":"b.png"}],"categories":[{"id":1,"name":"t"},{"id":2,"name":"u"}],"annotations":[` +
			`{"image_id":7,"category_id":1,"segmentation":` + seg + `},{"image_id":7,"category_id":2,"segmentation":[[0,0,12,0,12,10,0,10]]},{"image_id":8,"category_id":1,"segmentation":[[0,0,9,0,9,9]]}]}`
	}
	runs := []int{}
	run, val := 0, byte(0)
	for x := range 12 {
		for y := range 10 {
			if v := block(false)[y*12+x]; v != val {
				runs, run, val = append(runs, run), 0, v
			}
			run++
		}
	}
	counts, _ := json.Marshal(append(runs, run))
	for _, c := range []struct {
		name string
		sel  map[string]any
		file string
		hole bool
	}{
		{"txt", table("polygons", "txt"), "1.5 2.5\n7.5 2.5\n7.5 6.5\n1.5 6.5\n", false},
		{"txt of two rings", table("polygons", "txt", "separator", ";"), "1.5;2.5\n7.5;2.5\n7.5;6.5\n1.5;6.5\n\n3.5;4.5\n4.5;4.5\n4.5;5.5\n3.5;5.5\n", true},
		{"txt in tenths, y first", table("polygons", "txt", "scale", 0.1, "yx", true), "25,15\n25,75\n65,75\n65,15", false},
		{"txt from the corner", table("polygons", "txt", "origin", "corner"), "2 3\n8 3\n8 7\n2 7", false},
		{"csv", table("polygons", "csv", "key", "X,Y", "class_key", "c", "class", "t", "image_key", "f"), "f,c,X,Y\na.png,t,1.5,2.5\na.png,t,7.5,2.5\na.png,t,7.5,6.5\na.png,t,1.5,6.5\nb.png,t,0,0\n", false},
		{"json", table("polygons", "json"), ring, false},
		{"json, flat", table("polygons", "json", "key", "a.p"), `{"a":{"p":[1.5,2.5,7.5,2.5,7.5,6.5,1.5,6.5]}}`, false},
		{"json, objects", table("polygons", "json", "key", "p"), `{"p":[{"x":1.5,"y":2.5},{"x":7.5,"y":2.5},{"x":7.5,"y":6.5},{"x":1.5,"y":6.5}]}`, false},
		{"json, names beside rings", table("polygons", "json", "key", "*.polygons", "class_key", "syms", "image_key", "file_name", "class", "t"),
			`[{"file_name":"a.png","syms":["u","t"],"polygons":[[[0,0],[9,0],[9,9]],` + ring + `]},{"file_name":"b.png","syms":["t"],"polygons":[[[0,0],[9,0],[9,9]]]}]`, false},
		{"json behind a byte order mark", table("polygons", "json"), "\ufeff" + ring, false},
		{"geojson with a hole", table("polygons", "geojson", "class", "t"),
			`{"type":"FeatureCollection","features":[{"geometry":{"type":"Polygon","coordinates":[` + ring + `,[[3.5,4.5],[4.5,4.5],[4.5,5.5],[3.5,5.5]]]},"properties":{"classification":{"name":"t"}}}]}`, true},
		{"geojson upwards", table("polygons", "geojson", "y_up", true), `{"geometry":{"type":"MultiPolygon","coordinates":[[[[1.5,6.5],[7.5,6.5],[7.5,2.5],[1.5,2.5]]]]}}`, false},
		{"labelme", table("polygons", "labelme", "class", "t"), `{"shapes":[{"label":"t","points":` + ring + `},{"label":"u","points":[[0,0],[9,0],[9,9]]}]}`, false},
		{"labelme rectangle", table("polygons", "labelme"), `{"shapes":[{"label":"t","shape_type":"rectangle","points":[[1.5,2.5],[7.5,6.5]]}]}`, false},
		{"via json", table("polygons", "via", "class_key", "k", "class", "t"), `{"a.png1":{"filename":"a.png","regions":[{"shape_attributes":` + region + `,"region_attributes":{"k":"t"}}]}}`, false},
		{"via csv", table("polygons", "via"), "#filename,region_shape_attributes,region_attributes\na.png,\"" + strings.ReplaceAll(region, `"`, `""`) + "\",{}\nb.png,{},{}\n", false},
		{"via rect", table("polygons", "via"), `{"x":{"filename":"a.png","regions":{"0":{"shape_attributes":{"name":"rect","x":1.5,"y":2.5,"width":6,"height":4}}}}}`, false},
		{"coco polygon", table("polygons", "coco", "class", "t", "origin", "corner"), coco(`[[2,3,8,3,8,7,2,7]]`), false},
		{"coco by id", table("polygons", "coco", "class", int64(1), "class_key", "id", "origin", "corner"), coco(`[[2,3,8,3,8,7,2,7]]`), false},
		{"coco by another key", table("polygons", "coco", "class", int64(0), "class_key", "diagnosis", "origin", "corner"),
			strings.ReplaceAll(coco(`[[2,3,8,3,8,7,2,7]]`), `"category_id":1`, `"category_id":2,"diagnosis":0`), false},
		{"coco rle", table("polygons", "coco", "class", "t"), coco(`{"size":[10,12],"counts":` + string(counts) + `}`), false},
		{"coco packed", table("polygons", "coco", "class", "t"), coco(`{"size":[10,12],"counts":"` + pack(append(runs, run)) + `"}`), false},
		{"aperio", table("polygons", "aperio", "class", "t"), `<Annotations><Annotation Name="t"><Regions><Region><Vertices><Vertex X="1.5" Y="2.5"/><Vertex X="7.5" Y="2.5"/><Vertex X="7.5" Y="6.5"/><Vertex X="1.5" Y="6.5"/></Vertices></Region></Regions></Annotation></Annotations>`, false},
		{"asap", table("polygons", "asap", "class", "t"), `<ASAP_Annotations><Annotations><Annotation PartOfGroup="t"><Coordinates><Coordinate Order="0" X="1.5" Y="2.5"/><Coordinate X="7.5" Y="2.5"/><Coordinate X="7.5" Y="6.5"/><Coordinate X="1.5" Y="6.5"/></Coordinates></Annotation></Annotations></ASAP_Annotations>`, false},
	} {
		got, err := drawn(t, c.sel, c.file)
		if err != nil || !bytes.Equal(got, block(c.hole)) {
			t.Errorf("%s: %v\n%v", c.name, err, got)
		}
	}
}

// pack is COCO's compressed counts, written from their description.
func pack(runs []int) string {
	var b strings.Builder
	for i, n := range runs {
		if i > 2 {
			n -= runs[i-2]
		}
		for more := true; more; {
			c := n & 31
			n >>= 5
			if more = !(n == 0 && c&16 == 0 || n == -1 && c&16 != 0); more {
				c |= 32
			}
			b.WriteByte(byte(c + 48))
		}
	}
	return b.String()
}

func TestEllipseAndUnlisted(t *testing.T) {
	got, err := drawn(t, table("polygons", "via"), `{"x":{"filename":"a.png","regions":[{"shape_attributes":{"name":"ellipse","cx":5,"cy":5,"rx":3,"ry":2}}]}}`)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		x, y := i%12-5, i/12-5
		if want := 4*x*x+9*y*y <= 36; (v == 1) != want {
			t.Errorf("pixel %d,%d is %d", x+5, y+5, v)
		}
	}
	if _, err := drawn(t, table("polygons", "via"), `{}`); err == nil || !strings.Contains(err.Error(), "has nothing of") {
		t.Errorf("an image that is not listed: %v", err)
	}
	if got, err := drawn(t, table("polygons", "via", "unlisted", "empty"), `{}`); err != nil || bytes.Contains(got, []byte{1}) {
		t.Errorf("an image that has nothing: %v", err)
	}
	if _, err := drawn(t, table("polygons", "coco"), `{"images":[{"id":1,"file_name":"a.png"}],"annotations":[{"image_id":1,"segmentation":{"size":[2,2],"counts":[4]}}]}`); err == nil {
		t.Error("a run length of another size is drawn")
	}
}

// Random polygons agree with scikit-image but for pixels on the boundary.
func TestPolygonAgainstSkimage(t *testing.T) {
	const script = `
import numpy as np, json
from skimage.draw import polygon2mask
r = np.random.default_rng(3)
out = []
for _ in range(20):
    p = r.uniform(0, 60, (7, 2))
    out.append({"p": p[:, ::-1].ravel().tolist(), "m": polygon2mask((60, 60), p).astype(int).ravel().tolist()})
print(json.dumps(out))`
	text, err := exec.Command("/usr/bin/python3", "-c", script).Output()
	if err != nil {
		t.Skip("needs python3-skimage: ", err)
	}
	var cases []struct {
		P []float64
		M []byte2
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		canvas := &Canvas{60, 60, make([]byte, 3600)}
		var r []Point
		for k := 0; k < len(c.P); k += 2 {
			r = append(r, Point{c.P[k], c.P[k+1]})
		}
		canvas.Polygon(r)
		off := 0
		for k, v := range canvas.Pix {
			if int(v) != int(c.M[k]) {
				off++
			}
		}
		if off > 2 {
			t.Errorf("polygon %d: %d pixels differ", i, off)
		}
	}
}

type byte2 int

func TestPixelSelectors(t *testing.T) {
	rgb := raster(t, 3, 8, 255, 0, 0, 0, 200, 9, 0, 0, 255, 90, 90, 90)
	g := raster(t, 1, 8, 0, 5, 100, 255)
	for _, c := range []struct {
		name   string
		table  map[string]any
		src    convertcore.Image
		expect string
	}{
		{"below", table("below", int64(100)), g, "1100"},
		{"below of colours", table("below", int64(100)), rgb, "0001"},
		{"between", table("between", list(int64(5), 100.5)), g, "0110"},
		{"bits", table("bits", list(int64(0), int64(6))), g, "0111"},
		{"bit 2", table("bits", int64(2)), g, "0111"},
		{"bits of uint32", table("bits", int64(30)), volume(t, []uint32{1 << 30, 1, 3 << 30, 1 << 31}, 1, 0), "1010"},
		{"channel", table("channel", "g", "above", int64(100)), rgb, "0100"},
		{"channel of gray", table("channel", "b", "above", int64(100)), g, "0001"},
		{"sum", table("channel", "sum", "below", int64(255)), rgb, "0100"},
		{"sum of gray", table("channel", "sum", "above", int64(299)), g, "0011"},
		{"not", table("not", table("values", int64(255))), g, "1110"},
		{"any", table("any", list(table("values", int64(0)), table("above", int64(200)))), g, "1001"},
		{"all", table("all", list(table("above", int64(0)), table("below", int64(101)))), g, "0110"},
	} {
		s, err := New(c.table)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		dst := make([]byte, 4)
		err = s.Mask(dst, c.src)
		if got := strings.Trim(strings.ReplaceAll(fmt.Sprint(dst), " ", ""), "[]"); err != nil || got != c.expect {
			t.Errorf("%s: %s, %v, want %s", c.name, got, err, c.expect)
		}
	}
}

// The pixels of an outline and all within it, as scipy's binary_fill_holes.
func TestFill(t *testing.T) {
	pix := []byte{
		0, 9, 9, 0, 0,
		9, 0, 0, 9, 0,
		0, 9, 9, 0, 9,
	}
	r, _ := convertcore.NewRaster(5, 3, 1, 8, pix)
	s, err := New(table("fill", table("above", int64(0))))
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 15)
	if err := s.Mask(dst, r); err != nil {
		t.Fatal(err)
	}
	if want := []byte{0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 1}; !bytes.Equal(dst, want) {
		t.Errorf("%v, want %v", dst, want)
	}
}

func fuzzShapes(f *testing.F, format string, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o := &options{key: map[string]string{"json": "*.p"}[format], place: placing{scale: 1}}
		all, err := shapeFormats[format].read(data, o)
		if err != nil {
			return
		}
		for _, list := range all {
			for i := range list {
				c := &Canvas{12, 10, make([]byte, 120)}
				_ = list[i].draw(c, &o.place)
			}
		}
	})
}

func FuzzTXT(f *testing.F)  { fuzzShapes(f, "txt", "1 2\n3,4\n\n5;6") }
func FuzzCSV(f *testing.F)  { fuzzShapes(f, "csv", "x,y\n1,2\n") }
func FuzzJSON(f *testing.F) { fuzzShapes(f, "json", `[{"p":`+ring+`}]`) }
func FuzzGeoJSON(f *testing.F) {
	fuzzShapes(f, "geojson", `{"geometry":{"type":"Polygon","coordinates":[`+ring+`]}}`)
}
func FuzzLabelMe(f *testing.F) {
	fuzzShapes(f, "labelme", `{"shapes":[{"shape_type":"circle","points":[[1,2],[3,4]]}]}`)
}
func FuzzVIA(f *testing.F) {
	fuzzShapes(f, "via", `{"x":{"filename":"a","regions":[{"shape_attributes":{"name":"circle","cx":1,"cy":2,"r":3}}]}}`, "filename,region_shape_attributes\na,{}")
}
func FuzzCOCO(f *testing.F) {
	fuzzShapes(f, "coco", `{"images":[{"id":1,"file_name":"a"}],"annotations":[{"image_id":1,"segmentation":{"size":[10,12],"counts":"0"}},{"image_id":1,"segmentation":[[1,2,3,4]]}]}`)
}
func FuzzAperio(f *testing.F) {
	fuzzShapes(f, "aperio", `<A><Annotation Name="t"><Region><Vertex X="1" Y="2"/></Region></Annotation></A>`)
}
func FuzzASAP(f *testing.F) {
	fuzzShapes(f, "asap", `<A><Annotation><Coordinate X="1" Y="2"/></Annotation></A>`)
}

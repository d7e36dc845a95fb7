package format

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// lattices calls f with every way to run the axes of one grid: origin and
// spacing in LPS+ mm, dims along L, P and S. index maps a voxel of the plain
// order (L, P, S) to one of the turned grid.
func lattices(dims [3]int, origin, spacing [3]float64, f func(grid convertcore.Header, index func(x, y, z int) int)) {
	for _, perm := range [][3]int{{0, 1, 2}, {1, 0, 2}, {2, 0, 1}} {
		for flips := range 8 {
			h := convertcore.Header{Form: convertcore.NIfTI, Channels: 1, Bits: 8, Lead: 352, Dims: [4]int{1, 1, 1, 1}}
			h.Affine[3][3] = 1
			first := origin
			for k, axis := range perm {
				step := spacing[axis]
				if flips>>axis&1 == 1 {
					first[axis] += step * float64(dims[axis]-1)
					step = -step
				}
				h.Dims[k], h.Affine[axis][k] = dims[axis], step
			}
			for axis, sign := range [3]float64{-1, -1, 1} {
				h.Affine[axis][3] = first[axis]
				for k := range 4 {
					h.Affine[axis][k] *= sign
				}
			}
			f(h, func(x, y, z int) int {
				v := [3]int{x, y, z}
				at, stride := 0, 1
				for k, axis := range perm {
					i := v[axis]
					if flips>>axis&1 == 1 {
						i = dims[axis] - 1 - i
					}
					at, stride = at+i*stride, stride*h.Dims[k]
				}
				return at
			})
		}
	}
}

// plain turns a mask of a turned grid back.
func plain(m []byte, dims [3]int, index func(x, y, z int) int) []byte {
	out := make([]byte, 0, len(m))
	for z := range dims[2] {
		for y := range dims[1] {
			for x := range dims[0] {
				out = append(out, m[index(x, y, z)])
			}
		}
	}
	return out
}

// The grid of testdata/make_labels.py.
var (
	madeDims    = [3]int{5, 6, 4}
	madeOrigin  = [3]float64{-10.5, 20.25, -7}
	madeSpacing = [3]float64{0.7, 0.8, 2.5}
)

func checkMade(t *testing.T, dir, name string) {
	t.Helper()
	s, err := OpenSEG(t.Context(), folder(dir), name)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range s.Segments() {
		want := read(t, dir, strings.TrimSuffix(name, ".dcm")+"."+strconv.Itoa(g.Number)+".mask")
		if !bytes.Contains(want, []byte{1}) {
			t.Fatalf("%s: the test's mask is empty", name)
		}
		lattices(madeDims, madeOrigin, madeSpacing, func(grid convertcore.Header, index func(x, y, z int) int) {
			dst := make([]byte, grid.Pixels())
			n, _, err := s.Draw(t.Context(), dst, grid, 0.5, func(h Segment) bool { return h.Number == g.Number })
			if err != nil || n != 1 || !bytes.Equal(plain(dst, madeDims, index), want) {
				t.Errorf("%s, segment %d on %s: %d drawn, %v, or another mask", name, g.Number, geom.Orientation(grid.Affine), n, err)
			}
		})
	}
}

func TestSEG(t *testing.T) {
	checkMade(t, "testdata/labels", "binary.dcm")
	s, err := OpenSEG(t.Context(), folder("testdata/labels"), "binary.dcm")
	if err != nil {
		t.Fatal(err)
	}
	g := s.Segments()[1]
	if g.Number != 3 || g.Label != "Segment 3 ä" || g.Type != (Code{"2", "SCT", "Liver"}) || g.Algorithm != "MANUAL" || s.Type != "BINARY" || s.FrameOfReference != "1.2.3.4.6" {
		t.Errorf("segment %+v of %+v", g, s)
	}
	if src := s.frames[0].sources; len(src) != 1 || !strings.HasPrefix(src[0], "1.2.3.") {
		t.Errorf("sources %v", src)
	}
	for _, file := range []string{"binary.dcm", "contours.dcm"} {
		if uid, err := ReferencedSeries(t.Context(), folder("testdata/labels"), []string{file}); uid != "1.2.3.4.5" || err != nil {
			t.Errorf("%s: series %q, %v", file, uid, err)
		}
	}
}

// Files of every kind that pydicom wrote give the masks they were made of.
func TestSEGAgainstPydicom(t *testing.T) {
	if err := exec.Command("/usr/bin/python3", "-c", "import pydicom").Run(); err != nil {
		t.Skip("python3-pydicom:", err)
	}
	dir := t.TempDir()
	python(t, "make_labels.py", dir)
	for _, name := range names(t, dir, "*.dcm") {
		if name != "contours.dcm" {
			checkMade(t, dir, name)
		}
	}
}

// An image of a single slice is as good as any: what is drawn is its plane.
func TestLabelsOnOneSlice(t *testing.T) {
	if err := exec.Command("/usr/bin/python3", "-c", "import pydicom").Run(); err != nil {
		t.Skip("python3-pydicom:", err)
	}
	dir := t.TempDir()
	python(t, "make_labels.py", dir)
	seg, err := OpenSEG(t.Context(), folder(dir), "single.dcm")
	if err != nil {
		t.Fatal(err)
	}
	defer seg.Close()
	rois, err := ReadRTStruct(t.Context(), folder(dir), "contours.dcm")
	if err != nil {
		t.Fatal(err)
	}
	dims := [3]int{5, 6, 1}
	at := func(slice float64) [3]float64 {
		return [3]float64{madeOrigin[0], madeOrigin[1], madeOrigin[2] + slice*madeSpacing[2]}
	}
	want := read(t, dir, "single.1.mask")[2*30 : 3*30]
	lattices(dims, at(2), madeSpacing, func(grid convertcore.Header, index func(x, y, z int) int) {
		dst := make([]byte, 30)
		_, notes, err := seg.Draw(t.Context(), dst, grid, 0.5, func(Segment) bool { return true })
		if err != nil || len(notes) > 0 || !bytes.Equal(plain(dst, dims, index), want) {
			t.Errorf("segment on %s: %q, %v, or another mask", geom.Orientation(grid.Affine), notes, err)
		}
	})
	lattices(dims, at(2.3), madeSpacing, func(grid convertcore.Header, index func(x, y, z int) int) {
		dst := make([]byte, 30)
		_, notes, err := seg.Draw(t.Context(), dst, grid, 0.5, func(Segment) bool { return true })
		if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "1 frames lie up to 0.3 slices") || !bytes.Equal(plain(dst, dims, index), want) {
			t.Errorf("segment beside %s: %q, %v, or another mask", geom.Orientation(grid.Affine), notes, err)
		}
	})
	square := []byte(strings.NewReplacer(" ", "", ".", "\x00", "#", "\x01").Replace("..... .###. .###. .###. .###. ....."))
	lattices(dims, at(1), madeSpacing, func(grid convertcore.Header, index func(x, y, z int) int) {
		for name, want := range map[string]error{"Square": nil, "Hole": convertcore.ErrMismatch} { // the second lies on the next slice
			dst := make([]byte, 30)
			_, _, err := rois.Draw(t.Context(), dst, grid, func(r ROI) bool { return r.Name == name })
			if !errors.Is(err, want) || want == nil && !bytes.Equal(plain(dst, dims, index), square) {
				t.Errorf("%s on %s: %v, or another mask", name, geom.Orientation(grid.Affine), err)
			}
		}
	})
}

func TestSEGMismatch(t *testing.T) {
	s, err := OpenSEG(t.Context(), folder("testdata/labels"), "binary.dcm")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*convertcore.Header)
		want   error
	}{
		"same":            {func(*convertcore.Header) {}, nil},
		"slice off a bit": {func(h *convertcore.Header) { h.Affine[2][3] += 1.2 }, nil},
		"slice beyond":    {func(h *convertcore.Header) { h.Affine[2][3] += 1.3 }, convertcore.ErrMismatch},
		"beside":          {func(h *convertcore.Header) { h.Affine[0][3] += 0.01 }, convertcore.ErrMismatch},
		"spacing":         {func(h *convertcore.Header) { h.Affine[1][1] *= 1.001 }, convertcore.ErrMismatch},
		"narrow":          {func(h *convertcore.Header) { h.Dims[0]-- }, convertcore.ErrMismatch},
		"tilted":          {func(h *convertcore.Header) { h.Affine[2][0] = 0.01 }, convertcore.ErrMismatch},
		"no place":        {func(h *convertcore.Header) { h.Affine = geom.Affine{} }, convertcore.ErrMismatch},
	} {
		grid := madeGrid()
		c.change(&grid)
		for _, number := range []int{1, 99} { // 99: what has no frames has to fit too
			_, _, err := s.Draw(t.Context(), make([]byte, grid.Pixels()), grid, 0.5, func(g Segment) bool { return g.Number == number })
			if number == 1 && !errors.Is(err, c.want) || number == 99 && c.want != nil && name != "slice beyond" && !errors.Is(err, c.want) {
				t.Errorf("%s, segment %d: %v", name, number, err)
			}
		}
	}
}

// madeGrid is the grid in the plain order.
func madeGrid() (grid convertcore.Header) {
	first := true
	lattices(madeDims, madeOrigin, madeSpacing, func(h convertcore.Header, _ func(x, y, z int) int) {
		if first {
			grid, first = h, false
		}
	})
	return grid
}

func TestRTStruct(t *testing.T) {
	s, err := ReadRTStruct(t.Context(), folder("testdata/labels"), "contours.dcm")
	if err != nil {
		t.Fatal(err)
	}
	if s.Series != "1.2.3.4.5" || len(s.ROIs()) != 7 {
		t.Errorf("series %q, %d ROIs", s.Series, len(s.ROIs()))
	}
	const full = "..... .###. .###. .###. .###. ....."
	for name, c := range map[string]struct {
		slice int
		rows  string
		want  error
		note  string
	}{
		"Square":  {1, full, nil, "1 contours left out: POINT"},
		"Hole":    {2, "..... .###. .#.#. .###. .###. .....", nil, ""},
		"Keyhole": {0, "..... .###. .#.#. .#.#. .###. .....", nil, ""},
		"Centers": {3, "..... .##.. .##.. .##.. ..... .....", nil, "1 planes lie up to 0.2 slices"},
		"Overlap": {1, "..... .##.# .##.# .##.# ..... .....", nil, "1 pairs of contours overlap"},
		"Oblique": {0, "", convertcore.ErrMismatch, ""},
		"Beyond":  {0, "", convertcore.ErrMismatch, ""},
	} {
		want := make([]byte, 120)
		for i, v := range strings.ReplaceAll(c.rows, " ", "") {
			if v == '#' {
				want[c.slice*30+i] = 1
			}
		}
		lattices(madeDims, madeOrigin, madeSpacing, func(grid convertcore.Header, index func(x, y, z int) int) {
			dst := make([]byte, grid.Pixels())
			n, notes, err := s.Draw(t.Context(), dst, grid, func(r ROI) bool { return r.Name == name })
			if text := strings.Join(notes, "; "); c.note == "" && text != "" || !strings.Contains(text, c.note) {
				t.Errorf("%s: warnings %q, want %q", name, notes, c.note)
			}
			if !errors.Is(err, c.want) || err == nil && (n != 1 || !bytes.Equal(plain(dst, madeDims, index), want)) {
				t.Errorf("%s on %s: %v, drawn %v", name, geom.Orientation(grid.Affine), err, plain(dst, madeDims, index))
			}
		})
	}
}

// A file that ends too early is an error, or its last elements say nothing.
func TestLabelsTruncated(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"binary.dcm", "contours.dcm"} {
		file := read(t, "testdata/labels", name)
		for range 200 {
			n := rng.IntN(len(file))
			_, errSEG := OpenSEG(t.Context(), one(file[:n]), name)
			_, errRT := ReadRTStruct(t.Context(), one(file[:n]), name)
			if errSEG == nil || errRT == nil {
				t.Errorf("%s cut at %d of %d is read", name, n, len(file))
			}
		}
	}
}

// Counts and lengths that lie cost no memory.
func TestLabelsAllocate(t *testing.T) {
	file := read(t, "testdata/labels", "binary.dcm")
	for name, change := range map[string]func([]byte){
		"frames": func(b []byte) { copy(b[bytes.Index(b, []byte("\x28\x00\x08\x00IS"))+8:], "9999999") },
		"rows":   func(b []byte) { copy(b[bytes.Index(b, []byte("\x28\x00\x10\x00US"))+8:], "\xff\xff") },
		"pixels": func(b []byte) { copy(b[bytes.LastIndex(b, []byte("\xe0\x7f\x10\x00OW"))+8:], "\xf0\xff\xff\x7f") },
	} {
		b := bytes.Clone(file)
		change(b)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := OpenSEG(t.Context(), one(b), "a.dcm")
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, convertcore.ErrFormat) || n > 1<<20 {
			t.Errorf("%s: %d bytes allocated, %v", name, n, err)
		}
	}
}

func FuzzSEG(f *testing.F) {
	f.Add(read(f, "testdata/labels", "binary.dcm"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := OpenSEG(t.Context(), one(b), "a.dcm")
		if err == nil {
			grid := madeGrid()
			_, _, _ = s.Draw(t.Context(), make([]byte, grid.Pixels()), grid, 0.5, func(Segment) bool { return true })
		}
	})
}

func FuzzRTStruct(f *testing.F) {
	f.Add(read(f, "testdata/labels", "contours.dcm"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ReadRTStruct(t.Context(), one(b), "a.dcm")
		if err == nil {
			grid := madeGrid()
			_, _, _ = s.Draw(t.Context(), make([]byte, grid.Pixels()), grid, func(ROI) bool { return true })
		}
	})
}

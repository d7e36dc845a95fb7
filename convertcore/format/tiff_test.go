package format

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// tiffTools skips without what writes TIFFs of all kinds.
func tiffTools(t *testing.T) {
	t.Helper()
	if err := exec.Command("/usr/bin/python3", "-c", "import tifffile").Run(); err != nil {
		t.Skip("python3-tifffile is not installed")
	}
	if _, err := exec.LookPath("tiffcp"); err != nil {
		t.Skip("libtiff-tools is not installed")
	}
}

func TestTIFFAgainstTifffile(t *testing.T) {
	tiffTools(t)
	dir := t.TempDir()
	python(t, "make_tiff.py", dir)
	seen := 0
	for _, name := range names(t, dir, "*.tif") {
		base := strings.TrimSuffix(name, ".tif")
		var form string
		var h convertcore.Header
		var float, signed int
		var spacing [3]float64
		if _, err := fmt.Sscan(string(read(t, dir, base+".txt")), &form, &h.Dims[0], &h.Dims[1], &h.Dims[2], &h.Dims[3], &h.Channels, &h.Bits,
			&float, &signed, &spacing[0], &spacing[1], &spacing[2]); err != nil {
			t.Fatal(err)
		}
		if h.Float, h.Signed = float == 1, signed == 1; form != "png" {
			h.Form, h.Lead, h.Affine = convertcore.NIfTI, convertcore.MinLead, geom.FromSpacing(spacing)
		}
		header, err := tiffHeader(t.Context(), folder(dir), []string{name})
		if err != nil || !sameHeader(header, h) {
			t.Errorf("%s: header %+v, %v, want %+v", name, header, err, h)
			continue
		}
		img, err := tiffDecode(t.Context(), folder(dir), []string{name})
		if err != nil || img.Header() != header {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(img.Payload(), read(t, dir, base+".raw")) {
			t.Errorf("%s: samples differ", name)
		}
		if want, err := os.ReadFile(filepath.Join(dir, base+".idx")); err == nil && !bytes.Equal(img.(*convertcore.Raster).Indices(), want) {
			t.Errorf("%s: palette indices differ", name)
		}
		seen++
	}
	if seen < 200 {
		t.Errorf("%d files", seen)
	}
}

// sameHeader allows for the rounding of spacings.
func sameHeader(a, b convertcore.Header) bool {
	for i := range a.Affine {
		for j := range a.Affine[i] {
			if d := a.Affine[i][j] - b.Affine[i][j]; d > 1e-6*b.Affine[i][j] || d < -1e-6*b.Affine[i][j] {
				return false
			}
		}
	}
	a.Affine = b.Affine
	return a == b
}

func TestTIFFLossyAgainstLibtiff(t *testing.T) {
	tiffTools(t)
	dir := t.TempDir()
	python(t, "make_tiff_lossy.py", dir)
	for _, name := range names(t, dir, "*.tif") {
		img, err := tiffDecode(t.Context(), folder(dir), []string{name})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		worst, mean, err := difference(read(t, dir, strings.TrimSuffix(name, ".tif")+".raw"), img.Payload())
		if err != nil || worst > 1 || mean > 0.1 {
			t.Errorf("%s: differs by up to %d, mean %.3f, %v", name, worst, mean, err)
		}
	}
}

// difference compares samples of 8 bits.
func difference(want, got []byte) (worst int, mean float64, err error) {
	if len(want) != len(got) {
		return 0, 0, fmt.Errorf("%d samples, want %d", len(got), len(want))
	}
	for i := range want {
		d := int(want[i]) - int(got[i])
		worst, mean = max(worst, d, -d), mean+float64(max(d, -d))
	}
	return worst, mean / float64(len(want)), nil
}

// tiffTag is an entry of a TIFF that a test makes; 32-bit values.
type tiffTag struct {
	id     uint16
	values []uint32
}

// makeTIFF makes a little-endian TIFF of pages that share data at offset 8;
// values beyond one follow the directories.
func makeTIFF(data []byte, pages ...[]tiffTag) []byte {
	le := binary.LittleEndian
	out := append([]byte("II*\x00\x00\x00\x00\x00"), data...)
	link := 4
	for _, tags := range pages {
		le.PutUint32(out[link:], uint32(len(out)))
		far := len(out) + 6 + 12*len(tags)
		var tail []byte
		out = le.AppendUint16(out, uint16(len(tags)))
		for _, g := range tags {
			out = le.AppendUint16(out, g.id)
			out = le.AppendUint16(out, 4)
			out = le.AppendUint32(out, uint32(len(g.values)))
			if len(g.values) == 1 {
				out = le.AppendUint32(out, g.values[0])
				continue
			}
			out = le.AppendUint32(out, uint32(far+len(tail)))
			for _, v := range g.values {
				tail = le.AppendUint32(tail, v)
			}
		}
		link = len(out)
		out = append(append(out, 0, 0, 0, 0), tail...)
	}
	return out
}

// grayTags are those of a w×h page of 8 bits; more override.
func grayTags(w, h int, more ...tiffTag) []tiffTag {
	tags := []tiffTag{
		{tagWidth, []uint32{uint32(w)}}, {tagHeight, []uint32{uint32(h)}}, {tagBits, []uint32{8}}, {tagPhotometric, []uint32{1}},
		{tagStripOffsets, []uint32{8}}, {tagStripCounts, []uint32{uint32(w * h)}},
	}
	return append(tags, more...)
}

func decodeTIFF(t testing.TB, file []byte) (convertcore.Image, error) {
	return tiffDecode(t.Context(), one(file), []string{"a.tif"})
}

func TestTIFFPages(t *testing.T) {
	data := []byte{1, 2, 3, 4, 5, 6}
	reduced := grayTags(1, 1, tiffTag{tagSubfileType, []uint32{1}})
	for name, c := range map[string]struct {
		pages [][]tiffTag
		dims  [4]int
		want  []byte
		err   error
	}{
		"one":          {[][]tiffTag{grayTags(3, 2)}, [4]int{3, 2, 1, 1}, data, nil},
		"two":          {[][]tiffTag{grayTags(3, 2), grayTags(3, 2)}, [4]int{3, 2, 2, 1}, append(data[:6:6], data...), nil},
		"reduced":      {[][]tiffTag{reduced, grayTags(3, 2), reduced}, [4]int{3, 2, 1, 1}, data, nil},
		"only reduced": {[][]tiffTag{reduced}, [4]int{1, 1, 1, 1}, data[:1], nil},
		"unequal":      {[][]tiffTag{grayTags(3, 2), grayTags(2, 3)}, [4]int{}, nil, convertcore.ErrUnsupported},
		"white":        {[][]tiffTag{grayTags(3, 2, tiffTag{tagPhotometric, []uint32{0}})}, [4]int{3, 2, 1, 1}, []byte{254, 253, 252, 251, 250, 249}, nil},
		"cmyk":         {[][]tiffTag{grayTags(3, 2, tiffTag{tagPhotometric, []uint32{5}})}, [4]int{}, nil, convertcore.ErrUnsupported},
		"old jpeg":     {[][]tiffTag{grayTags(3, 2, tiffTag{tagCompression, []uint32{6}})}, [4]int{}, nil, convertcore.ErrUnsupported},
		"complex":      {[][]tiffTag{grayTags(3, 2, tiffTag{tagSampleFormat, []uint32{5}})}, [4]int{}, nil, convertcore.ErrUnsupported},
		"too big":      {[][]tiffTag{grayTags(30000, 30000)}, [4]int{}, nil, convertcore.ErrFormat},
		"no pixels":    {[][]tiffTag{grayTags(0, 2)}, [4]int{}, nil, convertcore.ErrFormat},
		"huge tiles": {[][]tiffTag{grayTags(3, 2, tiffTag{tagTileWidth, []uint32{1 << 20}}, tiffTag{tagTileHeight, []uint32{1 << 20}})},
			[4]int{}, nil, convertcore.ErrFormat},
		"beyond the end":   {[][]tiffTag{grayTags(3, 2, tiffTag{tagStripOffsets, []uint32{1 << 30}})}, [4]int{}, nil, convertcore.ErrFormat},
		"chunks not there": {[][]tiffTag{grayTags(3, 2, tiffTag{tagRowsPerStrip, []uint32{1}})}, [4]int{}, nil, convertcore.ErrFormat},
	} {
		img, err := decodeTIFF(t, makeTIFF(data, c.pages...))
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		} else if err == nil && (img.Header().Dims != c.dims || !bytes.Equal(img.Payload(), c.want)) {
			t.Errorf("%s: %v %v", name, img.Header().Dims, img.Payload())
		}
	}
}

func TestTIFFWarns(t *testing.T) {
	for want, tags := range map[string][]tiffTag{
		"orientation 3": grayTags(3, 2, tiffTag{tagOrientation, []uint32{3}}),
		"palette":       grayTags(3, 2, tiffTag{tagPhotometric, []uint32{3}}, tiffTag{tagColorMap, make([]uint32, 768)}),
	} {
		file := makeTIFF(make([]byte, 6), tags, tags)
		if img, err := decodeTIFF(t, file); err != nil || !strings.Contains(strings.Join(img.Warnings(), "; "), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// Blocks of 2×2 luma samples with one of each chroma; the picture is odd.
func TestTIFFUnits(t *testing.T) {
	data := []byte{10, 20, 40, 50, 128, 128, 30, 0, 60, 0, 128, 255, 70, 80, 0, 0, 128, 128, 90, 0, 0, 0, 128, 128}
	file := makeTIFF(data, []tiffTag{
		{tagWidth, []uint32{3}}, {tagHeight, []uint32{3}}, {tagBits, []uint32{8, 8, 8}}, {tagPhotometric, []uint32{6}},
		{tagStripOffsets, []uint32{8}}, {tagStripCounts, []uint32{24}}, {tagSamples, []uint32{3}}, {tagYCbCrSubsamples, []uint32{2, 2}},
	})
	want := []byte{10, 10, 10, 20, 20, 20, 208, 0, 30, 40, 40, 40, 50, 50, 50, 238, 0, 60, 70, 70, 70, 80, 80, 80, 90, 90, 90}
	if img, err := decodeTIFF(t, file); err != nil || !bytes.Equal(img.Payload(), want) {
		t.Errorf("%v", err)
	}
}

// Directories that loop, and values that are not there, end soon.
func TestTIFFLies(t *testing.T) {
	file := makeTIFF(make([]byte, 6), grayTags(3, 2))
	binary.LittleEndian.PutUint32(file[len(file)-4:], binary.LittleEndian.Uint32(file[4:]))
	if _, err := decodeTIFF(t, file); !errors.Is(err, convertcore.ErrFormat) {
		t.Errorf("loop: %v", err)
	}
	file = makeTIFF(make([]byte, 6), grayTags(3, 2))
	at := bytes.Index(file, []byte{17, 1, 4, 0}) // strip offsets
	binary.LittleEndian.PutUint32(file[at+4:], 1<<31)
	if n := allocated(func() {
		if _, err := decodeTIFF(t, file); !errors.Is(err, convertcore.ErrFormat) {
			t.Errorf("count: %v", err)
		}
	}); n > 1<<20 {
		t.Errorf("%d bytes allocated", n)
	}
	// Many pages over the same bytes.
	var pages [][]tiffTag
	for range 500 {
		pages = append(pages, grayTags(1000, 1000))
	}
	file = makeTIFF(make([]byte, 1000*1000), pages...)
	if n := allocated(func() {
		if _, err := decodeTIFF(t, file); !errors.Is(err, convertcore.ErrFormat) {
			t.Errorf("overlap: %v", err)
		}
	}); n > 16<<20 {
		t.Errorf("%d bytes allocated", n)
	}
}

// Committed files, so that the decoder is tested without Python.
func TestTIFFSamples(t *testing.T) {
	for _, name := range []string{"lzw_predictor.tif", "jpeg.tif"} {
		file := read(t, "testdata", "samples", name)
		want := read(t, "testdata", "samples", name+".raw")
		img, err := decodeTIFF(t, file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if worst, _, err := difference(want, img.Payload()); err != nil || worst > 3 || worst > 0 && name != "jpeg.tif" {
			t.Errorf("%s: differs by %d, %v", name, worst, err)
		}
		cutShort(t, tiffDecode, file, len(file))
	}
}

// cutShort cuts a file at 200 places before n, of which none may decode.
func cutShort(t *testing.T, decode decodeFunc, file []byte, n int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		cut := rng.IntN(n)
		if _, err := decode(t.Context(), one(file[:cut]), []string{"a"}); !errors.Is(err, convertcore.ErrFormat) {
			t.Fatalf("cut at %d of %d: %v", cut, n, err)
		}
	}
}

func TestTIFFHeaderReadsFewBytes(t *testing.T) {
	c := &counting{Blob: blob.Bytes(makeTIFF(make([]byte, 1<<20), grayTags(1024, 1024)))}
	if _, err := tiffHeader(t.Context(), rawOf{c}, []string{"a.tif"}); err != nil || c.n > 500 {
		t.Errorf("%d bytes, %v", c.n, err)
	}
}

func FuzzTIFF(f *testing.F) {
	f.Add(makeTIFF(make([]byte, 6), grayTags(3, 2), grayTags(3, 2)))
	f.Add(makeTIFF(make([]byte, 6), grayTags(3, 2, tiffTag{tagCompression, []uint32{5}}, tiffTag{tagPredictor, []uint32{2}})))
	for _, name := range []string{"lzw_predictor.tif", "jpeg.tif"} {
		f.Add(read(f, "testdata", "samples", name))
	}
	f.Fuzz(func(t *testing.T, file []byte) { fuzzFormat(t, tiffHeader, tiffDecode, file) })
}

package format

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func TestPNGAgainstPillow(t *testing.T) {
	dir := t.TempDir()
	python(t, "make_png.py", dir)
	for _, name := range names(t, dir, "*.png") {
		base := strings.TrimSuffix(name, ".png")
		var w, h, channels, bits int
		if _, err := fmt.Sscan(string(read(t, dir, base+".txt")), &w, &h, &channels, &bits); err != nil {
			t.Fatal(err)
		}
		header, err := pngHeader(t.Context(), folder(dir), []string{name})
		if err != nil || header != convertcore.RasterHeader(w, h, channels, bits) {
			t.Errorf("%s: header %+v, %v", name, header, err)
		}
		img, err := pngDecode(t.Context(), folder(dir), []string{name})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if img.Header() != header || !bytes.Equal(img.Payload(), read(t, dir, base+".raw")) {
			t.Errorf("%s: samples differ", name)
		}
		indices := img.(*convertcore.Raster).Indices()
		if want, err := os.ReadFile(filepath.Join(dir, base+".idx")); err == nil != (indices != nil) || !bytes.Equal(indices, want) {
			t.Errorf("%s: palette indices differ", name)
		}
	}
}

// served decodes a file and decodes again what is served of it.
func TestPNGServedIsTheSame(t *testing.T) {
	dir := t.TempDir()
	python(t, "make_png.py", dir)
	for _, name := range names(t, dir, "*.png") {
		img, err := decodePNG(read(t, dir, name))
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := img.Encode(&file); err != nil {
			t.Fatal(err)
		}
		again, err := decodePNG(file.Bytes())
		if err != nil || again.Header() != img.Header() || !bytes.Equal(again.Payload(), img.Payload()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const dsb = "../../../shared/real/dsb2018/stage1_train.zip"

// Real nuclei images and masks against image/png, which is exact for them.
func TestPNGOfDSB2018(t *testing.T) {
	z, err := zip.OpenReader(dsb)
	if err != nil {
		t.Skipf("real data: %v", err)
	}
	defer z.Close()
	seen, images := 0, 0
	for i, f := range z.File {
		isImage := strings.Contains(f.Name, "/images/") && strings.HasSuffix(f.Name, ".png")
		if isImage {
			images++
		}
		if !(isImage && images%10 == 0 || strings.Contains(f.Name, "/masks/") && i%200 == 0) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		file, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		want, err := png.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodePNG(file)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		var pix []byte
		switch m := want.(type) {
		case *image.NRGBA:
			pix = m.Pix
		case *image.RGBA: // RGB without alpha
			for i := 0; i < len(m.Pix); i += 4 {
				pix = append(pix, m.Pix[i:i+3]...)
			}
		case *image.Gray:
			pix = m.Pix
		default:
			t.Fatalf("%s: %T", f.Name, want)
		}
		if !bytes.Equal(pix, got.Payload()) {
			t.Errorf("%s: pixels differ", f.Name)
		}
		seen++
	}
	if seen < 60 || images != 664 {
		t.Errorf("%d files of %d images", seen, images)
	}
}

func smallPNG(t testing.TB) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 30, 20))
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range m.Pix {
		m.Pix[i] = byte(rng.Uint32())
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPNGTruncatedOrChanged(t *testing.T) {
	file := smallPNG(t)
	for n := range len(file) - 12 { // IEND aside
		if _, err := decodePNG(bytes.Clone(file[:n])); !errors.Is(err, convertcore.ErrFormat) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	for i := range len(file) - 12 {
		bad := bytes.Clone(file)
		bad[i] ^= 0x10
		if _, err := decodePNG(bad); !errors.Is(err, convertcore.ErrFormat) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
}

// A file that declares far more pixels than it has bytes costs no memory.
func TestPNGDeclaresTooMuch(t *testing.T) {
	r, err := convertcore.NewRaster(1, 1, 1, 8, []byte{7})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	r.Encode(&b)
	for _, side := range []int{20000, 1 << 30} {
		file := bytes.Clone(b.Bytes())
		setPNGSize(file, side, side)
		if n := testing.AllocsPerRun(1, func() {
			if _, err := decodePNG(bytes.Clone(file)); !errors.Is(err, convertcore.ErrFormat) {
				t.Errorf("%d: %v", side, err)
			}
		}); n > 100 {
			t.Errorf("%d: %v allocations", side, n)
		}
	}
}

// counting counts the bytes that are read.
type counting struct {
	blob.Blob
	n int
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.Blob.ReadAt(p, off)
	c.n += n
	return n, err
}

func TestPNGHeaderReadsFewBytes(t *testing.T) {
	c := &counting{Blob: blob.Bytes(smallPNG(t))}
	if _, err := readPNGInfo(c); err != nil || c.n > 64 {
		t.Errorf("%d bytes, %v", c.n, err)
	}
}

func FuzzPNGHeader(f *testing.F) {
	f.Add(smallPNG(f))
	f.Fuzz(func(t *testing.T, file []byte) {
		h, err := pngHeader(t.Context(), one(file), []string{"a.png"})
		if err == nil {
			err = h.Check()
		}
		if err != nil && !errors.Is(err, convertcore.ErrFormat) && !errors.Is(err, convertcore.ErrUnsupported) {
			t.Error(err)
		}
	})
}

func FuzzPNGDecode(f *testing.F) {
	f.Add(smallPNG(f), byte(8), byte(6))
	f.Fuzz(func(t *testing.T, file []byte, depth, color byte) {
		file = bytes.Clone(file)
		if len(file) > 33 { // let the checksum of the header not stand in the way
			file[24], file[25] = depth, color
			fixPNGHeader(file)
		}
		h, herr := pngHeader(t.Context(), one(bytes.Clone(file)), []string{"a.png"})
		img, err := decodePNG(file)
		if err != nil {
			if !errors.Is(err, convertcore.ErrFormat) {
				t.Error(err)
			}
			return
		}
		if herr != nil || img.Header() != h {
			t.Errorf("header %+v, %v; image %+v", h, herr, img.Header())
		}
	})
}

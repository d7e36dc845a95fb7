package format

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bytes"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

var pictures = map[string]struct {
	header headerFunc
	decode decodeFunc
}{".bmp": {bmpHeader, bmpDecode}, ".gif": {gifHeader, gifDecode}, ".webp": {webpHeader, webpDecode}}

// checkPicture compares a file with what Pillow made of it. Lossy WebP may
// differ by the rounding of a product.
func checkPicture(t *testing.T, dir, name string) {
	t.Helper()
	f := pictures[filepath.Ext(name)]
	var w, h, channels int
	if _, err := fmt.Sscan(string(read(t, dir, name+".txt")), &w, &h, &channels); err != nil {
		t.Fatal(err)
	}
	header, err := f.header(t.Context(), folder(dir), []string{name})
	if err != nil || header != convertcore.RasterHeader(w, h, channels, 8) {
		t.Errorf("%s: header %+v, %v", name, header, err)
		return
	}
	img, err := f.decode(t.Context(), folder(dir), []string{name})
	if err != nil || img.Header() != header {
		t.Errorf("%s: %v", name, err)
		return
	}
	if worst, mean, err := difference(read(t, dir, name+".raw"), img.Payload()); err != nil || worst > 0 && !(worst == 1 && strings.Contains(name, "lossy")) {
		t.Errorf("%s: differs by up to %d, mean %.3f, %v", name, worst, mean, err)
	}
	indices := img.(*convertcore.Raster).Indices()
	if want, err := os.ReadFile(filepath.Join(dir, name+".idx")); err == nil != (indices != nil) || !bytes.Equal(indices, want) {
		t.Errorf("%s: palette indices differ", name)
	}
}

func TestPicturesAgainstPillow(t *testing.T) {
	dir := t.TempDir()
	python(t, "make_pictures.py", dir)
	for ext := range pictures {
		for _, name := range names(t, dir, "*"+ext) {
			checkPicture(t, dir, name)
		}
	}
	for _, name := range []string{"film.gifs", "film.webps"} {
		f := pictures[filepath.Ext(strings.TrimSuffix(name, "s"))]
		if _, err := f.decode(t.Context(), folder(dir), []string{name}); !errors.Is(err, convertcore.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The committed files are some of those, so that nothing hangs on Python.
func TestPictureSamples(t *testing.T) {
	dir := filepath.Join("testdata", "samples")
	for ext, f := range pictures {
		for _, name := range names(t, dir, "*"+ext) {
			checkPicture(t, dir, name)
			file := read(t, dir, name)
			cutShort(t, f.decode, file, len(file)-1)
		}
	}
}

// Headers that declare far more than there is cost no memory.
func TestPicturesDeclareTooMuch(t *testing.T) {
	for ext, f := range pictures {
		for _, name := range names(t, filepath.Join("testdata", "samples"), "*"+ext) {
			file := read(t, "testdata", "samples", name)
			switch {
			case ext == ".bmp":
				copy(file[18:], []byte{0, 0, 1, 0, 0, 0, 1, 0})
			case ext == ".gif":
				copy(file[6:], []byte{255, 255, 255, 255})
			case string(file[12:16]) == "VP8 ":
				copy(file[26:], []byte{255, 63, 255, 63})
			case string(file[12:16]) == "VP8L":
				copy(file[21:], []byte{255, 255, 255, 15})
			default:
				copy(file[24:], []byte{255, 63, 0, 255, 63, 0})
			}
			if n := allocated(func() {
				if _, err := f.decode(t.Context(), one(file), []string{"a"}); err == nil {
					t.Errorf("%s: no error", name)
				}
			}); n > 8<<20 {
				t.Errorf("%s: %d bytes allocated", name, n)
			}
		}
	}
}

func fuzzPictures(f *testing.F, ext string) {
	dir := filepath.Join("testdata", "samples")
	paths, _ := filepath.Glob(filepath.Join(dir, "*"+ext))
	for _, p := range paths {
		f.Add(read(f, p))
	}
	f.Fuzz(func(t *testing.T, file []byte) { fuzzFormat(t, pictures[ext].header, pictures[ext].decode, file) })
}

func FuzzBMP(f *testing.F)  { fuzzPictures(f, ".bmp") }
func FuzzGIF(f *testing.F)  { fuzzPictures(f, ".gif") }
func FuzzWebP(f *testing.F) { fuzzPictures(f, ".webp") }

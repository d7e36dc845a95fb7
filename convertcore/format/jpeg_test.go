package format

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// rawOf is a Raw of one open blob.
type rawOf struct{ b blob.Blob }

func (r rawOf) Files(context.Context) ([]blob.Info, error)      { return nil, nil }
func (r rawOf) Open(context.Context, string) (blob.Blob, error) { return r.b, nil }

// Pixels are Pillow's, which are libjpeg's, within one; mostly they are equal.
func TestJPEGAgainstPillow(t *testing.T) {
	dir := t.TempDir()
	python(t, "make_jpeg.py", dir)
	for _, name := range names(t, dir, "*.jpg") {
		h, err := jpegHeader(t.Context(), folder(dir), []string{name})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		img, err := jpegDecode(t.Context(), folder(dir), []string{name})
		if err != nil || img.Header() != h {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want, got := read(t, dir, strings.TrimSuffix(name, ".jpg")+".raw"), img.Payload()
		if len(want) != len(got) {
			t.Errorf("%s: %d samples, want %d", name, len(got), len(want))
			continue
		}
		worst, sum := 0, 0
		for i := range want {
			d := int(want[i]) - int(got[i])
			worst, sum = max(worst, d, -d), sum+max(d, -d)
		}
		if mean := float64(sum) / float64(len(want)); worst > 1 || mean > 0.01 {
			t.Errorf("%s: differs by up to %d, mean %.3f", name, worst, mean)
		}
	}
	if _, err := jpegHeader(t.Context(), folder(dir), []string{"cmyk.jpeg"}); !errors.Is(err, convertcore.ErrUnsupported) {
		t.Errorf("cmyk: %v", err)
	}
}

// Extended and lossless gray are 16 bits; their samples are those that the codec
// gives, the high byte first. Colors of such processes are unsupported.
func TestJPEGWide(t *testing.T) {
	dir := "../codec/testdata"
	for name, want := range map[string]error{"ll-6-16-1-1": nil, "ll-4-8-3-0": convertcore.ErrUnsupported, "dct12-ee-3-60-cy-n1": convertcore.ErrUnsupported} {
		h, herr := jpegHeader(t.Context(), folder(dir), []string{name + ".jpg"})
		img, err := jpegDecode(t.Context(), folder(dir), []string{name + ".jpg"})
		if !errors.Is(err, want) || !errors.Is(herr, want) {
			t.Errorf("%s: header %v, decode %v", name, herr, err)
		}
		if want != nil || err != nil {
			continue
		}
		raw := read(t, dir, name+".raw")
		swapElems(raw, 2)
		if img.Header() != h || !bytes.Equal(img.Payload(), raw) {
			t.Errorf("%s: %+v, or other samples", name, img.Header())
		}
	}
}

func smallJPEG(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, photo(40), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestJPEGTruncated(t *testing.T) {
	file := smallJPEG(t)
	for n := range len(file) - 2 {
		if _, err := jpegDecode(t.Context(), one(file[:n]), []string{"a.jpg"}); !errors.Is(err, convertcore.ErrFormat) {
			t.Fatalf("cut at %d of %d: %v", n, len(file), err)
		}
	}
}

func TestJPEGDeclaresTooMuch(t *testing.T) {
	file := smallJPEG(t)
	at := bytes.Index(file, []byte{0xff, 0xc0})
	copy(file[at+5:], []byte{0xff, 0xff, 0xff, 0xff})
	if _, err := jpegDecode(t.Context(), one(file), []string{"a.jpg"}); !errors.Is(err, convertcore.ErrFormat) {
		t.Error(err)
	}
}

func TestJPEGHeaderPassesOverSegments(t *testing.T) {
	file := smallJPEG(t)
	app := append([]byte{0xff, 0xe1, 0xff, 0xff}, make([]byte, 65533)...)
	file = append(append(bytes.Clone(file[:2]), app...), file[2:]...)
	c := &counting{Blob: blob.Bytes(file)}
	h, err := jpegHeader(t.Context(), rawOf{c}, []string{"a.jpg"})
	if err != nil || h != convertcore.RasterHeader(40, 40, 3, 8) || c.n > 100 {
		t.Errorf("%+v, %v, %d bytes", h, err, c.n)
	}
}

func FuzzJPEGHeader(f *testing.F) {
	f.Add(smallJPEG(f))
	f.Fuzz(func(t *testing.T, file []byte) {
		_, err := jpegHeader(t.Context(), one(file), []string{"a.jpg"})
		if err != nil && !errors.Is(err, convertcore.ErrFormat) && !errors.Is(err, convertcore.ErrUnsupported) {
			t.Error(err)
		}
	})
}

func FuzzJPEG(f *testing.F) {
	f.Add(smallJPEG(f))
	fuzzFile(f, "a.jpg")
}

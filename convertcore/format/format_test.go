package format

import (
	"errors"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

func TestFor(t *testing.T) {
	nii := string(niiFile(nil))
	for _, c := range []struct{ path, head, want string }{
		{"a/b.PNG", "", "png"},
		{"a.jpeg", "", "jpeg"},
		{"a.nii.gz", "", "nifti"},
		{"a.NII", "", "nifti"},
		{"a.jpg", pngSignature, "png"},
		{"a.png", "\xff\xd8\xff\xe0", "jpeg"},
		{"a.nii", "\x1f\x8b\x08", "nifti"},
		{"a.dat", nii, "nifti"},
		{"a.csv.gz", "\x1f\x8b\x08", ""},
		{"a.png", "<html>", "png"}, // its decoder will say what is wrong
		{"a.txt", "", ""},
	} {
		f, err := For(c.path, []byte(c.head))
		if f.Name != c.want || (c.want == "") != errors.Is(err, convertcore.ErrUnsupported) {
			t.Errorf("For(%q, %.4q) = %q, %v, want %q", c.path, c.head, f.Name, err, c.want)
		}
	}
	if f, err := Detect(t.Context(), one(smallPNG(t)), "photo.jpg"); err != nil || f.Name != "png" {
		t.Errorf("Detect: %q, %v", f.Name, err)
	}
}

// Every registered format says that garbage is malformed, whatever its kind.
func TestGarbage(t *testing.T) {
	for _, f := range All() {
		for _, file := range []one{nil, one("x"), make(one, 4000)} {
			if _, err := f.Header(t.Context(), file, []string{"a"}); !errors.Is(err, convertcore.ErrFormat) {
				t.Errorf("%s: Header of %d bytes: %v", f.Name, len(file), err)
			}
			if _, err := f.Decode(t.Context(), file, []string{"a"}); !errors.Is(err, convertcore.ErrFormat) {
				t.Errorf("%s: Decode of %d bytes: %v", f.Name, len(file), err)
			}
			if _, err := f.Decode(t.Context(), file, nil); !errors.Is(err, convertcore.ErrFormat) {
				t.Errorf("%s: Decode of nothing: %v", f.Name, err)
			}
		}
	}
}

package codec

import (
	"errors"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

func TestLibrariesAgainstReferences(t *testing.T) {
	if !HaveLibraries {
		t.Skip("built without the tag codecs")
	}
	dir := makeStreams(t, "make_libs.py", "numpy, PIL, pydicom", "gdcmconv")
	jls, j2k := samples(t, dir, ".jls"), samples(t, dir, ".j2k")
	compare(t, JPEGLS, jls)
	compare(t, JPEG2000, j2k)
	for _, s := range jls {
		cut(t, JPEGLS, s.stream, len(s.stream)-8, s.f)
	}
	for _, s := range j2k {
		cut(t, JPEG2000, s.stream, len(s.stream)-8, s.f)
	}
}

func TestLibraries(t *testing.T) {
	if !HaveLibraries {
		t.Skip("built without the tag codecs")
	}
	compare(t, JPEGLS, samples(t, "testdata", ".jls"))
	compare(t, JPEG2000, samples(t, "testdata", ".j2k"))
}

// The headers are compared with the frame before a library sees them, in builds
// without one too.
func TestLibrariesMalformed(t *testing.T) {
	for ext, decode := range map[string]decoder{".jls": JPEGLS, ".j2k": JPEG2000} {
		for _, s := range samples(t, "testdata", ext) {
			for name, change := range map[string]func(*Frame){
				"width":   func(f *Frame) { f.Width++ },
				"samples": func(f *Frame) { f.Samples = 4 },
				"huge":    func(f *Frame) { f.Width, f.Height = 1<<16, 1<<15 },
			} {
				f := s.f
				change(&f)
				if _, err := decode(s.stream, f); !errors.Is(err, convertcore.ErrFormat) {
					t.Errorf("%s, %s: %v", s.name, name, err)
				}
			}
			if _, err := decode(nil, s.f); !errors.Is(err, convertcore.ErrFormat) {
				t.Errorf("%s, empty: %v", s.name, err)
			}
		}
	}
}

func FuzzJPEGLS(f *testing.F)   { addSamples(f, JPEGLS, ".jls") }
func FuzzJPEG2000(f *testing.F) { addSamples(f, JPEG2000, ".j2k") }

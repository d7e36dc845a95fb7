package format

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zlib"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

func TestMetaImageAgainstOracle(t *testing.T) { agree(t, "make_metaimage.py", 50) }

// metaFile is a small volume in one file.
func metaFile(more string, samples []byte) []byte {
	return append([]byte("ObjectType = Image\nNDims = 3\nDimSize = 3 2 2\nElementType = MET_USHORT\n"+more+"ElementDataFile = LOCAL\n"), samples...)
}

func deflated(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	z.Write(b)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestMetaImageTruncated(t *testing.T) {
	samples := []byte("abcdefghijklmnopqrstuvwx")
	truncated(t, "a.mha", metaFile("", samples))
	truncated(t, "a.mha", metaFile("CompressedData = True\n", deflated(t, samples)))
}

func TestMetaImageHostile(t *testing.T) {
	samples := make([]byte, 24)
	for name, c := range map[string]struct {
		file string
		want error
	}{
		"type":        {"NDims = 2\nDimSize = 3 2\nElementType = MET_STRING\nElementDataFile = LOCAL\n", convertcore.ErrUnsupported},
		"dimensions":  {"NDims = 9\nDimSize = 3 2\nElementType = MET_CHAR\nElementDataFile = LOCAL\n", convertcore.ErrFormat},
		"sizes":       {"NDims = 2\nDimSize = 3\nElementType = MET_CHAR\nElementDataFile = LOCAL\n", convertcore.ErrFormat},
		"empty":       {"NDims = 2\nDimSize = 3 0\nElementType = MET_CHAR\nElementDataFile = LOCAL\n", convertcore.ErrFormat},
		"absurd":      {"NDims = 3\nDimSize = 30000 30000 30000\nElementType = MET_CHAR\nElementDataFile = LOCAL\n", convertcore.ErrFormat},
		"above":       {"NDims = 2\nDimSize = 3 2\nElementType = MET_CHAR\nElementDataFile = ../a.raw\n", convertcore.ErrFormat},
		"absolute":    {"NDims = 2\nDimSize = 3 2\nElementType = MET_CHAR\nElementDataFile = /a.raw\n", convertcore.ErrFormat},
		"itself":      {"NDims = 2\nDimSize = 3 2\nElementType = MET_CHAR\nElementDataFile = a.mha\n", convertcore.ErrFormat},
		"pattern":     {"NDims = 2\nDimSize = 3 2\nElementType = MET_CHAR\nElementDataFile = a%s.raw 1 2 1\n", convertcore.ErrFormat},
		"endless":     {"NDims = 2\nDimSize = 3 2\nElementType = MET_CHAR\nElementDataFile = a%d.raw 1 2000000000 1\n", convertcore.ErrFormat},
		"NaN spacing": {string(metaFile("ElementSpacing = 1 1 nan\n", samples)), convertcore.ErrFormat},
	} {
		f, _ := For("a.mha", nil)
		if _, err := f.Decode(t.Context(), one(c.file), []string{"a.mha"}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// itkData is the folder of images of Debian's insighttoolkit5-examples.
const itkData = "/usr/share/doc/insighttoolkit5-examples/examples/Data"

// The same picture as MetaImage and as NRRD is the same image.
func TestITKExamples(t *testing.T) {
	pairs, _ := filepath.Glob(filepath.Join(itkData, "*.nhdr"))
	if len(pairs) == 0 {
		t.Skip("no package insighttoolkit5-examples")
	}
	for _, p := range pairs {
		base := filepath.Base(p[:len(p)-5])
		var got [2]convertcore.Image
		for i, name := range []string{base + ".mhd", base + ".nhdr"} {
			f, err := For(name, nil)
			if err == nil {
				got[i], err = f.Decode(t.Context(), folder(itkData), []string{name})
			}
			if err != nil {
				t.Fatal(name, err)
			}
		}
		if got[0].Header() != got[1].Header() || !bytes.Equal(got[0].Payload(), got[1].Payload()) {
			t.Errorf("%s: %+v against %+v", base, got[0].Header(), got[1].Header())
		}
	}
}

func FuzzMetaImage(f *testing.F) {
	samples := make([]byte, 24)
	f.Add(metaFile("", samples))
	f.Add(metaFile("CompressedData = True\n", deflated(f, samples)))
	f.Add(metaFile("BinaryData = False\n", []byte("1 2 3 4 5 6 7 8 9 10 11 12")))
	f.Add(metaFile("ElementNumberOfChannels = 2\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nHeaderSize = -1\n", append(samples, samples...)))
	fuzzFile(f, "a.mha")
}

package format

import (
	"errors"
	"os/exec"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

func TestNRRDAgainstOracle(t *testing.T) { agree(t, "make_nrrd.py", 100) }

// nrrdFile is a small volume in one file.
func nrrdFile(enc, more string, samples []byte) []byte {
	return append([]byte("NRRD0005\ntype: ushort\ndimension: 3\nsizes: 3 2 2\nendian: little\nencoding: "+enc+"\n"+more+"\n"), samples...)
}

// What teem's own program and ITK write is read, NRRD and MetaImage.
func TestAgainstTeemAndITK(t *testing.T) {
	for _, bin := range []string{"teem-unu", "plastimatch"} {
		if _, err := exec.LookPath(bin); err != nil {
			t.Skip("needs Debian's teem-apps and plastimatch:", err)
		}
	}
	agree(t, "make_writers.py", 100)
}

func TestNRRDTruncated(t *testing.T) {
	samples := []byte("abcdefghijklmnopqrstuvwx")
	truncated(t, "a.nrrd", nrrdFile("raw", "", samples))
	truncated(t, "a.nrrd", nrrdFile("gzip", "", gzipped(t, samples)))
}

func TestNRRDHostile(t *testing.T) {
	head := "NRRD0004\ntype: uchar\ndimension: 3\nencoding: raw\n"
	for name, c := range map[string]struct {
		file string
		want error
	}{
		"magic":      {"NRRX", convertcore.ErrFormat},
		"block":      {"NRRD0004\ntype: block\ndimension: 1\nsizes: 1\nencoding: raw\n\n", convertcore.ErrUnsupported},
		"encoding":   {"NRRD0004\ntype: uchar\ndimension: 1\nsizes: 1\nencoding: zrl\n\n", convertcore.ErrUnsupported},
		"sizes":      {head + "sizes: 1 2\n\n", convertcore.ErrFormat},
		"absurd":     {head + "sizes: 2000000000 2000000000 2000000000\n\n", convertcore.ErrFormat},
		"directions": {head + "sizes: 1 2 3\nspace: LPS\nspace directions: (1,0,0) (0,1,0)\n\n", convertcore.ErrFormat},
		"vector":     {head + "sizes: 1 2 3\nspace: LPS\nspace directions: (1,0) (0,1) (0,0)\n\n", convertcore.ErrFormat},
		"NaN":        {head + "sizes: 1 2 3\nspace: LPS\nspace directions: (nan,0,0) (0,1,0) (0,0,1)\n\n123456", convertcore.ErrFormat},
		"endian":     {"NRRD0004\ntype: short\ndimension: 1\nsizes: 1\nencoding: raw\n\n12", convertcore.ErrFormat},
		"two lists":  {"NRRD0004\ntype: uchar\ndimension: 4\nsizes: 2 2 2 2\nkinds: list domain domain list\nencoding: raw\n\n", convertcore.ErrUnsupported},
		"above":      {head + "sizes: 1 2 3\ndata file: ../x.raw\n\n", convertcore.ErrFormat},
		"text":       {"NRRD0004\ntype: uchar\ndimension: 2\nsizes: 2 1\nencoding: ascii\n\n1 256", convertcore.ErrFormat},
	} {
		f, err := For("a.nrrd", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Decode(t.Context(), one(c.file), []string{"a.nrrd"}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzNRRD(f *testing.F) {
	samples := make([]byte, 24)
	f.Add(nrrdFile("raw", "", samples))
	f.Add(nrrdFile("gzip", "", gzipped(f, samples)))
	f.Add(nrrdFile("hex", "", []byte("00112233445566778899aabb00112233445566778899aabb")))
	f.Add(nrrdFile("ascii", "spacings: 1 2 nan\n", []byte("1 2 3 4 5 6 7 8 9 10 11 12")))
	f.Add(nrrdFile("raw", "space: LPS\nspace directions: (1,0,0) none (0,0,1)\nspace origin: (1,2,3)\nkinds: domain vector domain\n", samples))
	fuzzFile(f, "a.nrrd")
}

package format

import (
	"encoding/binary"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

func TestAnalyzeAgainstNibabel(t *testing.T) { agree(t, "make_analyze.py", 20) }

// analyzeHead is a header of 4×3×2 voxels of 2 mm.
func analyzeHead() []byte {
	b := niiFile(nil)[:348]
	copy(b[344:], "\x00\x00\x00\x00")
	binary.LittleEndian.PutUint32(b[108:], 0)
	for i := range 3 {
		binary.LittleEndian.PutUint32(b[80+4*i:], 0x40000000) // 2 mm
	}
	return b
}

func TestAnalyzeHead(t *testing.T) {
	f, err := parseAnalyze(analyzeHead())
	if err != nil {
		t.Fatal(err)
	}
	want := geom.Affine{{-2, 0, 0, 3}, {0, 2, 0, -2}, {0, 0, 2, -1}, {0, 0, 0, 1}}
	if f.header.Affine != want || f.header.Dims != [4]int{4, 3, 2, 1} || f.header.Lead != convertcore.MinLead || f.warning == "" {
		t.Errorf("%+v", f)
	}
}

func FuzzAnalyze(f *testing.F) {
	f.Add(analyzeHead())
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 348 {
			return
		}
		if _, err := parseAnalyze(b); err != nil && !expected(err) {
			t.Error(err)
		}
	})
}

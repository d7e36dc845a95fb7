package recipe

import (
	"os"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// What drawing a structure set leaves out is among the mask's warnings.
func TestDrawnWarnings(t *testing.T) {
	h, err := geom.VolumeHeader(convertcore.Header{Form: convertcore.NIfTI, Dims: [4]int{5, 6, 4, 1}, Channels: 1, Bits: 8,
		Affine: [4][4]float64{{-0.7, 0, 0, 10.5}, {0, -0.8, 0, -20.25}, {0, 0, 2.5, -7}, {0, 0, 0, 1}}})
	if err != nil {
		t.Fatal(err)
	}
	v, err := geom.NewVolume(h, 1, 0, make([]byte, 120))
	if err != nil {
		t.Fatal(err)
	}
	contours, err := os.ReadFile("../format/testdata/labels/contours.dcm")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"x.zip!/a.nii": append(v.Lead(), v.Payload()...), "x.zip!/a.dcm": contours}
	for roi, want := range map[string]string{"Square": "contours left out: POINT", "Centers": "1 planes lie up to 0.2 slices", "Hole": ""} {
		r := parsed(t, "dim = 2", "dim = 3", imageLine, `image = "x.zip!/{case}.nii"`, labelLine, `label = "x.zip!/{case}.dcm"`,
			aboveZero, `select = { roi = "`+roi+`" }`, `raw = "x.zip!/1.png"`, `raw = "x.zip!/1.nii"`)
		_, m := convertFirst(t, r, files)
		got := strings.Join(m.Warnings(), "; ")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: warnings %q, want %q", roi, got, want)
		}
		if roi == "Square" && !strings.HasPrefix(got, `x.zip!/a.dcm: ROI 1 "Square": `) {
			t.Errorf("warning %q does not say of what", got)
		}
	}
}

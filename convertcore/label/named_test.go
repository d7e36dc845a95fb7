package label

import (
	"context"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

type labels struct{}

func (labels) Files(context.Context) ([]blob.Info, error) { return nil, nil }
func (labels) Open(_ context.Context, path string) (blob.Blob, error) {
	return blob.File("../format/testdata/labels/" + path)
}

func TestDrawers(t *testing.T) {
	grid := convertcore.Header{Form: convertcore.NIfTI, Dims: [4]int{5, 6, 4, 1}, Channels: 1, Bits: 8, Lead: 352,
		Affine: [4][4]float64{{-0.7, 0, 0, 10.5}, {0, -0.8, 0, -20.25}, {0, 0, 2.5, -7}, {0, 0, 0, 1}}}
	for _, c := range []struct {
		table map[string]any
		file  string
		drawn bool
		err   string
	}{
		{map[string]any{"segment": int64(3)}, "binary.dcm", true, ""},
		{map[string]any{"segment": "Segment 1 ä"}, "binary.dcm", true, ""},
		{map[string]any{"segment": []any{"* 1 *", int64(7)}}, "binary.dcm", true, ""},
		{map[string]any{"segment": "segment 1 Ä", "ignore_case": true}, "binary.dcm", true, ""},
		{map[string]any{"segment": "segment 1 ä"}, "binary.dcm", false, `there are 1 "Segment 1 ä", 3`},
		{map[string]any{"segment": "no", "optional": true}, "binary.dcm", false, ""},
		{map[string]any{"segment": int64(1)}, "contours.dcm", false, "no segmentation"},
		{map[string]any{"roi": "Square"}, "contours.dcm", true, ""},
		{map[string]any{"roi": []any{"Quadrat", "Sq[t-v]are"}}, "contours.dcm", true, ""},
		{map[string]any{"roi": "(square|hole)", "regex": true, "ignore_case": true}, "contours.dcm", true, ""},
		{map[string]any{"roi": "quar"}, "contours.dcm", false, "no ROI matches [quar]"},
		{map[string]any{"roi": "Beyond"}, "contours.dcm", false, "grids differ"},
		{map[string]any{"roi": "Square"}, "binary.dcm", false, "no structure set"},
	} {
		s, err := New(c.table)
		if err != nil {
			t.Errorf("%v: %v", c.table, err)
			continue
		}
		dst := make([]byte, 120)
		_, err = s.(convertcore.Drawer).Draw(t.Context(), dst, labels{}, []string{c.file}, grid)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%v: %v, want %q", c.table, err, c.err)
		}
		if drawn := strings.Contains(string(dst), "\x01"); drawn != c.drawn {
			t.Errorf("%v: drawn %v", c.table, drawn)
		}
		if s.Mask(dst, nil) == nil {
			t.Errorf("%v: Mask without error", c.table)
		}
	}
	for _, table := range []map[string]any{
		{"segment": []any{}}, {"segment": 1.5}, {"roi": "[a"}, {"roi": "(", "regex": true}, {"roi": "a", "regex": "yes"},
		{"segment": int64(1), "fraction": 2.0}, {"roi": "a", "fraction": 0.5},
	} {
		if _, err := New(table); err == nil {
			t.Errorf("%v is taken", table)
		}
	}
}

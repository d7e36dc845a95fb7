package metric_test

import (
	"math"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/internal/golden"
	"github.com/omnimedseg/omnimedfs/eval/metric"
)

// named maps the golden files' names to ours.
var named = map[string]string{
	"dice": "dice", "iou": "iou",
	"nsd_surfel_1mm": "nsd@1", "nsd_surfel_2mm": "nsd@2",
	"nsd_voxel_1mm": "nsd_voxel@1", "nsd_voxel_2mm": "nsd_voxel@2",
	"hd": "hd", "hd95_pooled_medpy": "hd95_pooled", "hd95_maxdir_monai": "hd95",
	"hd_surfel": "hd_surfel", "hd95_surfel": "hd95_surfel",
	"assd_pooled": "assd", "masd_medpy_assd": "masd",
}

const tolerance = 1e-6 // README.md of the golden cases; counts are exact

func TestGoldenMetrics(t *testing.T) {
	cases, _ := golden.Load(t)
	var w metric.Work
	for _, c := range cases {
		ref := metric.NewReference(c.GT)
		pair, err := ref.Pair(&w, c.Pred)
		if err != nil {
			t.Fatal(err)
		}
		if m := c.Metrics; pair.TP != m.TP || pair.FP != m.FP || pair.FN != m.FN {
			t.Errorf("%s: tp fp fn %d %d %d, want %d %d %d", c.Name, pair.TP, pair.FP, pair.FN, m.TP, m.FP, m.FN)
		}
		if len(c.Metrics.Recommended) != len(named) {
			t.Errorf("%s: %d expected values, know %d", c.Name, len(c.Metrics.Recommended), len(named))
		}
		for key, want := range c.Metrics.Recommended {
			m, err := metric.Open(named[key])
			if err != nil {
				t.Fatal(err)
			}
			res, err := ref.Compute(&w, c.Pred, []metric.Metric{m})
			if err != nil {
				t.Fatal(err)
			}
			if string(res.Status) != c.Metrics.Status {
				t.Errorf("%s: status %s, want %s", c.Name, res.Status, c.Metrics.Status)
			}
			got := res.Named([]metric.Metric{m})[m.Name()]
			switch {
			case want == nil && got != nil:
				t.Errorf("%s: %s = %v, want none", c.Name, key, *got)
			case want != nil && (got == nil || math.Abs(*got-*want) > tolerance):
				t.Errorf("%s: %s = %v, want %v", c.Name, key, res.Values[0], *want)
			}
			if p := c.Metrics.Penalty; p != nil && math.Abs(res.Penalty-*p) > tolerance {
				t.Errorf("%s: penalty %v, want %v", c.Name, res.Penalty, *p)
			}
			if alone := m.Compute(c.Pred, c.GT); !(alone == res.Values[0] || math.IsNaN(alone) && got == nil) {
				t.Errorf("%s: %s alone %v, together %v", c.Name, key, alone, res.Values[0])
			}
		}
	}
}

func TestGoldenCurves(t *testing.T) {
	_, curves := golden.Load(t)
	if len(curves) == 0 {
		t.Fatal("no curves")
	}
	for i, want := range curves {
		c := metric.Curve{Values: want.Values}
		check := func(name string, got, want float64) {
			if math.Abs(got-want) > tolerance {
				t.Errorf("curve %d: %s = %v, want %v", i, name, got, want)
			}
		}
		check("final", c.Final(), want.Final)
		check("auc", c.AUC(), want.AUC)
		check("auc_raw", c.AUCRaw(), want.AUCRaw)
		if len(c.Values) > 1 {
			check("auc from step 1", c.From(1).AUC(), want.AUCSkip0)
		}
		if want.AUCLast5 != nil {
			check("cvpr25 auc", c.Last(5).AUCRaw(), *want.AUCLast5)
		}
		for target, noc := range map[float64]golden.NoC{0.8: want.NoC80, 0.85: want.NoC85, 0.9: want.NoC90} {
			got := c.NoC(target)
			if got.N != noc.NoC || got.Failed != noc.Failed || got.Max != noc.MaxClicks {
				t.Errorf("curve %d: NoC@%v = %+v, want %+v", i, target, got, noc)
			}
		}
	}
}

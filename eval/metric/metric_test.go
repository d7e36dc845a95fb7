package metric_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/metric"
)

// draw makes a 2-D mask from rows of text, # being set.
func draw(t *testing.T, rows ...string) *mask.Mask {
	t.Helper()
	m, err := mask.New([]int{len(rows), len(rows[0])}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for y, row := range rows {
		for x, c := range row {
			m.Set(mask.Point{0, y, x}, c == '#')
		}
	}
	return m
}

func compute(t *testing.T, name string, pred, truth *mask.Mask) float64 {
	t.Helper()
	m, err := metric.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return m.Compute(pred, truth)
}

func equal(a, b float64) bool { return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) < 1e-12 }

func TestOverlapAndComponents(t *testing.T) {
	truth := draw(t,
		"##......",
		"##....#.",
		"........",
		"....##..")
	pred := draw(t,
		"###.....",
		"##......",
		"........",
		"#....#..")
	// Truth: components of 4, 1, 2; prediction: 5, 1 (alone), 1.
	for name, want := range map[string]float64{
		"dice": 10.0 / 14, "iou": 5.0 / 9, "precision": 5.0 / 7, "recall": 5.0 / 7,
		"specificity": 23.0 / 25, "vs": 1, "rve": 0,
		"cf1": 4.0 / 6, "fpv": 1, "fnv": 1, "count_error": 0,
		"lesion_dice": (8.0/9 + 0 + 2.0/3) / 4,
	} {
		if got := compute(t, name, pred, truth); !equal(got, want) {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
}

func TestEmptyMasks(t *testing.T) {
	empty, full := draw(t, "....", "...."), draw(t, ".##.", ".##.")
	nan := math.NaN()
	for name, want := range map[string][3]float64{ // both empty, truth empty, prediction empty
		"dice": {1, 0, 0}, "iou": {1, 0, 0}, "precision": {1, 0, 0}, "recall": {1, 0, 0},
		"specificity": {1, 0.5, 1}, "vs": {1, 0, 0}, "rve": {0, nan, 1},
		"hd": {0, nan, nan}, "hd95": {0, nan, nan}, "hd95_pooled": {0, nan, nan}, "hd95_surfel": {0, nan, nan},
		"hd_surfel": {0, nan, nan}, "assd": {0, nan, nan}, "masd": {0, nan, nan},
		"nsd@1": {1, 0, 0}, "nsd_voxel@1": {1, 0, 0}, "nsd_cvpr25": {1, 0, 0},
		"biou": {1, 0, 0}, "cldice": {1, 0, 0}, "cf1": {1, 0, 0}, "lesion_dice": {1, 0, 0},
		"fpv": {0, 4, 0}, "fnv": {0, 0, 4}, "count_error": {0, 1, 1},
	} {
		got := [3]float64{compute(t, name, empty, empty), compute(t, name, full, empty), compute(t, name, empty, full)}
		for i := range got {
			if !equal(got[i], want[i]) {
				t.Errorf("%s: case %d gives %v, want %v", name, i, got[i], want[i])
			}
		}
	}
}

func TestBoundaryIoU(t *testing.T) {
	truth := draw(t, "........", ".#####..", ".#####..", ".#####..", ".#####..", ".#####..", "........")
	pred := draw(t, "........", "..#####.", "..#####.", "..#####.", "..#####.", "..#####.", "........")
	// The rings of width 1 hold 16 pixels each and share the 4 overlapping
	// columns of both bars (8) and two columns where none of the other's is.
	if got, want := compute(t, "biou", pred, truth), 8.0/24; !equal(got, want) {
		t.Errorf("biou = %v, want %v", got, want)
	}
	if got, want := compute(t, "biou@0.9", pred, truth), 20.0/30; !equal(got, want) {
		t.Errorf("biou of the widest region = %v, want the IoU %v", got, want)
	}
}

func TestClDice(t *testing.T) {
	truth := draw(t, "..........", ".########.", "..........")
	pred := draw(t, "..........", ".####.....", "..........")
	if got, want := compute(t, "cldice", pred, truth), 2*0.5/1.5; !equal(got, want) {
		t.Errorf("clDice = %v, want %v", got, want)
	}
}

func TestNSDCVPR25(t *testing.T) {
	truth := draw(t, "#####.....", "#####.....")
	near := draw(t, ".#####....", ".#####....")
	far := draw(t, "....#####.", "....#####.")
	if a, b := compute(t, "nsd_cvpr25@2", near, truth), compute(t, "nsd@2", near, truth); a != b || a == 0 {
		t.Errorf("nsd_cvpr25 %v beside nsd %v at a good Dice", a, b)
	}
	if got := compute(t, "nsd_cvpr25@9", far, truth); got != 0 {
		t.Errorf("nsd_cvpr25 %v at Dice 0.2, want 0", got)
	}
}

func TestOpen(t *testing.T) {
	for _, name := range []string{"nope", "dice@2", "nsd@x", "nsd@-1", "biou@NaN", "nsd@Inf", ""} {
		if _, err := metric.Open(name); err == nil {
			t.Errorf("%q is a metric", name)
		}
	}
	if _, err := metric.Open("nope"); !errors.Is(err, metric.ErrUnknown) {
		t.Errorf("error %v, want ErrUnknown", err)
	}
	ms, err := metric.Parse(" dice, nsd ,nsd@1,nsd@1.5,dice")
	if err != nil || len(ms) != 3 || ms[1].Name() != "nsd@1" || ms[2].Name() != "nsd@1.5" {
		t.Errorf("parsed %v, %v", ms, err)
	}
	if _, err := metric.Parse(" , "); err == nil {
		t.Error("an empty list parses")
	}
}

// TestConformance runs every registered metric over odd masks: a perfect
// prediction is best, the result does not depend on what else is computed, on
// reuse or on goroutines, and other axes are refused.
func TestConformance(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var all []metric.Metric
	for _, name := range metric.Names() {
		m, err := metric.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	var reused metric.Work
	parallel := metric.Work{Workers: 3}
	for _, dims := range [][]int{{1, 1}, {17, 65}, {1, 9, 9}, {1, 1, 1}, {6, 7, 70}} {
		truth, err := mask.New(dims, []float64{0.7, 2, 1.1}[:len(dims)])
		if err != nil {
			t.Fatal(err)
		}
		pred := truth.Like()
		for range truth.Voxels()/3 + 1 {
			s := truth.Shape()
			p := mask.Point{rng.IntN(s[0]), rng.IntN(s[1]), rng.IntN(s[2])}
			truth.Set(p, true)
			pred.Set(mask.Point{p[0], p[1], min(p[2]+rng.IntN(2), s[2]-1)}, true)
		}
		ref := metric.NewReference(truth)
		together, err := ref.Compute(&reused, pred, all)
		if err != nil {
			t.Fatal(err)
		}
		split, err := ref.Compute(&parallel, pred, all)
		if err != nil {
			t.Fatal(err)
		}
		perfect, err := ref.Compute(&reused, truth, all)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range all {
			if alone := m.Compute(pred, truth); !equal(alone, together.Values[i]) || !equal(alone, split.Values[i]) {
				t.Errorf("%v: %s alone %v, together %v, with workers %v", dims, m.Name(), alone, together.Values[i], split.Values[i])
			}
			best := 0.0
			if m.HigherIsBetter() {
				best = 1
			}
			if !equal(perfect.Values[i], best) {
				t.Errorf("%v: %s of a perfect prediction is %v", dims, m.Name(), perfect.Values[i])
			}
		}
	}
	other, _ := mask.New([]int{2, 2}, nil)
	third, _ := mask.New([]int{2, 3}, nil)
	if _, err := metric.Compute(other, third, all); !errors.Is(err, mask.ErrGrid) {
		t.Errorf("other axes: %v, want ErrGrid", err)
	}
}

// TestReferenceIsShared uses one Reference from many goroutines at once.
func TestReferenceIsShared(t *testing.T) {
	truth := draw(t, "..####..", ".######.", "..####..", "#.......")
	ref := metric.NewReference(truth)
	metrics, err := metric.Parse("hd95,nsd@1,biou,biou@0.3,cldice,cf1,lesion_dice")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for k := range 8 {
		wg.Go(func() {
			var w metric.Work
			pred := truth.Clone()
			pred.Set(mask.Point{0, 1, k}, false)
			got, err := ref.Compute(&w, pred, metrics)
			if err != nil {
				t.Error(err)
				return
			}
			want, err := metric.Compute(pred, truth, metrics)
			if err != nil {
				t.Error(err)
				return
			}
			for i, m := range metrics {
				if !equal(got.Values[i], want.Values[i]) {
					t.Errorf("%s: %v shared, %v alone", m.Name(), got.Values[i], want.Values[i])
				}
			}
		})
	}
	wg.Wait()
}

func TestNamed(t *testing.T) {
	metrics, _ := metric.Parse("dice,hd")
	res, err := metric.Compute(draw(t, ".."), draw(t, "#."), metrics)
	if err != nil {
		t.Fatal(err)
	}
	named := res.Named(metrics)
	if named["hd"] != nil || named["dice"] == nil || *named["dice"] != 0 || res.Status != metric.PredEmpty || res.Penalty != 1 {
		t.Errorf("%v %v %v", named, res.Status, res.Penalty)
	}
}

func TestCurve(t *testing.T) {
	c := metric.Curve{Values: []float64{0.2, 0.6, 0.4}}
	if got := c.Extend(4); len(got.Values) != 5 || got.Final() != 0.4 {
		t.Errorf("extended to %v", got)
	}
	s := c.Summarize(true)
	if !equal(s.AUCRaw, 0.9) || !equal(s.AUC, 0.45) || s.Final != 0.4 || s.Best != 0.6 || s.N != 3 {
		t.Errorf("summary %+v", s)
	}
	if best := c.Best(false); best != 0.2 {
		t.Errorf("best of a distance is %v", best)
	}
	if got := (metric.Curve{Values: []float64{math.NaN(), 3, 2, math.NaN()}}).Best(false); got != 2 {
		t.Errorf("best beside undefined values is %v", got)
	}
	if got := c.From(1); got.First != 1 || len(got.Values) != 2 || !equal(got.AUC(), 0.5) {
		t.Errorf("from step 1: %+v", got)
	}
	if n := c.NoC(0.6); n.N != 1 || n.Failed || n.Max != 2 {
		t.Errorf("NoC %+v", n)
	}
	at := metric.Curve{First: 1, Values: []float64{0.1, 0.9}}.NoC(0.9)
	if at.N != 2 || at.Failed || !at.FailedRITM() {
		t.Errorf("success at the last click: %+v", at)
	}
	var none metric.Curve
	if !math.IsNaN(none.AUC()) || !math.IsNaN(none.Final()) || !math.IsNaN(none.Best(true)) || !none.NoC(0.5).Failed {
		t.Error("an empty curve has values")
	}
	if n := metric.NoF([]metric.Curve{c, none, at2(0.95)}, 0.9); n != 2 {
		t.Errorf("NoF %d, want 2", n)
	}
}

func at2(v float64) metric.Curve { return metric.Curve{First: 1, Values: []float64{0.5, v}} }

package mask_test

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/internal/golden"
	"github.com/omnimedseg/omnimedfs/eval/mask"
)

func coords(m *mask.Mask, points []mask.Point) [][]int {
	var out [][]int
	for _, p := range points {
		out = append(out, m.Coords(p))
	}
	return out
}

func same(a, b [][]int) bool { return slices.EqualFunc(a, b, slices.Equal[[]int]) }

func near(a, b, rel float64) bool { return math.Abs(a-b) <= rel*math.Max(1, math.Abs(b)) }

func TestGoldenComponents(t *testing.T) {
	cases, _ := golden.Load(t)
	var lab mask.Labeling
	for _, c := range cases {
		wrong := c.GT.Like()
		if err := wrong.Xor(c.GT, c.Pred); err != nil {
			t.Fatal(err)
		}
		for which, m := range map[string]*mask.Mask{"gt": c.GT, "error": wrong} {
			for name, want := range c.Components[which] {
				conn, _ := strconv.Atoi(name)
				if err := lab.Label(m, mask.Connectivity(conn)); err != nil {
					t.Fatal(err)
				}
				var sizes []int
				for i := range lab.Len() {
					sizes = append(sizes, lab.Component(i).Size)
				}
				slices.Sort(sizes)
				slices.Reverse(sizes)
				if lab.Len() != want.Count || !slices.Equal(sizes, want.Sizes) {
					t.Errorf("%s: %s/%s: %d components of %v, want %v", c.Name, which, name, lab.Len(), sizes, want)
				}
			}
		}
	}
}

func TestGoldenClicks(t *testing.T) {
	cases, _ := golden.Load(t)
	for _, c := range cases {
		wrong := c.GT.Like()
		if err := wrong.Xor(c.GT, c.Pred); err != nil {
			t.Fatal(err)
		}
		checkLargest(t, c.Name+": error", wrong, c.Click.Error)
		checkLargest(t, c.Name+": gt", c.GT, c.Click.GT)
	}
}

func checkLargest(t *testing.T, name string, m *mask.Mask, want *golden.Largest) {
	t.Helper()
	var lab mask.Labeling
	if err := lab.Label(m, mask.FullConnectivity(m.NDim())); err != nil {
		t.Fatal(err)
	}
	if best := lab.Largest(); want == nil {
		if best >= 0 {
			t.Errorf("%s: largest component %d of an empty mask", name, best)
		}
		return
	}
	var part, border mask.Mask
	var edt mask.EDT
	var mm mask.EDTmm
	for _, w := range want.Components {
		first, err := m.PointOf(w.First)
		if err != nil {
			t.Fatal(err)
		}
		i := lab.At(first)
		if w.IsFirst && i != lab.Largest() {
			t.Errorf("%s: largest is %d, want %d", name, lab.Largest(), i)
		}
		if got := lab.Component(i); got.Size != w.Size || got.First != first {
			t.Errorf("%s: component %+v, want %+v", name, got, w)
		}
		lab.Draw(i, &part)
		edt.Inside(&part)
		mm.Inside(&part)
		if got := coords(m, edt.Maxima(nil)); !same(got, w.CenterVoxel.Positions) {
			t.Errorf("%s: centers %v, want %v", name, got, w.CenterVoxel.Positions)
		}
		if got := math.Sqrt(float64(edt.Max())); !near(got, w.CenterVoxel.Max, 1e-12) {
			t.Errorf("%s: edt max %v, want %v", name, got, w.CenterVoxel.Max)
		}
		if got := coords(m, mm.Maxima(nil)); !same(got, w.CenterMM.Positions) {
			t.Errorf("%s: centers in mm %v, want %v", name, got, w.CenterMM.Positions)
		}
		if got := math.Sqrt(mm.Max()); !near(got, w.CenterMM.Max, 1e-12) {
			t.Errorf("%s: edt max %v mm, want %v", name, got, w.CenterMM.Max)
		}
		atOne := 0
		for p := range part.All() {
			if edt.At(p) == 1 {
				atOne++
			}
		}
		border.Border(&part)
		if atOne != w.BoundaryVoxel.Count || border.Count() != w.FaceBorder {
			t.Errorf("%s: %d voxels at distance 1, %d on the border, want %d and %d", name, atOne, border.Count(), w.BoundaryVoxel.Count, w.FaceBorder)
		}
	}
}

func TestGoldenBoxAndEDT(t *testing.T) {
	cases, _ := golden.Load(t)
	for _, c := range cases {
		box := c.GT.Box()
		if c.Box == nil {
			if !box.Empty() {
				t.Errorf("%s: box %v of an empty mask", c.Name, box)
			}
			continue
		}
		last := mask.Point{box.Max[0] - 1, box.Max[1] - 1, box.Max[2] - 1}
		if !slices.Equal(c.GT.Coords(box.Min), c.Box.Min) || !slices.Equal(c.GT.Coords(last), c.Box.Max) {
			t.Errorf("%s: box %v, want %v", c.Name, box, *c.Box)
		}
		var mm mask.EDTmm
		mm.Inside(c.GT)
		var sum, squares float64
		for p := range c.GT.All() {
			sum += math.Sqrt(mm.At(p))
			squares += mm.At(p)
		}
		if !near(math.Sqrt(mm.Max()), c.EDT.Max, 1e-9) || !near(sum, c.EDT.Sum, 1e-9) || !near(squares, c.EDT.SumSq, 1e-9) {
			t.Errorf("%s: edt max %v sum %v squares %v, want %+v", c.Name, math.Sqrt(mm.Max()), sum, squares, *c.EDT)
		}
	}
}

func TestGoldenBorders(t *testing.T) {
	cases, _ := golden.Load(t)
	var border mask.Mask
	for _, c := range cases {
		border.Border(c.GT)
		n := border.Count()
		border.Border(c.Pred)
		if n != c.Metrics.BorderGT || border.Count() != c.Metrics.BorderPred {
			t.Errorf("%s: borders of %d and %d voxels, want %d and %d", c.Name, n, border.Count(), c.Metrics.BorderGT, c.Metrics.BorderPred)
		}
	}
}

func TestGoldenSkeletons(t *testing.T) {
	cases, _ := golden.Load(t)
	var s mask.Skeleton
	var thin mask.Mask
	for _, c := range cases {
		if c.Zhang != nil {
			if err := s.ZhangSuen(&thin, c.GT); err != nil {
				t.Fatal(err)
			}
			if got := coords(c.GT, slices.Collect(thin.All())); !same(got, c.Zhang.Coords) {
				t.Errorf("%s: Zhang skeleton\n%v, want\n%v", c.Name, got, c.Zhang.Coords)
			}
		}
		if c.Lee != nil && c.GT.NDim() == 3 {
			if err := s.Lee(&thin, c.GT); err != nil {
				t.Fatal(err)
			}
			checkLee(t, c.Name, c.GT, &thin, c.Lee.Coords)
		}
	}
}

// checkLee compares with scikit-image, which deletes some objects whole where
// the last voxel should stay: ours may have lone voxels more, nothing less.
func checkLee(t *testing.T, name string, gt, thin *mask.Mask, want [][]int) {
	t.Helper()
	rest := thin.Clone()
	for _, at := range want {
		p, err := gt.PointOf(at)
		if err != nil {
			t.Fatal(err)
		}
		if !rest.At(p) {
			t.Errorf("%s: Lee skeleton lacks %v", name, at)
		}
		rest.Set(p, false)
	}
	var lab, whole mask.Labeling
	if err := lab.Label(thin, 26); err != nil {
		t.Fatal(err)
	}
	for p := range rest.All() {
		if lab.Component(lab.At(p)).Size != 1 {
			t.Errorf("%s: Lee skeleton has %v too many", name, p)
		}
	}
	if err := whole.Label(gt, 26); err != nil {
		t.Fatal(err)
	}
	if lab.Len() != whole.Len() {
		t.Errorf("%s: skeleton of %d parts, object has %d", name, lab.Len(), whole.Len())
	}
}

package robot

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// goldenDir holds masks and expected positions computed with SciPy,
// scikit-image and cc3d; package mask's testdata has a copy.
func goldenDir(t *testing.T) string {
	for _, dir := range []string{"../testdata/golden", "../mask/testdata/golden", "../metric/testdata/golden", "../../../shared/golden"} {
		if _, err := os.Stat(filepath.Join(dir, "expected.json")); err == nil {
			return dir
		}
	}
	t.Skip("no golden cases: neither eval/testdata/golden nor ../shared/golden is there")
	return ""
}

type golden struct {
	Name     string
	Shape    []int
	Spacing  []float64 `json:"spacing_mm"`
	GT, Pred string
	Click    struct {
		RawError json.RawMessage `json:"error_combined_largest_component"`
		RawTruth json.RawMessage `json:"gt_largest_component"`
		RITM     *struct {
			Positive  bool    `json:"is_positive"`
			Positions [][]int `json:"positions"`
			First     []int   `json:"chosen_first_raster"`
		} `json:"fn_fp_split_edt_max_voxel"`
		Split []struct {
			Kind      string
			Positions [][]int
		} `json:"fn_fp_split_largest_component"`
	}
	Box *struct {
		Min []int `json:"min_inclusive"`
		Max []int `json:"max_inclusive"`
	} `json:"box_gt"`
}

type goldenComponent struct {
	First       []int                       `json:"first_voxel"`
	IsFirst     bool                        `json:"is_first_in_raster_order"`
	CenterVoxel struct{ Positions [][]int } `json:"center_voxel"`
	CenterMM    struct{ Positions [][]int } `json:"center_mm"`
	Boundary    struct{ Count int }         `json:"boundary_edt_min_voxel"`
	Borders     int                         `json:"border_count_faces"`
}

type goldenClick struct {
	Components []goldenComponent `json:"components"`
}

func loadGolden(t *testing.T) (string, []golden) {
	dir := goldenDir(t)
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []golden }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) == 0 {
		t.Fatal("no golden cases in expected.json")
	}
	return dir, file.Cases
}

func readNPY(t *testing.T, path string, spacing []float64) *mask.Mask {
	m, err := data.ReadMask(t.Context(), path, spacing)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return m
}

func mustParse(t testing.TB, name string) User {
	u, err := Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func mustRegion(t testing.TB, name string, truth, pred *mask.Mask) []*mask.Mask {
	e, err := ParseEligibility(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Region(nil, truth, pred)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// draw returns the first point of n prompts, nil where there is none.
func draw(t testing.TB, user string, s *Scene, n int) [][]int {
	u := mustParse(t, user)
	var out [][]int
	for seed := range n {
		p, ok, err := u.Prompt(s, Key{Seed: uint64(seed)}.Rand())
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return nil
		}
		if err := p.Check(s.Truth.Dims()); err != nil {
			t.Fatal(err)
		}
		out = append(out, p.Points[0])
	}
	return out
}

func checkInside(t *testing.T, what string, got, want [][]int) {
	t.Helper()
	if (len(got) == 0) != (len(want) == 0) {
		t.Errorf("%s: drew %v, positions %v", what, got, want)
	}
	seen := map[string]bool{}
	for _, g := range got {
		seen[fmt.Sprint(g)] = true
		if !slices.ContainsFunc(want, func(w []int) bool { return slices.Equal(w, g) }) {
			t.Errorf("%s: %v is not among %v", what, g, want)
			return
		}
	}
	if len(want) > 1 && len(want) < 8 && len(seen) == 1 && len(got) > 50 {
		t.Errorf("%s: of %d tied positions always the same was drawn", what, len(want))
	}
}

// first returns the golden component that ties resolve to.
func first(t *testing.T, raw json.RawMessage) *goldenComponent {
	var c goldenClick
	if len(raw) == 0 || string(raw) == "null" || json.Unmarshal(raw, &c) != nil {
		return nil
	}
	for i := range c.Components {
		if c.Components[i].IsFirst {
			return &c.Components[i]
		}
	}
	return nil
}

func TestClicksLieInTheGoldenSets(t *testing.T) {
	dir, cases := loadGolden(t)
	for _, g := range cases {
		t.Run(g.Name, func(t *testing.T) {
			truth := readNPY(t, filepath.Join(dir, g.GT), g.Spacing)
			pred := readNPY(t, filepath.Join(dir, g.Pred), g.Spacing)
			checkClicks(t, &Scene{Region: mustRegion(t, "error", truth, pred), Truth: truth}, first(t, g.Click.RawError))
			checkClicks(t, Of(truth), first(t, g.Click.RawTruth))

			split := &Scene{Region: mustRegion(t, "error-split", truth, pred), Truth: truth}
			var any [][]int
			for _, s := range g.Click.Split {
				any = append(any, s.Positions...)
			}
			checkInside(t, "error-split", draw(t, "click:largest:center", split, 20), any)
			var ritm [][]int
			if g.Click.RITM != nil && g.Click.RITM.First != nil {
				ritm = [][]int{g.Click.RITM.First}
			}
			checkInside(t, "edtmax", draw(t, "click:edtmax:first", split, 1), ritm)
		})
	}
}

func checkClicks(t *testing.T, s *Scene, want *goldenComponent) {
	t.Helper()
	if want == nil {
		want = &goldenComponent{}
	}
	checkInside(t, "center", draw(t, "click:largest:center", s, 60), want.CenterVoxel.Positions)
	checkInside(t, "center in mm", draw(t, "click:largest:center?units=mm", s, 60), want.CenterMM.Positions)
	if len(want.CenterVoxel.Positions) > 0 {
		checkInside(t, "first center", draw(t, "click:largest:center?tie=first", s, 5), want.CenterVoxel.Positions[:1])
	}
	if want.Boundary.Count > 60 { // the coupons of larger borders take too long to collect
		return
	}
	border := map[string]bool{}
	for _, p := range draw(t, "click:largest:boundary", s, 14*want.Boundary.Count) {
		border[fmt.Sprint(p)] = true
	}
	if len(border) != want.Boundary.Count {
		t.Errorf("boundary clicks hit %d voxels, the set of distance 1 has %d", len(border), want.Boundary.Count)
	}
}

func TestPerfectBoxIsTheGoldenBox(t *testing.T) {
	dir, cases := loadGolden(t)
	for _, g := range cases {
		truth := readNPY(t, filepath.Join(dir, g.GT), g.Spacing)
		p, ok, err := mustParse(t, "box:all:perfect").Prompt(Of(truth), Key{}.Rand())
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			if g.Box != nil && g.Box.Min != nil {
				t.Errorf("%s: no box, want %v", g.Name, g.Box)
			}
			continue
		}
		if !slices.Equal(p.Points[0], g.Box.Min) || !slices.Equal(p.Box.MaxInclusive, g.Box.Max) {
			t.Errorf("%s: box %v, want %v", g.Name, p.Box, g.Box)
		}
	}
}

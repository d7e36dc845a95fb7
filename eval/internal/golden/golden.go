// Package golden reads the golden cases of eval/testdata/golden for tests:
// pairs of small masks with values computed by SciPy, scikit-image and
// surface-distance (README.md there says how). Expected values are never
// edited.
package golden

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// Case is one pair of masks and what must be computed from it. Positions are
// array indices in axis order.
type Case struct {
	Name    string    `json:"name"`
	Shape   []int     `json:"shape"`
	Spacing []float64 `json:"spacing_mm"`
	GTFile  string    `json:"gt"`
	File    string    `json:"pred"`
	Metrics struct {
		TP, FP, FN  int
		BorderGT    int                 `json:"border_voxels_gt"`
		BorderPred  int                 `json:"border_voxels_pred"`
		Reference   map[string]any      `json:"reference"` // numbers, or "NaN", "Infinity", "undefined"
		Penalty     *float64            `json:"penalty_diagonal_mm"`
		Status      string              `json:"status"`
		Recommended map[string]*float64 `json:"recommended"`
	} `json:"metrics"`
	Components map[string]map[string]Components `json:"components"` // gt, error -> connectivity
	Click      struct {
		Error   *Largest   `json:"error_combined_largest_component"`
		GT      *Largest   `json:"gt_largest_component"`
		Split   *SplitEDT  `json:"fn_fp_split_edt_max_voxel"`
		BySplit []SplitOne `json:"fn_fp_split_largest_component"`
	} `json:"click"`
	Box *struct {
		Min []int `json:"min_inclusive"`
		Max []int `json:"max_inclusive"`
	} `json:"box_gt"`
	EDT *struct {
		Max   float64 `json:"max"`
		Sum   float64 `json:"sum"`
		SumSq float64 `json:"sum_sq"`
	} `json:"edt_gt_mm"`
	Zhang *Skeleton `json:"skeleton_zhang"`
	Lee   *Skeleton `json:"skeleton_lee"`

	GT, Pred *mask.Mask `json:"-"`
}

// Components is a count and the sizes, largest first.
type Components struct {
	Count int   `json:"count"`
	Sizes []int `json:"sizes_desc"`
}

// Largest is the largest component, or all that tie for it.
type Largest struct {
	Tied       int `json:"n_tied_largest"`
	Components []struct {
		Size           int      `json:"size"`
		First          []int    `json:"first_voxel"`
		IsFirst        bool     `json:"is_first_in_raster_order"`
		CenterMM       Center   `json:"center_mm"`
		CenterVoxel    Center   `json:"center_voxel"`
		BoundaryMM     Boundary `json:"boundary_edt_min_mm"`
		BoundaryVoxel  Boundary `json:"boundary_edt_min_voxel"`
		FaceBorder     int      `json:"border_count_faces"`
		PositiveCenter bool     `json:"click_is_positive_at_first_center_mm"`
	} `json:"components"`
}

// Center is the set of positions at the largest distance.
type Center struct {
	Max       float64 `json:"edt_max"`
	Positions [][]int `json:"positions"`
}

// Boundary is the voxels at the smallest positive distance.
type Boundary struct {
	Min   float64 `json:"edt_min"`
	Count int     `json:"count"`
	First []int   `json:"first"`
}

// SplitEDT is the rule of RITM: FN and FP apart, the larger distance wins.
type SplitEDT struct {
	Positive  bool    `json:"is_positive"`
	FN        float64 `json:"fn_edt_max"`
	FP        float64 `json:"fp_edt_max"`
	Positions [][]int `json:"positions"`
	First     []int   `json:"chosen_first_raster"`
}

// SplitOne is a largest component over FN and FP labeled apart.
type SplitOne struct {
	Kind      string  `json:"kind"`
	Size      int     `json:"size"`
	Max       float64 `json:"edt_max_voxel"`
	Positions [][]int `json:"positions"`
}

// Skeleton is a set of voxels.
type Skeleton struct {
	Count  int     `json:"count"`
	Parts  int     `json:"components_26"`
	Coords [][]int `json:"coords"`
}

// Curve is a metric's value at every step of an interaction.
type Curve struct {
	Values   []float64 `json:"values_by_step"`
	Final    float64   `json:"final"`
	AUC      float64   `json:"auc_norm_all_steps"`
	AUCRaw   float64   `json:"auc_raw_all_steps"`
	AUCSkip0 float64   `json:"auc_norm_skip_step0"`
	AUCLast5 *float64  `json:"auc_cvpr25_last5_raw"`
	NoC80    NoC       `json:"noc@0.8"`
	NoC85    NoC       `json:"noc@0.85"`
	NoC90    NoC       `json:"noc@0.9"`
}

// NoC is a number of clicks.
type NoC struct {
	MaxClicks int  `json:"max_clicks"`
	NoC       int  `json:"noc"`
	Failed    bool `json:"failed"`
}

// Load reads all cases with their masks, and the curves; from the folder that
// OMNIEVAL_GOLDEN names, where it is set, to try further cases.
func Load(t testing.TB) ([]Case, []Curve) {
	t.Helper()
	dir := os.Getenv("OMNIEVAL_GOLDEN")
	if dir == "" {
		_, file, _, _ := runtime.Caller(0)
		dir = filepath.Join(filepath.Dir(file), "..", "..", "testdata", "golden")
	}
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Cases  []Case  `json:"cases"`
		Curves []Curve `json:"curves"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for i := range all.Cases {
		c := &all.Cases[i]
		c.GT = read(t, filepath.Join(dir, c.GTFile), c.Spacing)
		c.Pred = read(t, filepath.Join(dir, c.File), c.Spacing)
	}
	return all.Cases, all.Curves
}

func read(t testing.TB, path string, spacing []float64) *mask.Mask {
	t.Helper()
	m, err := data.ReadMask(t.Context(), path, spacing)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return m
}

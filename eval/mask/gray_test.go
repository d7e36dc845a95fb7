package mask_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

func TestGaussian(t *testing.T) {
	for _, tc := range []struct {
		name   string
		shape  [3]int
		sigma  float64
		radius int
		sum    float64 // of a point in the middle
		middle float64 // its own value afterwards
	}{
		{"plane", [3]int{1, 41, 41}, 2, -1, 1, 1 / (2 * math.Pi * 4)},
		{"volume", [3]int{31, 31, 31}, 1.5, -1, 1, math.Pow(2*math.Pi*2.25, -1.5)},
		{"no smoothing", [3]int{1, 5, 5}, 0, -1, 1, 1},
		{"cut to the image", [3]int{1, 1, 3}, 10, 1, 1, 1 / (1 + 2*math.Exp(-0.005))},
	} {
		var g mask.Gray
		g.Reset(tc.shape)
		clear(g.V)
		g.V[len(g.V)/2] = 1
		g.Gaussian(tc.sigma, tc.radius)
		sum := 0.0
		for _, v := range g.V {
			sum += float64(v)
		}
		if middle := float64(g.V[len(g.V)/2]); math.Abs(sum-tc.sum) > 1e-4 || math.Abs(middle-tc.middle) > 3e-2*tc.middle {
			t.Errorf("%s: sum %v middle %v, want %v %v", tc.name, sum, middle, tc.sum, tc.middle)
		}
	}
}

func TestNoise(t *testing.T) {
	var a, b mask.Gray
	a.Noise([3]int{1, 100, 100}, rand.New(rand.NewPCG(1, 1)))
	b.Noise([3]int{1, 100, 100}, rand.New(rand.NewPCG(1, 1)))
	if !slices.Equal(a.V, b.V) {
		t.Error("the same seed gives another field")
	}
	a.Gaussian(4, -1)
	a.Standardize()
	var mean, square float64
	for _, v := range a.V {
		mean += float64(v) / 1e4
		square += float64(v) * float64(v) / 1e4
	}
	if math.Abs(mean) > 1e-5 || math.Abs(square-1) > 1e-4 {
		t.Errorf("mean %v, mean square %v after standardizing", mean, square)
	}
	a.Rescale()
	if lo, hi := a.Range(nil); lo != 0 || hi != 1 {
		t.Errorf("range %v to %v after rescaling", lo, hi)
	}
}

func TestFromMaskAndSelect(t *testing.T) {
	var g mask.Gray
	each(t, func(t *testing.T, _ *rand.Rand, m *mask.Mask) {
		g.FromMask(m)
		for _, p := range grid(m) {
			if (g.At(p) == 1) != m.At(p) {
				t.Fatalf("value %v at %v", g.At(p), p)
			}
		}
		all := m.Like()
		all.FillBox(all.Bounds())
		if err := all.Select(&g, func(v float32) bool { return v > 0.5 }); err != nil || !all.Equal(m) {
			t.Errorf("selecting 1 does not give the mask back: %v", err)
		}
	})
}

func TestWarp(t *testing.T) {
	m, _ := mask.New([]int{60, 80}, nil)
	m.FillBox(mask.Box{Min: mask.Point{0, 20, 20}, Max: mask.Point{1, 40, 60}})
	var w mask.Warp
	var g mask.Gray
	var out, again mask.Mask
	moved := 0.0
	for seed := range uint64(20) {
		w.Draw(m.Shape(), 8, 3, rand.New(rand.NewPCG(seed, 0)))
		if err := w.WarpMask(&out, m, &g); err != nil {
			t.Fatal(err)
		}
		w.Draw(m.Shape(), 8, 3, rand.New(rand.NewPCG(seed, 0)))
		if err := w.WarpMask(&again, m, &g); err != nil || !again.Equal(&out) {
			t.Fatalf("the same seed warps otherwise: %v", err)
		}
		both, _ := mask.CountAnd(&out, m)
		moved += float64(out.Count()-both) / float64(m.Count()) / 20
		if lo, hi := g.Range(nil); lo != 0 || hi != 1 {
			t.Errorf("warped values from %v to %v", lo, hi)
		}
	}
	if moved < 0.03 || moved > 0.3 {
		t.Errorf("a warp of 3 pixels moves %v of a box of 20x40", moved)
	}
	w.Draw(m.Shape(), 8, 0, rand.New(rand.NewPCG(1, 0)))
	if err := w.WarpMask(&out, m, &g); err != nil || !out.Equal(m) {
		t.Errorf("a warp of magnitude 0 changes the mask: %v", err)
	}
	other, _ := mask.New([]int{60, 81}, nil)
	if err := w.Apply(&g, other); err == nil {
		t.Error("a warp applies to other axes")
	}
}

// TestWarpMagnitude measures the displacement through a ramp: the mask of a
// half plane moves its edge by the displacement there.
func TestWarpMagnitude(t *testing.T) {
	m, _ := mask.New([]int{200, 101}, nil)
	m.FillBox(mask.Box{Max: mask.Point{1, 200, 50}})
	var w mask.Warp
	var g mask.Gray
	var out mask.Mask
	var sum, square, n float64
	for seed := range uint64(40) {
		w.Draw(m.Shape(), 10, 4, rand.New(rand.NewPCG(seed, 1)))
		if err := w.WarpMask(&out, m, &g); err != nil {
			t.Fatal(err)
		}
		edge := make([]float64, 200)
		for p := range out.All() {
			if p[2] > 25 && p[2] < 75 {
				edge[p[1]]++
			}
		}
		for _, e := range edge {
			d := e - 24 // 26 … 49 stay set without a warp
			sum, square, n = sum+d, square+d*d, n+1
		}
	}
	if mean, std := sum/n, math.Sqrt(square/n); math.Abs(mean) > 0.7 || math.Abs(std-4) > 0.8 {
		t.Errorf("displacement of mean %v and deviation %v, want 0 and 4", mean, std)
	}
}

package mask_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// benchMasks returns the masks that scripts/bench/eval.sh prepares (folder
// OMNIEVAL_BENCH), else ten ellipsoids in 256³ and the same moved by two
// voxels.
func benchMasks(b *testing.B) (gt, pred *mask.Mask) {
	b.Helper()
	if dir := os.Getenv("OMNIEVAL_BENCH"); dir != "" {
		return readBench(b, filepath.Join(dir, "gt.npy")), readBench(b, filepath.Join(dir, "pred.npy"))
	}
	const n = 256
	gt, err := mask.New([]int{n, n, n}, nil)
	if err != nil {
		b.Fatal(err)
	}
	pred = gt.Like()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		var c, r [3]float64
		for i := range c {
			c[i], r[i] = 40+rng.Float64()*176, 12+rng.Float64()*36
		}
		for z := range n {
			for y := range n {
				for x := range n {
					d0, d1, d2 := (float64(z)-c[0])/r[0], (float64(y)-c[1])/r[1], (float64(x)-c[2])/r[2]
					if d0*d0+d1*d1+d2*d2 <= 1 {
						gt.Set(mask.Point{z, y, x}, true)
						pred.Set(mask.Point{(z + 2) % n, (y + 2) % n, (x + 2) % n}, true)
					}
				}
			}
		}
	}
	return gt, pred
}

func readBench(b *testing.B, path string) *mask.Mask {
	b.Helper()
	m, err := data.ReadMask(b.Context(), path, nil)
	if err != nil {
		b.Fatal(err)
	}
	return m
}

func BenchmarkComponents(b *testing.B) {
	gt, _ := benchMasks(b)
	var lab mask.Labeling
	b.ReportAllocs()
	for b.Loop() {
		if err := lab.Label(gt, mask.FullConnectivity(gt.NDim())); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(lab.Len()), "components")
}

func BenchmarkEDT(b *testing.B) {
	gt, _ := benchMasks(b)
	var edt mask.EDT
	b.ReportAllocs()
	for b.Loop() {
		edt.Inside(gt)
	}
}

func BenchmarkEDTmm(b *testing.B) {
	gt, _ := benchMasks(b)
	var edt mask.EDTmm
	b.ReportAllocs()
	for b.Loop() {
		edt.Inside(gt)
	}
}

// BenchmarkClick is the geometry of one step: error mask, components, the
// largest one's distances and centers.
func BenchmarkClick(b *testing.B) {
	gt, pred := benchMasks(b)
	var wrong, part mask.Mask
	var lab mask.Labeling
	var edt mask.EDT
	var points []mask.Point
	b.ReportAllocs()
	for b.Loop() {
		if err := wrong.Xor(gt, pred); err != nil {
			b.Fatal(err)
		}
		if err := lab.Label(&wrong, mask.FullConnectivity(gt.NDim())); err != nil {
			b.Fatal(err)
		}
		lab.Draw(lab.Largest(), &part)
		edt.Inside(&part)
		points = edt.Maxima(points[:0])
	}
}

// BenchmarkEDTSolid has the longest distances that 256³ can have.
func BenchmarkEDTSolid(b *testing.B) {
	m, err := mask.New([]int{256, 256, 256}, nil)
	if err != nil {
		b.Fatal(err)
	}
	m.FillBox(m.Bounds())
	var edt mask.EDT
	for b.Loop() {
		edt.Inside(m)
	}
}

package mask_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// brute is the squared distance from p to the nearest unset voxel, the image
// padded with background along axes of more than one voxel.
func brute(m *mask.Mask, p mask.Point, w [3]float64) float64 {
	if !m.At(p) {
		return 0
	}
	n := m.Shape()
	if n == [3]int{1, 1, 1} {
		return 1
	}
	var pad [3]int
	for i, size := range n {
		if size > 1 {
			pad[i] = 1
		}
	}
	best := math.Inf(1)
	for z := -pad[0]; z < n[0]+pad[0]; z++ {
		for y := -pad[1]; y < n[1]+pad[1]; y++ {
			for x := -pad[2]; x < n[2]+pad[2]; x++ {
				if !m.At(mask.Point{z, y, x}) {
					a, b, c := float64(z-p[0]), float64(y-p[1]), float64(x-p[2])
					best = min(best, a*a*w[0]+b*b*w[1]+c*c*w[2])
				}
			}
		}
	}
	return best
}

func spacing3(m *mask.Mask) [3]float64 {
	s := [3]float64{1, 1, 1}
	copy(s[3-m.NDim():], m.Spacing())
	return s
}

func TestEDT(t *testing.T) {
	var one, many mask.EDT
	var mm mask.EDTmm
	many.Workers = 3
	each(t, func(t *testing.T, rng *rand.Rand, m *mask.Mask) {
		if m.Voxels() > 1500 {
			return // too large for brute force
		}
		one.Inside(m)
		many.Inside(m)
		mm.Inside(m)
		s := spacing3(m)
		top := 0
		var peaks []mask.Point
		for _, p := range grid(m) {
			want := int(brute(m, p, [3]float64{1, 1, 1}))
			if one.At(p) != want || many.At(p) != want {
				t.Fatalf("squared distance %d, with workers %d at %v, want %d", one.At(p), many.At(p), p, want)
			}
			if far := brute(m, p, [3]float64{s[0] * s[0], s[1] * s[1], s[2] * s[2]}); !near(mm.At(p), far, 1e-12) {
				t.Fatalf("%v mm² at %v, want %v", mm.At(p), p, far)
			}
			if want > top {
				top, peaks = want, nil
			}
			if want == top && top > 0 {
				peaks = append(peaks, p)
			}
		}
		if one.Max() != top || !slices.Equal(one.Maxima(nil), peaks) {
			t.Errorf("max %d at %v, want %d at %v", one.Max(), one.Maxima(nil), top, peaks)
		}
	})
}

// TestEDTFar makes distances long enough for the envelope, in boxes with
// holes whose distances are known.
func TestEDTFar(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 20 {
		m, err := mask.New([]int{1 + rng.IntN(90), 100, 90}, []float64{0.7, 1, 2.5})
		if err != nil {
			t.Fatal(err)
		}
		m.FillBox(m.Bounds())
		var holes []mask.Point
		for range rng.IntN(4) {
			p := mask.Point{rng.IntN(m.Shape()[0]), rng.IntN(100), rng.IntN(90)}
			m.Set(p, false)
			holes = append(holes, p)
		}
		var edt mask.EDT
		var mm mask.EDTmm
		edt.Inside(m)
		mm.Inside(m)
		for range 300 {
			p := mask.Point{rng.IntN(m.Shape()[0]), rng.IntN(100), rng.IntN(90)}
			want, wantMM := math.Inf(1), math.Inf(1)
			for i, n := range m.Shape() {
				if n > 1 {
					d := float64(min(p[i]+1, n-p[i]))
					want = min(want, d*d)
					d *= spacing3(m)[i]
					wantMM = min(wantMM, d*d)
				}
			}
			for _, h := range holes {
				var sum, sumMM float64
				for i := range p {
					d := float64(p[i] - h[i])
					sum += d * d
					d *= spacing3(m)[i]
					sumMM += d * d
				}
				want, wantMM = min(want, sum), min(wantMM, sumMM)
			}
			if edt.At(p) != int(want) || !near(mm.At(p), wantMM, 1e-12) {
				t.Fatalf("%v in %v: %d and %v mm², want %v and %v", p, m.Dims(), edt.At(p), mm.At(p), want, wantMM)
			}
		}
	}
}

func TestEDTAllocatesNothing(t *testing.T) {
	m := random(t, rand.New(rand.NewPCG(1, 1)), []int{20, 30, 70}, nil)
	var edt mask.EDT
	var lab mask.Labeling
	var part, wrong mask.Mask
	var points []mask.Point
	step := func() {
		_ = wrong.Xor(m, m)
		_ = wrong.Or(&wrong, m)
		_ = lab.Label(&wrong, 26)
		lab.Draw(lab.Largest(), &part)
		edt.Inside(&part)
		points = edt.Maxima(points[:0])
	}
	step()
	if n := testing.AllocsPerRun(5, step); n > 0 {
		t.Errorf("a click step allocates %v times", n)
	}
}

package mask_test

import (
	"math/rand/v2"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// around counts how many of the neighbors of p within the given steps are set,
// and how many there are.
func around(m *mask.Mask, p mask.Point, near []mask.Point) (set, all int) {
	for _, s := range near {
		if m.At(mask.Point{p[0] + s[0], p[1] + s[1], p[2] + s[2]}) {
			set++
		}
	}
	return set, len(near)
}

func TestBorders(t *testing.T) {
	each(t, func(t *testing.T, _ *rand.Rand, m *mask.Mask) {
		faces := steps(m.NDim(), map[int]mask.Connectivity{2: 4, 3: 6}[m.NDim()])
		plane := steps(2, 8)
		var eroded, border, border8 mask.Mask
		eroded.Erode(m)
		border.Border(m)
		border8.Border8(m)
		for _, p := range grid(m) {
			set, all := around(m, p, faces)
			inside := m.At(p) && set == all
			if eroded.At(p) != inside || border.At(p) != (m.At(p) && !inside) {
				t.Fatalf("%v: eroded %v, border %v", p, eroded.At(p), border.At(p))
			}
			if set, all := around(m, p, plane); border8.At(p) != (m.At(p) && set < all) {
				t.Fatalf("%v: 8-border %v", p, border8.At(p))
			}
		}
	})
}

func TestBoxes(t *testing.T) {
	each(t, func(t *testing.T, rng *rand.Rand, m *mask.Mask) {
		if m.Voxels() > 1500 {
			return // too large for brute force
		}
		r := rng.IntN(3)
		var wide, flat, thin mask.Mask
		wide.Dilate(m, r, false)
		flat.Dilate(m, r, true)
		thin.ErodeBox(m, r)
		for _, p := range grid(m) {
			some, someFlat, all := false, false, true
			for dz := -r; dz <= r; dz++ {
				for dy := -r; dy <= r; dy++ {
					for dx := -r; dx <= r; dx++ {
						if m.NDim() == 2 && dz != 0 {
							continue
						}
						set := m.At(mask.Point{p[0] + dz, p[1] + dy, p[2] + dx})
						some, all = some || set, all && set
						someFlat = someFlat || set && dz == 0
					}
				}
			}
			if wide.At(p) != some || flat.At(p) != someFlat || thin.At(p) != all {
				t.Fatalf("radius %d at %v: dilated %v, in plane %v, eroded %v; want %v %v %v", r, p, wide.At(p), flat.At(p), thin.At(p), some, someFlat, all)
			}
		}
		if wide.Count() > wide.Voxels() {
			t.Error("dilation sets bits beyond the rows")
		}
	})
}

func TestCorners(t *testing.T) {
	var at mask.Mask
	var codes []uint8
	each(t, func(t *testing.T, _ *rand.Rand, m *mask.Mask) {
		codes = at.Corners(m, codes)
		i := 0
		for _, p := range grid(&at) {
			code, full := cornerCode(m, p), 1<<(1<<m.NDim())-1
			if want := code != 0 && code != full; at.At(p) != want {
				t.Fatalf("corner %v (code %b) is %v", p, code, at.At(p))
			} else if want {
				if codes[i] != uint8(code) {
					t.Fatalf("corner %v has code %b, want %b", p, codes[i], code)
				}
				i++
			}
		}
		if i != len(codes) {
			t.Errorf("%d codes for %d corners", len(codes), i)
		}
	})
}

// cornerCode reads the voxels around a corner, the first in the highest bit.
func cornerCode(m *mask.Mask, p mask.Point) int {
	code, n := 0, 1<<m.NDim()
	for k := range n {
		code <<= 1
		q := mask.Point{p[0] - 1 + k>>2, p[1] - 1 + k>>1&1, p[2] - 1 + k&1}
		if m.NDim() == 2 {
			q[0] = 0
		}
		if m.At(q) {
			code |= 1
		}
	}
	return code
}

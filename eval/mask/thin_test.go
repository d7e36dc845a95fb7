package mask_test

import (
	"math/rand/v2"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// parts counts components of m and of its background (the other way of
// connecting), the image framed with background.
func parts(t *testing.T, m *mask.Mask) (object, background int) {
	t.Helper()
	n := m.Dims()
	for i := range n {
		n[i] += 2
	}
	framed, err := mask.New(n, nil)
	if err != nil {
		t.Fatal(err)
	}
	up := m.NDim() - 2
	for p := range m.All() {
		framed.Set(mask.Point{p[0] + up, p[1] + 1, p[2] + 1}, true)
	}
	_, sizes := flood(framed, mask.FullConnectivity(m.NDim()))
	framed.Not(framed)
	_, holes := flood(framed, map[int]mask.Connectivity{2: 4, 3: 6}[m.NDim()])
	return len(sizes), len(holes)
}

func TestSkeletonKeepsTopology(t *testing.T) {
	var s mask.Skeleton
	var thin mask.Mask
	each(t, func(t *testing.T, _ *rand.Rand, m *mask.Mask) {
		if m.Voxels() > 3000 {
			return // too large for brute force
		}
		if err := s.Thin(&thin, m); err != nil {
			t.Fatal(err)
		}
		outside := thin.Clone()
		if err := outside.AndNot(&thin, m); err != nil || !outside.Empty() {
			t.Errorf("the skeleton leaves the object: %v", err)
		}
		object, background := parts(t, m)
		gotObject, gotBackground := parts(t, &thin)
		if gotObject != object {
			t.Errorf("%d parts, want %d", gotObject, object)
		}
		// Lee's first test lets two voxels of a cavity's wall go together, and
		// scikit-image's exceptions open some holes of the plane.
		if m.NDim() == 3 && gotBackground > background {
			t.Errorf("%d parts of background, object leaves %d", gotBackground, background)
		}
	})
}

func TestSkeletonOfBar(t *testing.T) {
	m, _ := mask.New([]int{9, 9, 40}, nil)
	m.FillBox(mask.Box{Min: mask.Point{2, 2, 3}, Max: mask.Point{7, 7, 37}})
	var s mask.Skeleton
	var thin mask.Mask
	if err := s.Lee(&thin, m); err != nil {
		t.Fatal(err)
	}
	for p := range thin.All() {
		if n, _ := around(&thin, p, steps(3, 26)); n > 2 {
			t.Errorf("the skeleton of a bar branches at %v", p)
		}
	}
	if n := thin.Count(); n < 25 || n > 34 {
		t.Errorf("the skeleton of a bar of 34 has %d voxels", n)
	}
	if err := s.ZhangSuen(&thin, m); err == nil {
		t.Error("Zhang-Suen takes a volume")
	}
}

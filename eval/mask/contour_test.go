package mask_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

func touch(p, q mask.Point) bool {
	return p != q && max(p[1]-q[1], q[1]-p[1]) <= 1 && max(p[2]-q[2], q[2]-p[2]) <= 1
}

func TestContour(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	var lab mask.Labeling
	var part, outside mask.Mask
	for range 60 {
		m := random(t, rng, []int{20, 70}, nil)
		if err := lab.Label(m, 8); err != nil {
			t.Fatal(err)
		}
		for i := range lab.Len() {
			lab.Draw(i, &part)
			path, err := mask.Contour(&part)
			if err != nil {
				t.Fatal(err)
			}
			on := part.Like()
			for k, p := range path {
				on.Set(p, true)
				if len(path) > 1 && !touch(p, path[(k+1)%len(path)]) {
					t.Fatalf("contour jumps from %v to %v", p, path[(k+1)%len(path)])
				}
			}
			if path[0] != lab.Component(i).First {
				t.Errorf("contour begins at %v, not %v", path[0], lab.Component(i).First)
			}
			// The outer border: pixels with a 4-neighbor in the background that
			// reaches the frame.
			outside.Not(&part)
			for _, p := range grid(&part) {
				if want := part.At(p) && reachesFrame(&part, p); on.At(p) != want {
					t.Fatalf("component at %v: contour has %v: %v, want %v", lab.Component(i).First, p, on.At(p), want)
				}
			}
		}
	}
}

// reachesFrame tells whether a 4-neighbor of p lies in background that is
// 4-connected to the outside of the image.
func reachesFrame(m *mask.Mask, p mask.Point) bool {
	seen := map[mask.Point]bool{}
	var todo []mask.Point
	visit := func(q mask.Point) {
		if !seen[q] && !m.At(q) {
			seen[q] = true
			todo = append(todo, q)
		}
	}
	near := steps(2, 4)
	for _, s := range near {
		visit(mask.Point{0, p[1] + s[1], p[2] + s[2]})
	}
	for len(todo) > 0 {
		q := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !m.Contains(q) {
			return true
		}
		for _, s := range near {
			visit(mask.Point{0, q[1] + s[1], q[2] + s[2]})
		}
	}
	return false
}

func TestContourOfLittle(t *testing.T) {
	m, _ := mask.New([]int{5, 6}, nil)
	if path, err := mask.Contour(m); err != nil || path != nil {
		t.Errorf("contour of nothing: %v %v", path, err)
	}
	m.Set(mask.Point{0, 2, 2}, true)
	if path, err := mask.Contour(m); err != nil || len(path) != 1 {
		t.Errorf("contour of a pixel: %v %v", path, err)
	}
	m.Set(mask.Point{0, 2, 3}, true)
	m.Set(mask.Point{0, 2, 4}, true)
	if path, err := mask.Contour(m); err != nil || len(path) != 4 {
		t.Errorf("contour of a line of three: %v %v, want there and back", path, err)
	}
	deep, _ := mask.New([]int{2, 2, 2}, nil)
	if _, err := mask.Contour(deep); err == nil {
		t.Error("a volume has a contour")
	}
}

func TestEqualArc(t *testing.T) {
	m, _ := mask.New([]int{101, 101}, nil)
	for _, p := range grid(m) {
		if dy, dx := p[1]-50, p[2]-50; dy*dy+dx*dx <= 40*40 {
			m.Set(p, true)
		}
	}
	path, err := mask.Contour(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, phase := range []float64{0, 0.3, 0.99} {
		points := mask.EqualArc(path, 12, phase)
		if len(points) != 12 {
			t.Fatalf("%d points, want 12", len(points))
		}
		for i, p := range points {
			q := points[(i+1)%12]
			// An arc of a twelfth of the circle spans a chord of 40·2·sin(π/12).
			if chord := math.Hypot(float64(p[1]-q[1]), float64(p[2]-q[2])); math.Abs(chord-20.7) > 2.5 {
				t.Errorf("phase %v: chord of %v from %v to %v", phase, chord, p, q)
			}
		}
	}
	if points := mask.EqualArc(path[:5], 9, 0.5); len(points) != 5 {
		t.Errorf("%d points of a contour of 5", len(points))
	}
}

func TestLine(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 500 {
		a := mask.Point{rng.IntN(20), rng.IntN(20), rng.IntN(20)}
		b := mask.Point{rng.IntN(20), rng.IntN(20), rng.IntN(20)}
		var path []mask.Point
		mask.Line(a, b, func(p mask.Point) { path = append(path, p) })
		if path[0] != a || path[len(path)-1] != b {
			t.Fatalf("line from %v to %v runs from %v to %v", a, b, path[0], path[len(path)-1])
		}
		n := 0
		for i := range a {
			n = max(n, a[i]-b[i], b[i]-a[i])
		}
		if len(path) != n+1 {
			t.Errorf("line from %v to %v has %d voxels, want %d", a, b, len(path), n+1)
		}
		for k, p := range path {
			for i := range p {
				// Never more than half a voxel from the straight line.
				exact := float64(a[i])
				if n > 0 {
					exact += float64(b[i]-a[i]) * float64(k) / float64(n)
				}
				if math.Abs(exact-float64(p[i])) > 0.5 {
					t.Fatalf("line from %v to %v at %v is %v off", a, b, p, exact-float64(p[i]))
				}
			}
		}
	}
}

func TestFillBall(t *testing.T) {
	m, _ := mask.New([]int{9, 9, 9}, nil)
	m.FillBall(mask.Point{4, 4, 4}, 1.5, true)
	if m.Count() != 19 { // center, 6 faces, 12 edges
		t.Errorf("ball of radius 1.5 has %d voxels, want 19", m.Count())
	}
	m.FillBall(mask.Point{4, 4, 4}, 1, false)
	if m.Count() != 12 {
		t.Errorf("%d voxels left, want 12", m.Count())
	}
}

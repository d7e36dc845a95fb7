package mask_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// bruteNearest is the squared distance in mm², summed as SciPy does.
func bruteNearest(set *mask.Mask, p mask.Point) float64 {
	s, best := spacing3(set), math.Inf(1)
	for q := range set.All() {
		a, b, c := float64(p[0]-q[0])*s[0], float64(p[1]-q[1])*s[1], float64(p[2]-q[2])*s[2]
		best = min(best, float64(float64(a*a)+float64(b*b))+float64(c*c))
	}
	return best
}

func TestNearest(t *testing.T) {
	var n, many mask.Nearest
	many.Workers = 4
	var got, parallel []float64
	each(t, func(t *testing.T, rng *rand.Rand, set *mask.Mask) {
		queries := random(t, rng, set.Dims(), nil)
		var err error
		if got, err = n.Distances(got, set, queries); err != nil {
			t.Fatal(err)
		}
		if parallel, err = many.Distances(parallel, set, queries); err != nil || !slices.Equal(got, parallel) {
			t.Fatalf("other distances with workers (%v)", err)
		}
		i := 0
		for p := range queries.All() {
			if want := bruteNearest(set, p); got[i] != want && !near(got[i], want, 1e-15) {
				t.Fatalf("%v mm² from %v, want %v", got[i], p, want)
			}
			i++
		}
		if i != len(got) {
			t.Errorf("%d distances for %d voxels", len(got), i)
		}
	})
}

// TestNearestFar has few set voxels far from those asked for, so that the
// transform does the work; and half of them near, so that both do.
func TestNearestFar(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	var n mask.Nearest
	for round := range 20 {
		n.Workers = 1 + round%3
		set, err := mask.New([]int{150, 24, 70}, []float64{2.5, 0.5, 1})
		if err != nil {
			t.Fatal(err)
		}
		queries := set.Like()
		at := func() mask.Point { return mask.Point{rng.IntN(150), rng.IntN(24), rng.IntN(70)} }
		for range 1 + rng.IntN(5) {
			set.Set(at(), true)
		}
		for range 200 {
			p := at()
			queries.Set(p, true)
			if round%2 == 1 && rng.IntN(10) > 0 {
				set.Set(mask.Point{p[0], p[1], p[2] ^ 1}, true)
			}
		}
		got, err := n.Distances(nil, set, queries)
		if err != nil {
			t.Fatal(err)
		}
		var portions []float64
		if err := n.Each(nil, set, queries, 30, func(d []float64) { portions = append(portions, d...) }); err != nil || !slices.Equal(got, portions) {
			t.Fatalf("round %d: portions differ (%v)", round, err)
		}
		i := 0
		for p := range queries.All() {
			if want := bruteNearest(set, p); got[i] != want {
				t.Fatalf("round %d: %v mm² from %v, want %v", round, got[i], p, want)
			}
			i++
		}
	}
}

func TestNearestRefusesOtherAxes(t *testing.T) {
	a, _ := mask.New([]int{3, 4}, nil)
	b, _ := mask.New([]int{4, 3}, nil)
	if _, err := new(mask.Nearest).Distances(nil, a, b); !errors.Is(err, mask.ErrGrid) {
		t.Errorf("error %v, want ErrGrid", err)
	}
}

package mask_test

import (
	"math/rand/v2"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// steps lists the neighbors of a connectivity.
func steps(ndim int, c mask.Connectivity) []mask.Point {
	most := map[mask.Connectivity]int{4: 1, 6: 1, 8: 2, 18: 2, 26: 3}[c]
	var out []mask.Point
	for k := range 27 {
		p := mask.Point{k/9 - 1, k/3%3 - 1, k%3 - 1}
		if n := p[0]*p[0] + p[1]*p[1] + p[2]*p[2]; n > 0 && n <= most && (ndim == 3 || p[0] == 0) {
			out = append(out, p)
		}
	}
	return out
}

// flood numbers the components in C order by brute force.
func flood(m *mask.Mask, c mask.Connectivity) (of map[mask.Point]int, sizes []int) {
	of = map[mask.Point]int{}
	near := steps(m.NDim(), c)
	for first := range m.All() {
		if _, done := of[first]; done {
			continue
		}
		id := len(sizes)
		sizes = append(sizes, 0)
		of[first] = id
		for todo := []mask.Point{first}; len(todo) > 0; {
			p := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			sizes[id]++
			for _, s := range near {
				q := mask.Point{p[0] + s[0], p[1] + s[1], p[2] + s[2]}
				if _, done := of[q]; !done && m.At(q) {
					of[q] = id
					todo = append(todo, q)
				}
			}
		}
	}
	return of, sizes
}

func TestLabel(t *testing.T) {
	var lab mask.Labeling
	var part mask.Mask
	each(t, func(t *testing.T, rng *rand.Rand, m *mask.Mask) {
		conns := []mask.Connectivity{4, 8}
		if m.NDim() == 3 {
			conns = []mask.Connectivity{6, 18, 26}
		}
		other := random(t, rng, m.Dims(), nil)
		for _, c := range conns {
			of, sizes := flood(m, c)
			if err := lab.Label(m, c); err != nil {
				t.Fatal(err)
			}
			if lab.Len() != len(sizes) {
				t.Fatalf("connectivity %d: %d components, want %d", c, lab.Len(), len(sizes))
			}
			for _, p := range grid(m) {
				want, ok := of[p]
				if !ok {
					want = -1
				}
				if got := lab.At(p); got != want {
					t.Fatalf("connectivity %d: component %d at %v, want %d", c, got, p, want)
				}
			}
			best, meet := -1, lab.Meet(nil, other)
			for i, size := range sizes {
				lab.Draw(i, &part)
				shared, _ := mask.CountAnd(&part, other)
				comp := lab.Component(i)
				first, _ := part.Nth(0)
				if comp.Size != size || part.Count() != size || comp.Box != part.Box() || comp.First != first || meet[i] != (shared > 0) {
					t.Fatalf("connectivity %d: component %d is %+v, drawn %d voxels in %v", c, i, comp, part.Count(), part.Box())
				}
				if best < 0 || size > sizes[best] {
					best = i
				}
			}
			if lab.Largest() != best {
				t.Errorf("largest %d, want %d", lab.Largest(), best)
			}
		}
	})
}

func TestLabelRefuses(t *testing.T) {
	flat, _ := mask.New([]int{3, 3}, nil)
	deep, _ := mask.New([]int{1, 3, 3}, nil)
	var lab mask.Labeling
	for c, m := range map[mask.Connectivity]*mask.Mask{26: flat, 6: flat, 8: deep, 4: deep, 7: deep} {
		if err := lab.Label(m, c); err == nil {
			t.Errorf("%d-D takes connectivity %d", m.NDim(), c)
		}
	}
}

func TestOverlaps(t *testing.T) {
	each(t, func(t *testing.T, rng *rand.Rand, a *mask.Mask) {
		b := random(t, rng, a.Dims(), nil)
		var la, lb mask.Labeling
		full := mask.FullConnectivity(a.NDim())
		if la.Label(a, full) != nil || lb.Label(b, full) != nil {
			t.Fatal("cannot label")
		}
		want := map[[2]int]int{}
		for p := range a.All() {
			if j := lb.At(p); j >= 0 {
				want[[2]int{la.At(p), j}]++
			}
		}
		last := [2]int{-1, -1}
		la.Overlaps(&lb, func(i, j, n int) {
			if at := [2]int{i, j}; want[at] != n || at[0] < last[0] || at[0] == last[0] && at[1] <= last[1] {
				t.Errorf("components %d and %d share %d after %v, want %d", i, j, n, last, want[at])
			} else {
				delete(want, at)
				last = at
			}
		})
		if len(want) > 0 {
			t.Errorf("missing overlaps: %v", want)
		}
	})
}

package mask_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// shapes are odd on purpose: single voxels, slices and lines, widths around a
// word's 64 bits.
var shapes = [][]int{
	{1, 1}, {1, 7}, {9, 1}, {13, 17}, {5, 64}, {6, 65}, {3, 130}, {40, 63},
	{1, 1, 1}, {1, 1, 9}, {7, 1, 1}, {1, 12, 11}, {5, 1, 6}, {4, 6, 5}, {3, 5, 64}, {6, 7, 66}, {9, 10, 11},
}

// random returns a mask of smooth-ish or noisy content: each voxel set with
// probability p, then some boxes filled.
func random(t testing.TB, rng *rand.Rand, dims []int, spacing []float64) *mask.Mask {
	t.Helper()
	m, err := mask.New(dims, spacing)
	if err != nil {
		t.Fatal(err)
	}
	p := rng.Float64() * rng.Float64()
	n := m.Shape()
	for z := range n[0] {
		for y := range n[1] {
			for x := range n[2] {
				m.Set(mask.Point{z, y, x}, rng.Float64() < p)
			}
		}
	}
	for range rng.IntN(3) {
		var b mask.Box
		for i, size := range n {
			b.Min[i] = rng.IntN(size)
			b.Max[i] = b.Min[i] + 1 + rng.IntN(size)
		}
		m.FillBox(b)
	}
	return m
}

// each runs f on random masks of every shape.
func each(t *testing.T, f func(t *testing.T, rng *rand.Rand, m *mask.Mask)) {
	for i, dims := range shapes {
		t.Run(fmt.Sprint(dims), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(i), 7))
			for range 8 {
				spacing := make([]float64, len(dims))
				for k := range spacing {
					spacing[k] = []float64{1, 0.5, 0.7, 2.5, 3}[rng.IntN(5)]
				}
				f(t, rng, random(t, rng, dims, spacing))
			}
		})
	}
}

// grid yields every position of m.
func grid(m *mask.Mask) []mask.Point {
	n := m.Shape()
	var out []mask.Point
	for z := range n[0] {
		for y := range n[1] {
			for x := range n[2] {
				out = append(out, mask.Point{z, y, x})
			}
		}
	}
	return out
}

func TestNewRefuses(t *testing.T) {
	for _, tc := range []struct {
		name    string
		dims    []int
		spacing []float64
	}{
		{"one axis", []int{3}, nil},
		{"four axes", []int{3, 3, 3, 3}, nil},
		{"no voxels", []int{3, 0}, nil},
		{"negative", []int{-3, 3}, nil},
		{"axis too long", []int{2, mask.MaxAxis + 1}, nil},
		{"too many voxels", []int{65535, 65535, 65535}, nil},
		{"rows of one voxel", []int{65535, 65535, 1}, nil},
		{"spacing of another dimension", []int{3, 3}, []float64{1, 1, 1}},
		{"spacing zero", []int{3, 3}, []float64{1, 0}},
	} {
		if _, err := mask.New(tc.dims, tc.spacing); !errors.Is(err, mask.ErrShape) {
			t.Errorf("%s: error %v, want ErrShape", tc.name, err)
		}
	}
	m, err := mask.New([]int{2, 3}, []float64{-0.5, 2})
	if err != nil || !slices.Equal(m.Spacing(), []float64{0.5, 2}) {
		t.Errorf("negative spacing gives %v, %v; want its absolute value", m.Spacing(), err)
	}
}

func TestVoxels(t *testing.T) {
	each(t, func(t *testing.T, rng *rand.Rand, m *mask.Mask) {
		var set []mask.Point
		for _, p := range grid(m) {
			if m.At(p) {
				set = append(set, p)
			}
		}
		if got := slices.Collect(m.All()); !slices.Equal(got, set) {
			t.Errorf("All yields %v, want %v", got, set)
		}
		if m.Count() != len(set) || m.Empty() != (len(set) == 0) {
			t.Errorf("count %d empty %v, want %d", m.Count(), m.Empty(), len(set))
		}
		for i, p := range set {
			if got, ok := m.Nth(i); !ok || got != p {
				t.Fatalf("Nth(%d) = %v %v, want %v", i, got, ok, p)
			}
		}
		if _, ok := m.Nth(len(set)); ok {
			t.Error("Nth beyond the last voxel")
		}
		var box mask.Box
		for _, p := range set {
			box = box.Union(mask.Box{Min: p, Max: mask.Point{p[0] + 1, p[1] + 1, p[2] + 1}})
		}
		if got := m.Box(); got != box {
			t.Errorf("box %v, want %v", got, box)
		}
		for _, p := range []mask.Point{{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}, {m.Shape()[0], 0, 0}, {0, m.Shape()[1], 0}, {0, 0, m.Shape()[2]}} {
			m.Set(p, true)
			if m.At(p) || m.Count() != len(set) {
				t.Errorf("a voxel outside at %v", p)
			}
		}
		n := len(m.Dims())
		for axis := 3 - n; axis < 3; axis++ {
			counts := make([]int, m.Shape()[axis])
			for _, p := range set {
				counts[p[axis]]++
			}
			if got := m.SliceCounts(axis); !slices.Equal(got, counts) {
				t.Errorf("slices of axis %d hold %v, want %v", axis, got, counts)
			}
		}
	})
}

func TestOperations(t *testing.T) {
	each(t, func(t *testing.T, rng *rand.Rand, a *mask.Mask) {
		b := random(t, rng, a.Dims(), nil)
		var tp, fp, fn, tn int
		for _, p := range grid(a) {
			switch {
			case a.At(p) && b.At(p):
				tp++
			case a.At(p):
				fp++
			case b.At(p):
				fn++
			default:
				tn++
			}
		}
		if g, h, i, j, err := mask.Confusion(a, b); g != tp || h != fp || i != fn || j != tn || err != nil {
			t.Errorf("confusion %d %d %d %d %v, want %d %d %d %d", g, h, i, j, err, tp, fp, fn, tn)
		}
		if n, err := mask.CountAnd(a, b); n != tp || err != nil {
			t.Errorf("CountAnd %d %v, want %d", n, err, tp)
		}
		var m mask.Mask
		for _, op := range []struct {
			name string
			do   func(x, y *mask.Mask) error
			want func(x, y bool) bool
		}{
			{"and", m.And, func(x, y bool) bool { return x && y }},
			{"or", m.Or, func(x, y bool) bool { return x || y }},
			{"xor", m.Xor, func(x, y bool) bool { return x != y }},
			{"andnot", m.AndNot, func(x, y bool) bool { return x && !y }},
			{"not", func(x, _ *mask.Mask) error { m.Not(x); return nil }, func(x, _ bool) bool { return !x }},
		} {
			if err := op.do(a, b); err != nil {
				t.Fatal(err)
			}
			for _, p := range grid(a) {
				if m.At(p) != op.want(a.At(p), b.At(p)) {
					t.Fatalf("%s is wrong at %v", op.name, p)
				}
			}
			if m.Count() > m.Voxels() {
				t.Errorf("%s sets bits beyond the rows", op.name)
			}
		}
		same := a.Clone()
		if err := same.Xor(same, same); err != nil || !same.Empty() {
			t.Errorf("a xor a in place: %v, %d voxels", err, same.Count())
		}
	})
}

func TestOperationsRefuseOtherAxes(t *testing.T) {
	a, _ := mask.New([]int{1, 4, 4}, nil)
	b, _ := mask.New([]int{4, 4}, nil)
	var m mask.Mask
	for name, err := range map[string]error{"and": m.And(a, b), "or": m.Or(a, b), "xor": m.Xor(a, b), "andnot": m.AndNot(a, b)} {
		if !errors.Is(err, mask.ErrGrid) {
			t.Errorf("%s: error %v, want ErrGrid", name, err)
		}
	}
	if _, _, _, _, err := mask.Confusion(a, b); !errors.Is(err, mask.ErrGrid) {
		t.Errorf("confusion: error %v, want ErrGrid", err)
	}
}

func TestSlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	m := random(t, rng, []int{4, 5, 70}, []float64{3, 2, 1})
	want := map[int][]float64{0: {2, 1}, 1: {3, 1}, 2: {3, 2}}
	for axis := range 3 {
		var s mask.Mask
		total := 0
		for i := range m.Shape()[axis] {
			if err := s.Slice(m, axis, i); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(s.Spacing(), want[axis]) {
				t.Errorf("axis %d: spacing %v, want %v", axis, s.Spacing(), want[axis])
			}
			for p := range s.All() {
				if !m.At(mask.Lift(p, axis, i)) {
					t.Errorf("axis %d slice %d: %v is not set in the volume", axis, i, p)
				}
				total++
			}
		}
		if total != m.Count() {
			t.Errorf("axis %d: slices hold %d voxels, volume %d", axis, total, m.Count())
		}
	}
	var s mask.Mask
	if err := s.Slice(m, 0, 4); !errors.Is(err, mask.ErrShape) {
		t.Errorf("slice beyond the end: %v", err)
	}
}

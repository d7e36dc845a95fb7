package mask_test

import (
	"math/rand/v2"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// TestFlood compares with the components of what is allowed and the seeds.
func TestFlood(t *testing.T) {
	var lab mask.Labeling
	var part mask.Mask
	each(t, func(t *testing.T, rng *rand.Rand, allowed *mask.Mask) {
		shape := allowed.Shape()
		var seeds []mask.Point
		open := allowed.Clone()
		for range 1 + rng.IntN(3) {
			p := mask.Point{rng.IntN(shape[0]), rng.IntN(shape[1]), rng.IntN(shape[2])}
			seeds = append(seeds, p)
			open.Set(p, true)
		}
		if err := lab.Label(open, map[int]mask.Connectivity{2: 4, 3: 6}[allowed.NDim()]); err != nil {
			t.Fatal(err)
		}
		want := allowed.Like()
		for _, p := range seeds {
			lab.Draw(lab.At(p), &part)
			if err := want.Or(want, &part); err != nil {
				t.Fatal(err)
			}
		}
		asked := map[mask.Point]bool{}
		got := allowed.Like()
		got.Flood(append(seeds, mask.Point{-1, 0, 0}), func(first mask.Point, words []uint64) {
			if asked[first] {
				t.Errorf("row %v is asked for twice", first)
			}
			asked[first] = true
			for x := range shape[2] {
				if allowed.At(mask.Point{first[0], first[1], x}) {
					words[x>>6] |= 1 << (x & 63)
				}
			}
		})
		if !got.Equal(want) {
			t.Errorf("flooded %d voxels, want %d", got.Count(), want.Count())
		}
	})
}

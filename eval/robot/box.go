package robot

import (
	"math"
	"math/rand/v2"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// Jitter of careful and sloppy boxes as a share of the side: "5 to 10 %".
const (
	jitterLow  = 0.05
	jitterHigh = 0.10
)

func init() {
	about := map[string]string{
		"perfect": "the smallest box around",
		"careful": "a box grown symmetrically by 5 to 10 % of each side (one draw an axis) around",
		"sloppy":  "a box whose faces each moved by 5 to 10 % of the side, outward or inward, around",
	}
	for style, text := range about {
		Register("box:all:"+style, text+" the whole class", nil, newBox)
		for _, component := range []string{"largest", "random"} {
			Register("box:"+component+":"+style, text+" the "+component+" component of the region", chooserOptions, newBox)
		}
	}
}

// box draws bounding boxes, half-open in array indices, 2-D and 3-D.
type box struct {
	name, style string
	chooser
}

func newBox(o *Options) (User, error) {
	b := &box{name: o.Name, style: o.Style, chooser: chooser{component: "all"}}
	if o.Component != "all" {
		b.chooser = newChooser(o)
	}
	return b, nil
}

func (b *box) Name() string { return b.name }

// Prompt draws around the whole truth (component "all") or a component of the
// region.
func (b *box) Prompt(s *Scene, rng *rand.Rand) (Prompt, bool, error) {
	var around mask.Box
	if b.component == "all" {
		around = s.Truth.Box()
	} else {
		w := scratches.Get().(*scratch)
		defer scratches.Put(w)
		if _, err := b.choose(s, w, rng); err != nil {
			return Prompt{}, false, err
		}
		around = w.component.Box()
	}
	if around.Empty() || s.Empty() {
		return Prompt{}, false, nil
	}
	first := 3 - s.Truth.NDim()
	shape := s.Truth.Shape()
	for a := first; a < 3; a++ {
		lo, hi := around.Min[a], around.Max[a]
		switch b.style {
		case "careful":
			lo, hi = careful(lo, hi, shape[a], rng)
		case "sloppy":
			lo, hi = sloppy(lo, hi, shape[a], rng)
		}
		around.Min[a], around.Max[a] = lo, hi
	}
	return boxPrompt(b.name, s.Truth, around), true, nil
}

func boxPrompt(name string, m *mask.Mask, b mask.Box) Prompt {
	last := b.Max
	for a := range last {
		last[a]--
	}
	span := &Span{Min: m.Coords(b.Min), Max: m.Coords(b.Max), MaxInclusive: m.Coords(last)}
	return Prompt{Kind: Box, User: name, Points: []Point{span.Min, span.MaxInclusive}, Box: span}
}

// careful grows [lo, hi) by u·side, u ~ U(0.05, 0.10), half at each end, each
// half rounded half away from zero and at least 1, clipped to [0, n).
func careful(lo, hi, n int, rng *rand.Rand) (int, int) {
	d := step(jitter(rng) * float64(hi-lo) / 2)
	return max(0, lo-d), min(n, hi+d)
}

// sloppy moves each end on its own by u·side (at least 1) in a random
// direction, clipped to [0, n), with at least one voxel left.
func sloppy(lo, hi, n int, rng *rand.Rand) (int, int) {
	side := float64(hi - lo)
	lo2 := min(max(0, lo+sign(rng)*step(jitter(rng)*side)), n-1)
	hi2 := min(max(1, hi+sign(rng)*step(jitter(rng)*side)), n)
	if hi2 <= lo2 { // sides of one or two voxels can turn inside out
		lo2 = min(lo2, hi-1)
		hi2 = lo2 + 1
	}
	return lo2, hi2
}

func jitter(rng *rand.Rand) float64 { return jitterLow + (jitterHigh-jitterLow)*rng.Float64() }

func step(v float64) int { return max(1, int(math.Round(v))) }

func sign(rng *rand.Rand) int { return 1 - 2*rng.IntN(2) }

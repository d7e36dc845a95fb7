package geom

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

func near(a, b Affine, tol float64) bool {
	for i := range a {
		for j := range a[i] {
			if !(math.Abs(a[i][j]-b[i][j]) <= tol) {
				return false
			}
		}
	}
	return true
}

func TestFromQuaternion(t *testing.T) {
	h := math.Sqrt(0.5)
	for name, c := range map[string]struct {
		b, c, d, qfac float64
		want          Affine
	}{
		"none":            {0, 0, 0, 1, Affine{{1, 0, 0, 5}, {0, 2, 0, 6}, {0, 0, 3, 7}, {0, 0, 0, 1}}},
		"flipped":         {0, 0, 0, -1, Affine{{1, 0, 0, 5}, {0, 2, 0, 6}, {0, 0, -3, 7}, {0, 0, 0, 1}}},
		"qfac 0 is 1":     {0, 0, 0, 0, Affine{{1, 0, 0, 5}, {0, 2, 0, 6}, {0, 0, 3, 7}, {0, 0, 0, 1}}},
		"quarter about z": {0, 0, h, 1, Affine{{0, -2, 0, 5}, {1, 0, 0, 6}, {0, 0, 3, 7}, {0, 0, 0, 1}}},
		"half about z":    {0, 0, 1, 1, Affine{{-1, 0, 0, 5}, {0, -2, 0, 6}, {0, 0, 3, 7}, {0, 0, 0, 1}}},
		"too long":        {0, 0, 1.5, 1, Affine{{-1, 0, 0, 5}, {0, -2, 0, 6}, {0, 0, 3, 7}, {0, 0, 0, 1}}},
	} {
		got := FromQuaternion(c.b, c.c, c.d, [3]float64{1, 2, 3}, [3]float64{5, 6, 7}, c.qfac)
		if !near(got, c.want, 1e-12) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestInverse(t *testing.T) {
	a := FromQuaternion(0.1, 0.2, 0.3, [3]float64{0.5, 0.7, 4}, [3]float64{-100, 20, 33}, -1)
	inv, ok := Inverse(a)
	if !ok {
		t.Fatal("no inverse")
	}
	for _, v := range [][3]float64{{0, 0, 0}, {10, 20, 30}, {-1, 2, 511}} {
		for i, x := range Apply(inv, Apply(a, v)) {
			if math.Abs(x-v[i]) > 1e-9 {
				t.Errorf("%v comes back as %v", v, x)
			}
		}
	}
	if s := Spacing(a); math.Abs(s[0]-0.5)+math.Abs(s[1]-0.7)+math.Abs(s[2]-4) > 1e-12 {
		t.Errorf("spacing %v", s)
	}
	if _, ok := Inverse(Affine{}); ok {
		t.Error("zero has no inverse")
	}
}

func TestOrientation(t *testing.T) {
	for want, a := range map[string]Affine{
		"RAS": FromSpacing([3]float64{1, 2, 3}),
		"LPS": {{-1}, {0, -1}, {0, 0, 1}, {0, 0, 0, 1}},
		"PIR": {{0, 0, 2}, {-2}, {0, -1}, {0, 0, 0, 1}},
		"":    {},
	} {
		if got := Orientation(a); got != want {
			t.Errorf("%v: %q, want %q", a, got, want)
		}
	}
}

func grid(change func(h *convertcore.Header)) convertcore.Header {
	h := convertcore.Header{
		Form: convertcore.NIfTI, Dims: [4]int{512, 512, 100, 1}, Channels: 1, Bits: 16, Lead: 352,
		Affine: FromQuaternion(0.01, 0.02, 0.03, [3]float64{0.7, 0.7, 2.5}, [3]float64{-180, -170, 44}, 1),
	}
	if change != nil {
		change(&h)
	}
	return h
}

func TestSameGrid(t *testing.T) {
	type H = *convertcore.Header
	for name, c := range map[string]struct {
		change func(h H)
		words  string // "" where the grids are one
	}{
		"itself":             {nil, ""},
		"single precision":   {func(h H) { roundAffine(&h.Affine) }, ""},
		"label without time": {func(h H) { h.Dims[3] = 4 }, ""},
		"size":               {func(h H) { h.Dims[1] = 511 }, "512 against 511 along y"},
		"origin":             {func(h H) { h.Affine[2][3] += 0.01 }, "origin"},
		"spacing":            {func(h H) { h.Affine[2][2] *= 1.01 }, "spacing"},
		"orientation":        {func(h H) { h.Affine[0][0] *= -1 }, "orientation RAS against LAS"},
		"rotation": {func(h H) {
			h.Affine = FromQuaternion(0.01, 0.02, 0.031, [3]float64{0.7, 0.7, 2.5}, [3]float64{-180, -170, 44}, 1)
		}, "rotation"},
		"no inverse": {func(h H) { h.Affine = Affine{} }, "without inverse"},
		"NaN":        {func(h H) { h.Affine[0][0] = math.NaN() }, "without inverse"},
		"form":       {func(h H) { h.Form = convertcore.PNG }, "PNG"},
	} {
		err := SameGrid(grid(nil), grid(c.change))
		switch {
		case c.words == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.words != "" && (!errors.Is(err, convertcore.ErrMismatch) || !strings.Contains(err.Error(), c.words)):
			t.Errorf("%s: %v", name, err)
		}
	}
	a, b := convertcore.RasterHeader(3, 4, 3, 8), convertcore.RasterHeader(3, 4, 1, 8)
	if err := SameGrid(a, b); err != nil {
		t.Error(err)
	}
	b.Dims[0]++
	if err := SameGrid(a, b); err == nil {
		t.Error("widths differ")
	}
}

func roundAffine(a *Affine) {
	for i := range a {
		for j := range a[i] {
			a[i][j] = float64(float32(a[i][j]))
		}
	}
}

package metric

import (
	"math"
	"slices"
	"strings"
)

// areaTable is the area (mm², in 2-D the length in mm) of the surface within
// the cube of eight voxels around a corner, by which of them are set.
type areaTable struct {
	area   [256]float64
	rank   [256]uint8 // of area among the different ones
	byRank []float64
}

// areasOf computes the table for a spacing in array order, two or three axes.
func areasOf(spacing []float64) areaTable {
	var t areaTable
	if len(spacing) == 2 {
		for code := range 16 {
			t.area[code] = contourLength(code, spacing[0], spacing[1])
		}
	} else {
		for code := range 256 {
			t.area[code] = surfaceArea(code, spacing)
		}
	}
	t.byRank = slices.Compact(slices.Sorted(slices.Values(t.area[:])))
	for code, a := range t.area {
		rank, _ := slices.BinarySearch(t.byRank, a)
		t.rank[code] = uint8(rank)
	}
	return t
}

// contourLength is the marching-squares contour between four pixel centers:
// bits 8 4 / 2 1. One corner, or all but one, cuts half a diagonal; two
// opposite ones cut two; two side by side a straight line.
func contourLength(code int, s0, s1 float64) float64 {
	diagonal := 0.5 * math.Sqrt(s0*s0+s1*s1)
	switch code {
	case 0, 15:
		return 0
	case 3, 12:
		return s1
	case 5, 10:
		return s0
	case 6, 9:
		return 2 * diagonal
	}
	return diagonal
}

// surfaceArea sums the triangles of a code. A normal's length is the area at
// spacing 1; each component scales with the two axes that it is normal to.
func surfaceArea(code int, s []float64) float64 {
	sum := 0.0
	for normal := range strings.FieldsSeq(surfelNormals[min(code, 255-code)]) {
		a := float64(normal[0]-'0') / 8 * s[1] * s[2]
		b := float64(normal[1]-'0') / 8 * s[0] * s[2]
		c := float64(normal[2]-'0') / 8 * s[0] * s[1]
		sum += math.Sqrt(float64(a*a) + float64(b*b) + float64(c*c))
	}
	return sum
}

// surfelNormals are the marching-cubes triangles of the codes 0 to 127, the
// code of the complement having the same: of each normal the three absolute
// components in units of 1/8. The numbers, and no more, are those of
// lookup_tables.py in github.com/google-deepmind/surface-distance, Copyright
// 2018 Google Inc., Apache License 2.0: a surface Dice is comparable with
// others only when it weighs the same surface.
var surfelNormals = [128]string{
	"000", "111", "111", "220 220", "111", "202 202", "111 111", "400 222 111", "111", "111 111",
	"202 202", "400 222 111", "220 220", "400 222 111", "400 222 111", "400 400", "111", "022 022",
	"111 111", "040 222 111", "111 111", "004 222 111", "111 111 111", "111 222 222 111", "111 111",
	"022 022 111", "202 202 111", "111 333 022 202", "111 220 220", "333 022 111 220",
	"400 111 222 111", "400 111 222", "111", "111 111", "022 022", "040 111 222", "111 111",
	"111 202 202", "022 022 111", "333 022 111 202", "111 111", "111 111 111", "004 222 111",
	"222 222 111 111", "111 220 220", "400 222 111 111", "022 333 111 220", "400 222 111", "220 220",
	"040 222 111", "040 111 222", "040 040", "220 220 111", "333 202 111 220", "111 040 222 111",
	"040 222 111", "111 220 220", "040 222 111 111", "333 220 111 202", "040 222 111",
	"220 220 220 220", "220 220 111", "111 220 220", "220 220", "111", "111 111", "111 111",
	"111 220 220", "022 022", "004 222 111", "022 022 111", "333 022 111 220", "111 111", "111 111 111",
	"111 202 202", "400 222 111 111", "040 222 111", "222 222 111 111", "202 333 022 111",
	"400 222 111", "202 202", "004 222 111", "111 202 202", "202 333 220 111", "004 222 111", "004 004",
	"111 111 222 004", "111 222 004", "202 202 111", "004 222 111 111", "202 202 202 202",
	"111 202 202", "202 333 220 111", "004 222 111", "111 202 202", "202 202", "111 111", "111 111 111",
	"111 022 022", "040 111 222 111", "022 022 111", "004 222 111 111", "022 022 022 022",
	"022 022 111", "111 111 111", "111 111 111 111", "004 222 111 111", "111 111 111",
	"040 222 111 111", "111 111 111", "022 022 111", "111 111", "400 222 111", "222 111 222 111",
	"333 022 111 202", "040 222 111", "333 220 022 111", "111 222 004", "111 022 022", "022 022",
	"400 222 111 111", "111 111 111", "202 202 111", "111 111", "220 220 111", "111 111", "111 111",
	"111",
}

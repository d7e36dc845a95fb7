package geom

import (
	"fmt"
	"math"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// gridTolerance is how far, in voxels, the same voxel may lie apart in two
// headers of one grid: single-precision fields keep 512 voxels to about 1e-4.
const gridTolerance = 1e-3

// SameGrid reports, as convertcore.ErrMismatch and in words, how the grids of
// two headers differ. A label without a time axis fits an image with one.
func SameGrid(a, b convertcore.Header) error {
	if a.Form != b.Form {
		return fmt.Errorf("%w: one is 2-D (PNG), the other 3-D (NIfTI)", convertcore.ErrMismatch)
	}
	for i, axis := range []string{"x", "y", "z", "t"} {
		da, db := a.Dims[i], b.Dims[i]
		if da != db && (i < 3 || da != 1 && db != 1) {
			return fmt.Errorf("%w: %d against %d along %s", convertcore.ErrMismatch, da, db, axis)
		}
	}
	if a.Form == convertcore.PNG {
		return nil
	}
	inv, ok := Inverse(a.Affine)
	if _, okB := Inverse(b.Affine); !ok || !okB {
		if a.Affine == b.Affine {
			return nil
		}
		return fmt.Errorf("%w: an affine without inverse, and the two differ", convertcore.ErrMismatch)
	}
	far := 0.0
	for corner := range 8 {
		var v [3]float64
		for i := range v {
			v[i] = float64((a.Dims[i] - 1) * (corner >> i & 1))
		}
		w := Apply(inv, Apply(b.Affine, v))
		for i := range v {
			far = math.Max(far, math.Abs(w[i]-v[i]))
		}
	}
	if far <= gridTolerance {
		return nil
	}
	return fmt.Errorf("%w: %s", convertcore.ErrMismatch, difference(a.Affine, b.Affine, far))
}

// difference says what differs first: orientation, spacing, place, or rotation.
func difference(a, b Affine, far float64) string {
	if oa, ob := Orientation(a), Orientation(b); oa != ob {
		return fmt.Sprintf("orientation %s against %s", oa, ob)
	}
	sa, sb := Spacing(a), Spacing(b)
	for i := range sa {
		if math.Abs(sa[i]-sb[i]) > 1e-4*sa[i] {
			return fmt.Sprintf("spacing %.5g mm against %.5g mm", sa, sb)
		}
	}
	oa, ob := Apply(a, [3]float64{}), Apply(b, [3]float64{})
	if math.Abs(oa[0]-ob[0])+math.Abs(oa[1]-ob[1])+math.Abs(oa[2]-ob[2]) > gridTolerance*min(sa[0], sa[1], sa[2]) {
		return fmt.Sprintf("origin %.5g mm against %.5g mm", oa, ob)
	}
	return fmt.Sprintf("the same voxel lies %.3g voxels apart (rotation or shear)", far)
}

// Package geom relates voxels to the patient: affines (voxel index to RAS+
// millimetres), spacing, orientation codes, and whether two grids are one.
package geom

import "math"

// Affine maps a voxel (i,j,k,1) to (x,y,z,1) in mm, x to the right, y to the
// front, z up (RAS+).
type Affine = [4][4]float64

// FromQuaternion is method 2 of NIfTI-1 (nifti1.h, "3D IMAGE ORIENTATION"):
// the rotation of the unit quaternion (a,b,c,d) with a >= 0, the spacing in mm
// and the offset in mm of voxel (0,0,0). qfac below 0 turns the third axis.
func FromQuaternion(b, c, d float64, spacing, offset [3]float64, qfac float64) Affine {
	a := 1 - (b*b + c*c + d*d)
	if a < 1e-7 { // a half turn: a is 0 and the rest is brought to length 1
		n := math.Sqrt(b*b + c*c + d*d)
		a, b, c, d = 0, b/n, c/n, d/n
	} else {
		a = math.Sqrt(a)
	}
	x, y, z := spacing[0], spacing[1], spacing[2]
	if qfac < 0 {
		z = -z
	}
	return Affine{
		{(a*a + b*b - c*c - d*d) * x, 2 * (b*c - a*d) * y, 2 * (b*d + a*c) * z, offset[0]},
		{2 * (b*c + a*d) * x, (a*a + c*c - b*b - d*d) * y, 2 * (c*d - a*b) * z, offset[1]},
		{2 * (b*d - a*c) * x, 2 * (c*d + a*b) * y, (a*a + d*d - b*b - c*c) * z, offset[2]},
		{0, 0, 0, 1},
	}
}

// FromSpacing is method 1 of NIfTI-1: no rotation, no offset.
func FromSpacing(spacing [3]float64) Affine {
	return Affine{{spacing[0]}, {0, spacing[1]}, {0, 0, spacing[2]}, {0, 0, 0, 1}}
}

// Apply returns the position in mm of a voxel.
func Apply(a Affine, v [3]float64) (p [3]float64) {
	for i := range p {
		p[i] = a[i][0]*v[0] + a[i][1]*v[1] + a[i][2]*v[2] + a[i][3]
	}
	return p
}

// Spacing is the distance in mm between neighbouring voxels along each axis.
func Spacing(a Affine) (s [3]float64) {
	for j := range s {
		s[j] = math.Sqrt(a[0][j]*a[0][j] + a[1][j]*a[1][j] + a[2][j]*a[2][j])
	}
	return s
}

// Inverse maps mm to voxels; false where a has no inverse.
func Inverse(a Affine) (inv Affine, ok bool) {
	cof := func(r, c int) float64 {
		r1, r2, c1, c2 := (r+1)%3, (r+2)%3, (c+1)%3, (c+2)%3
		return a[r1][c1]*a[r2][c2] - a[r1][c2]*a[r2][c1]
	}
	det := a[0][0]*cof(0, 0) + a[0][1]*cof(0, 1) + a[0][2]*cof(0, 2)
	if det == 0 || math.IsNaN(det) || math.IsInf(det, 0) {
		return Affine{}, false
	}
	for i := range 3 {
		for j := range 3 {
			inv[i][j] = cof(j, i) / det
		}
	}
	t := Apply(inv, [3]float64{a[0][3], a[1][3], a[2][3]})
	for i := range 3 {
		inv[i][3] = -t[i]
	}
	inv[3][3] = 1
	return inv, true
}

// Orientation names the direction that each voxel axis runs to, as "RAS" or
// "LPS"; "" where the affine has no inverse. Axes are paired with directions
// by the largest cosine first.
func Orientation(a Affine) string {
	if _, ok := Inverse(a); !ok {
		return ""
	}
	s := Spacing(a)
	var code [3]byte
	var used [3]bool
	for range 3 {
		best, row, col := -1.0, 0, 0
		for i := range 3 {
			for j := range 3 {
				if cos := math.Abs(a[i][j] / s[j]); !used[i] && code[j] == 0 && cos > best {
					best, row, col = cos, i, j
				}
			}
		}
		used[row] = true
		code[col] = "RAS"[row]
		if a[row][col] < 0 {
			code[col] = "LPI"[row]
		}
	}
	return string(code[:])
}

package geom

import "math"

// quaternion returns b, c, d and qfac of the rotation that lies nearest to the
// axes of a (nifti1.h: the orthonormal part of the matrix, by polar
// decomposition); false where a has no inverse.
func quaternion(a Affine) (b, c, d, qfac float64, ok bool) {
	r := a
	for j, s := range Spacing(a) {
		if s == 0 {
			return 0, 0, 0, 1, false
		}
		for i := range 3 {
			r[i][j] /= s
		}
	}
	if _, ok := Inverse(r); !ok {
		return 0, 0, 0, 1, false
	}
	r = orthonormal(r)
	qfac = 1
	if det(r) < 0 {
		qfac = -1
		for i := range 3 {
			r[i][2] = -r[i][2]
		}
	}
	b, c, d = fromRotation(r)
	return b, c, d, qfac, true
}

// orthonormal is the rotation part of r's polar decomposition, by Newton's
// iteration r <- (r + r^-T)/2 (Higham 1986), which converges quadratically.
func orthonormal(r Affine) Affine {
	for i := range 3 {
		r[i][3] = 0
	}
	for range 64 {
		inv, ok := Inverse(r)
		if !ok {
			return r
		}
		far := 0.0
		next := r
		for i := range 3 {
			for j := range 3 {
				next[i][j] = (r[i][j] + inv[j][i]) / 2
				far = math.Max(far, math.Abs(next[i][j]-r[i][j]))
			}
		}
		r = next
		if far < 1e-15 {
			break
		}
	}
	return r
}

func det(a Affine) float64 {
	return a[0][0]*(a[1][1]*a[2][2]-a[1][2]*a[2][1]) -
		a[0][1]*(a[1][0]*a[2][2]-a[1][2]*a[2][0]) +
		a[0][2]*(a[1][0]*a[2][1]-a[1][1]*a[2][0])
}

// fromRotation returns the unit quaternion (a,b,c,d), a >= 0, of a proper
// rotation without its a, by the largest component (Shepperd 1978).
func fromRotation(r Affine) (b, c, d float64) {
	q := [4]float64{
		1 + r[0][0] + r[1][1] + r[2][2],
		1 + r[0][0] - r[1][1] - r[2][2],
		1 - r[0][0] + r[1][1] - r[2][2],
		1 - r[0][0] - r[1][1] + r[2][2],
	}
	k := 0
	for i, v := range q {
		if v > q[k] {
			k = i
		}
	}
	n := 2 * math.Sqrt(q[k])
	p := [4][4]float64{
		{q[0], r[2][1] - r[1][2], r[0][2] - r[2][0], r[1][0] - r[0][1]},
		{r[2][1] - r[1][2], q[1], r[0][1] + r[1][0], r[0][2] + r[2][0]},
		{r[0][2] - r[2][0], r[0][1] + r[1][0], q[2], r[1][2] + r[2][1]},
		{r[1][0] - r[0][1], r[0][2] + r[2][0], r[1][2] + r[2][1], q[3]},
	}[k]
	sign := 1.0
	if p[0] < 0 {
		sign = -1
	}
	return sign * p[1] / n, sign * p[2] / n, sign * p[3] / n
}

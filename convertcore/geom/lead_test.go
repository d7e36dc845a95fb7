package geom

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/okieraised/gonii/pkg/nifti"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// TestQuaternion takes rotations through the quaternion and back, of both
// handednesses.
func TestQuaternion(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 2000 {
		var q [4]float64
		norm := 0.0
		for i := range q {
			q[i] = rng.NormFloat64()
			if n%7 == 0 && i > 0 && rng.IntN(2) == 0 {
				q[i] = 0 // axis-parallel ones
			}
			norm += q[i] * q[i]
		}
		for i := range q {
			q[i] /= math.Sqrt(norm)
		}
		if n%11 == 0 {
			q = [4]float64{0, 0, 0, 1} // a half turn
		}
		if q[0] < 0 {
			q = [4]float64{-q[0], -q[1], -q[2], -q[3]}
		}
		spacing, qfac := [3]float64{0.7, 1.3, 2.5}, float64(1-2*(n%2))
		want := FromQuaternion(q[1], q[2], q[3], spacing, [3]float64{1, 2, 3}, qfac)
		b, c, d, f, ok := quaternion(want)
		if !ok || f != qfac {
			t.Fatalf("qfac %v, want %v", f, qfac)
		}
		got := FromQuaternion(b, c, d, spacing, [3]float64{1, 2, 3}, f)
		for i := range want {
			for j := range want[i] {
				if math.Abs(got[i][j]-want[i][j]) > 1e-6 {
					t.Fatalf("quaternion %v: %v, want %v", q, got, want)
				}
			}
		}
	}
}

// TestShear keeps a sheared affine (gantry tilt) in the sform and puts a proper
// rotation beside it.
func TestShear(t *testing.T) {
	a := Affine{{-0.5, 0, 0, 10}, {0, -0.48, 0.9, 20}, {0, 0.1, 5, 30}, {0, 0, 0, 1}}
	h := convertcore.Header{Dims: [4]int{2, 3, 4, 1}, Channels: 1, Bits: 16, Signed: true, Affine: a}
	v, err := NewVolume(h, 2, -1024, make([]byte, 48))
	if err != nil {
		t.Fatal(err)
	}
	if slope, inter := v.Scaling(); slope != 2 || inter != -1024 {
		t.Errorf("scaling %v %v", slope, inter)
	}
	var n nifti.Nii1Header
	if _, err := binary.Decode(v.Lead(), binary.LittleEndian, &n); err != nil {
		t.Fatal(err)
	}
	if n.SrowY != [4]float32{0, -0.48, 0.9, 20} || n.QformCode != 1 || n.Bitpix != 16 || int32(n.Datatype) != nifti.DT_INT16 {
		t.Errorf("%+v", n)
	}
	if l := n.QuaternB*n.QuaternB + n.QuaternC*n.QuaternC + n.QuaternD*n.QuaternD; l > 1.000001 {
		t.Errorf("quaternion of length %v", l)
	}
	h.Affine[1] = [4]float64{}
	if _, err := NewVolume(h, 1, 0, make([]byte, 48)); err != nil {
		t.Errorf("an affine without inverse: %v", err)
	}
	h.Affine[1][1] = math.NaN()
	if _, err := NewVolume(h, 1, 0, make([]byte, 48)); err == nil {
		t.Error("NaN in the affine was taken")
	}
}

package convertcore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"
)

func gray(v ...byte) (out []byte) {
	for _, x := range v {
		out = append(out, x, x, x)
	}
	return out
}

func TestRasterView(t *testing.T) {
	for name, c := range map[string]struct {
		channels, bits int
		pix            []byte
		win            Window
		want           []byte
	}{
		"gray":            {1, 8, []byte{3, 200}, Window{}, gray(3, 200)},
		"gray and alpha":  {2, 8, []byte{3, 9, 200, 9}, Window{}, gray(3, 200)},
		"RGBA":            {4, 8, []byte{1, 2, 3, 4, 5, 6, 7, 8}, Window{}, []byte{1, 2, 3, 5, 6, 7}},
		"16 bits":         {1, 16, []byte{1, 0, 3, 0}, Window{}, gray(0, 255)},
		"16 bits, window": {1, 16, []byte{1, 0, 3, 0}, Window{512, 1024}, gray(64, 191)},
	} {
		r, err := NewRaster(2, 1, c.channels, c.bits, c.pix)
		if err != nil {
			t.Fatal(err)
		}
		if v := r.View(c.win); v.W != 2 || v.H != 1 || !bytes.Equal(v.RGB, c.want) {
			t.Errorf("%s: %v", name, v)
		}
	}
}

// viewVolume is 2×3×4 of int16, voxel (x,y,z) = x + 10y + 100z - 50.
func viewVolume(t *testing.T) *Volume {
	h := Header{Form: NIfTI, Dims: [4]int{2, 3, 4, 1}, Channels: 1, Bits: 16, Signed: true, Lead: MinLead}
	var voxels []byte
	for z := range 4 {
		for y := range 3 {
			for x := range 2 {
				voxels = binary.LittleEndian.AppendUint16(voxels, uint16(int16(x+10*y+100*z-50)))
			}
		}
	}
	v, err := NewVolume(h, make([]byte, MinLead), voxels)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVolumeView(t *testing.T) {
	v := viewVolume(t)
	one := Window{127.5 - 50, 255} // shows value + 50
	for axis, want := range [][]byte{
		gray(255, 255, 255, 201, 211, 221, 101, 111, 121, 1, 11, 21),
		gray(255, 255, 210, 211, 110, 111, 10, 11),
		gray(120, 121, 110, 111, 100, 101),
	} {
		got, err := v.View(axis, 1, 0, one)
		if err != nil || !bytes.Equal(got.RGB, want) || len(got.RGB) != 3*got.W*got.H {
			t.Errorf("axis %d: %v, %v", axis, got, err)
		}
	}
	for _, bad := range [][3]int{{3, 0, 0}, {-1, 0, 0}, {2, 4, 0}, {0, -1, 0}, {0, 0, 1}} {
		if _, err := v.View(bad[0], bad[1], bad[2], one); !errors.Is(err, ErrMismatch) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestScaledRaster(t *testing.T) {
	var voxels []byte
	values := []float32{-2.5, 0, 7.25, float32(math.NaN())}
	for _, x := range values {
		voxels = binary.LittleEndian.AppendUint32(voxels, math.Float32bits(x))
	}
	h := Header{Form: NIfTI, Dims: [4]int{4, 1, 1, 1}, Channels: 1, Bits: 32, Float: true, Lead: MinLead}
	v, err := NewVolume(h, make([]byte, MinLead), voxels)
	if err != nil {
		t.Fatal(err)
	}
	r, slope, inter, err := ScaledRaster(v)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range values[:3] {
		if got := float64(binary.BigEndian.Uint16(r.Payload()[2*i:]))*slope + inter; math.Abs(got-float64(x)) > slope {
			t.Errorf("%v became %v", x, got)
		}
	}
	if _, _, _, err := ScaledRaster(viewVolume(t)); !errors.Is(err, ErrMismatch) {
		t.Error(err)
	}
}

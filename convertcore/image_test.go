package convertcore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"
)

func TestConstructorsCheckSizes(t *testing.T) {
	if _, err := NewRaster(3, 3, 1, 8, make([]byte, 8)); !errors.Is(err, ErrMismatch) {
		t.Error(err)
	}
	if _, err := NewRaster(1<<30, 1<<30, 4, 16, nil); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
	v := volume(t, 2, 2, 2, 8, 352)
	if _, err := NewVolume(v.Header(), v.Lead()[1:], v.Payload()); !errors.Is(err, ErrMismatch) {
		t.Error(err)
	}
	if _, err := NewVolume(RasterHeader(1, 1, 1, 8), nil, []byte{0}); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
	r := raster(t, 3, 3, 3, 8)
	if _, err := r.WithIndices(make([]byte, 27)); !errors.Is(err, ErrMismatch) {
		t.Error(err)
	}
}

func TestNewMask(t *testing.T) {
	m, err := NewMask(raster(t, 2, 2, 4, 16), []byte{0, 1, 1, 0})
	if err != nil || m.Header() != RasterHeader(2, 2, 1, 8) || !bytes.Equal(m.Payload(), []byte{0, 255, 255, 0}) {
		t.Errorf("%v, %v", m, err)
	}
	v := volume(t, 2, 2, 1, 64, 400)
	m, err = NewMask(v, []byte{0, 1, 1, 0})
	if err != nil || m.Header() != MaskHeader(v.Header()) || !bytes.Equal(m.Payload(), []byte{0, 1, 1, 0}) || len(m.Lead()) != 352 {
		t.Fatalf("%v, %v", m, err)
	}
	if slope, inter := m.(*Volume).Scaling(); slope != 1 || inter != 0 {
		t.Errorf("scaling %v, %v", slope, inter)
	}
	if !bytes.Equal(m.Lead()[136:348], v.Lead()[136:348]) {
		t.Error("the rest of the label's header is not kept")
	}
	for _, bad := range [][]byte{{0, 1, 2, 0}, {1, 1, 1}} {
		if _, err := NewMask(v, bad); err == nil {
			t.Errorf("%v is taken for a mask", bad)
		}
		if _, err := NewMaskRaster(2, 2, bytes.Clone(bad)); err == nil {
			t.Errorf("%v is taken for a mask", bad)
		}
	}
}

func TestScaling(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		slope, inter float32
		want         [2]float64
	}{
		{1, 0, [2]float64{1, 0}}, {0, 7, [2]float64{1, 0}}, {nan, 7, [2]float64{1, 0}}, {inf, 7, [2]float64{1, 0}},
		{0.5, -1024, [2]float64{0.5, -1024}}, {2, nan, [2]float64{2, 0}}, {0.1, 0, [2]float64{float64(float32(0.1)), 0}},
	} {
		v := volume(t, 1, 1, 1, 8, 352)
		binary.LittleEndian.PutUint32(v.lead[112:], math.Float32bits(c.slope))
		binary.LittleEndian.PutUint32(v.lead[116:], math.Float32bits(c.inter))
		if s, i := v.Scaling(); [2]float64{s, i} != c.want {
			t.Errorf("%v, %v: %v, %v", c.slope, c.inter, s, i)
		}
	}
}

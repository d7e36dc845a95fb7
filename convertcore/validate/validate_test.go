package validate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

func raster(t *testing.T, w, h, channels int) *convertcore.Raster {
	t.Helper()
	r, err := convertcore.NewRaster(w, h, channels, 8, bytes.Repeat([]byte{7}, w*h*channels))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func volume(t *testing.T, spacing float64) *convertcore.Volume {
	t.Helper()
	h := convertcore.Header{
		Form: convertcore.NIfTI, Dims: [4]int{4, 3, 2, 1}, Channels: 1, Bits: 16, Signed: true, Lead: 352,
		Affine: geom.FromSpacing([3]float64{1, 1, spacing}),
	}
	lead := make([]byte, 352)
	binary.LittleEndian.PutUint32(lead[112:], math.Float32bits(1))
	v, err := convertcore.NewVolume(h, lead, make([]byte, 48))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func mask(t *testing.T, like convertcore.Image) convertcore.Image {
	t.Helper()
	sel := make([]byte, like.Header().Pixels())
	sel[1] = 1
	m, err := convertcore.NewMask(like, sel)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPair(t *testing.T) {
	photo, v := raster(t, 5, 4, 3), volume(t, 2)
	for name, c := range map[string]struct {
		image, mask convertcore.Image
		want        error
	}{
		"png":           {photo, mask(t, photo), nil},
		"nifti":         {v, mask(t, v), nil},
		"another size":  {photo, mask(t, raster(t, 4, 5, 3)), convertcore.ErrMismatch},
		"another grid":  {v, mask(t, volume(t, 3)), convertcore.ErrMismatch},
		"another form":  {v, mask(t, photo), convertcore.ErrMismatch},
		"not binary":    {photo, raster(t, 5, 4, 1), convertcore.ErrFormat},
		"colour mask":   {photo, photo, convertcore.ErrFormat},
		"not a mask":    {v, v, convertcore.ErrFormat},
		"lying payload": {lying{photo}, mask(t, photo), convertcore.ErrMismatch},
	} {
		if err := Pair(c.image, c.mask); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// lying has fewer pixels than its header says.
type lying struct{ *convertcore.Raster }

func (l lying) Payload() []byte { return l.Raster.Payload()[1:] }

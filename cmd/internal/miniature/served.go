package miniature

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"math"
)

// ReadPNG reads a served PNG; samples are as stored, alpha left out.
func ReadPNG(data []byte) (*Picture, error) {
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	r := img.Bounds()
	// IHDR: bit depth and color type follow width and height.
	bits, kind := int(data[24]), data[25]
	c := 1
	if kind == 2 || kind == 6 || kind == 3 {
		c = 3
	}
	p := newPicture(r.Dx(), r.Dy(), 1, c)
	p.Bits = bits
	for y := range p.H {
		for x := range p.W {
			v := color.NRGBA64Model.Convert(img.At(x, y)).(color.NRGBA64)
			for k, s := range []uint16{v.R, v.G, v.B}[:c] {
				if bits <= 8 {
					s >>= 8
				}
				p.Px[(y*p.W+x)*c+k] = float64(s)
			}
		}
	}
	return p, nil
}

// ReadNIfTI reads a served .nii.gz with one volume or several, after slope and
// intercept. The affine comes apart: rows are x, y and z in RAS.
func ReadNIfTI(data []byte) (p *Picture, affine [3][4]float64, planes int, err error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, affine, 0, err
	}
	if data, err = io.ReadAll(z); err != nil {
		return nil, affine, 0, err
	}
	le := binary.LittleEndian
	if len(data) < 352 || le.Uint32(data) != 348 {
		return nil, affine, 0, fmt.Errorf("no NIfTI-1 header")
	}
	i16 := func(at int) int { return int(int16(le.Uint16(data[at:]))) }
	f32 := func(at int) float64 { return float64(math.Float32frombits(le.Uint32(data[at:]))) }
	dims := [5]int{}
	for i := range dims {
		dims[i] = 1
		if i > 0 && i <= i16(40) {
			dims[i] = i16(40 + 2*i)
		}
	}
	c, size := 1, i16(72)/8
	var get func([]byte) float64
	switch kind := i16(70); kind {
	case 2:
		get = func(b []byte) float64 { return float64(b[0]) }
	case 4:
		get = func(b []byte) float64 { return float64(int16(le.Uint16(b))) }
	case 512:
		get = func(b []byte) float64 { return float64(le.Uint16(b)) }
	case 8:
		get = func(b []byte) float64 { return float64(int32(le.Uint32(b))) }
	case 16:
		get = func(b []byte) float64 { return float64(math.Float32frombits(le.Uint32(b))) }
	case 128:
		c, size, get = 3, 1, func(b []byte) float64 { return float64(b[0]) }
	default:
		return nil, affine, 0, fmt.Errorf("datatype %d", kind)
	}
	p = newPicture(dims[1], dims[2], dims[3], c)
	n := p.pixels() * c * dims[4]
	p.Px = make([]float64, n)
	off := int(f32(108))
	if len(data)-off < n*size {
		return nil, affine, 0, fmt.Errorf("%d bytes of voxels, want %d", len(data)-off, n*size)
	}
	slope, inter := f32(112), f32(116)
	if slope == 0 {
		slope, inter = 1, 0
	}
	for i := range p.Px {
		p.Px[i] = get(data[off+i*size:])*slope + inter
	}
	if i16(254) > 0 {
		for i := range 3 {
			for j := range 4 {
				affine[i][j] = f32(280 + 16*i + 4*j)
			}
		}
	} else {
		affine = qform(f32)
	}
	return p, affine, dims[4], nil
}

// qform is method 2 of nifti1.h.
func qform(f32 func(int) float64) (m [3][4]float64) {
	b, c, d := f32(256), f32(260), f32(264)
	a := math.Sqrt(math.Max(0, 1-b*b-c*c-d*d))
	fac := f32(76)
	if fac == 0 {
		fac = 1
	}
	dx, dy, dz := f32(80), f32(84), f32(88)*fac
	return [3][4]float64{
		{(a*a + b*b - c*c - d*d) * dx, 2 * (b*c - a*d) * dy, 2 * (b*d + a*c) * dz, f32(268)},
		{2 * (b*c + a*d) * dx, (a*a + c*c - b*b - d*d) * dy, 2 * (c*d - a*b) * dz, f32(272)},
		{2 * (b*d - a*c) * dx, 2 * (c*d + a*b) * dy, (a*a + d*d - c*c - b*b) * dz, f32(276)},
	}
}

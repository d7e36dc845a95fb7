package format

import "image"

// rgbOfYCbCr appends the RGB rows of m. Chroma is interpolated ("fancy
// upsampling") and converted in the fixed point of libjpeg, so that pixels are
// those that Pillow and OpenCV give but for the rounding of the inverse DCT.
func rgbOfYCbCr(pix []byte, m *image.YCbCr) []byte {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	cb, cr := newChroma(m, m.Cb), newChroma(m, m.Cr)
	for y := range h {
		ys, bs, rs := m.Y[y*m.YStride:][:w], cb.row(y)[:w], cr.row(y)[:w]
		for x, v := range ys {
			b, r := int32(bs[x])-128, int32(rs[x])-128
			l := int32(v)
			pix = append(pix,
				clamp(l+(91881*r+32768)>>16),
				clamp(l+(-22554*b-46802*r+32768)>>16),
				clamp(l+(116130*b+32768)>>16))
		}
	}
	return pix
}

func clamp(v int32) byte {
	if uint32(v) > 255 {
		return byte(^(v >> 31))
	}
	return byte(v)
}

// chroma gives the rows of one chroma plane at the size of the luma.
type chroma struct {
	plane  []byte
	stride int
	w, h   int // of the plane
	sx, sy int // luma samples for one of chroma
	fancy  bool
	sums   []int32
	out    []byte
}

func newChroma(m *image.YCbCr, plane []byte) *chroma {
	sx, sy := 1, 1
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		sx = 2
	case image.YCbCrSubsampleRatio420:
		sx, sy = 2, 2
	case image.YCbCrSubsampleRatio440:
		sy = 2
	case image.YCbCrSubsampleRatio411:
		sx = 4
	case image.YCbCrSubsampleRatio410:
		sx, sy = 4, 2
	}
	w, h := (m.Rect.Dx()+sx-1)/sx, (m.Rect.Dy()+sy-1)/sy
	c := &chroma{plane: plane, stride: m.CStride, w: w, h: h, sx: sx, sy: sy}
	// jdsample.c: narrow planes and other ratios are replicated.
	c.fancy = sx == 2 && sy <= 2 && w > 2 || sx == 1 && sy == 2
	c.sums, c.out = make([]int32, w), make([]byte, w*sx)
	return c
}

func (c *chroma) line(y int) []byte { return c.plane[min(max(y, 0), c.h-1)*c.stride:][:c.w] }

// row returns row y of the luma grid; it is valid until the next call.
func (c *chroma) row(y int) []byte {
	near := c.line(y / c.sy)
	switch {
	case c.sx == 1 && c.sy == 1:
		return near
	case !c.fancy:
		for x := range c.out {
			c.out[x] = near[x/c.sx]
		}
		return c.out
	case c.sy == 1:
		c.wide(near)
		return c.out
	}
	far := c.line(y/2 - 1 + y%2*2)
	for x, v := range near {
		c.sums[x] = 3*int32(v) + int32(far[x])
	}
	if c.sx == 1 { // h1v2_fancy_upsample
		for x, s := range c.sums {
			c.out[x] = byte((s + 1 + int32(y%2)) >> 2)
		}
		return c.out
	}
	c.wideSums()
	return c.out
}

// wide is h2v1_fancy_upsample: three parts of the near sample, one of the far.
func (c *chroma) wide(in []byte) {
	last := len(in) - 1
	c.out[0], c.out[2*last+1] = in[0], in[last]
	for x := range last {
		a, b := int32(in[x]), int32(in[x+1])
		c.out[2*x+1] = byte((3*a + b + 2) >> 2)
		c.out[2*x+2] = byte((3*b + a + 1) >> 2)
	}
}

// wideSums is h2v2_fancy_upsample over sums of two rows.
func (c *chroma) wideSums() {
	last := len(c.sums) - 1
	c.out[0], c.out[2*last+1] = byte((4*c.sums[0]+8)>>4), byte((4*c.sums[last]+7)>>4)
	for x := range last {
		a, b := c.sums[x], c.sums[x+1]
		c.out[2*x+1] = byte((3*a + b + 7) >> 4)
		c.out[2*x+2] = byte((3*b + a + 8) >> 4)
	}
}

package codec

// upsampler gives the rows of one plane at the size of the frame, as jdsample.c
// does: twofold by a triangle filter ("fancy upsampling"), else by replication.
type upsampler struct {
	c      *component
	sx, sy int // samples of the frame for one of the plane
	fancy  bool
	sums   []int32
	out    []uint16
}

func newUpsampler(c *component, hmax, vmax int) *upsampler {
	u := &upsampler{c: c, sx: hmax / c.h, sy: vmax / c.v}
	u.fancy = u.sx == 2 && u.sy <= 2 && c.w > 2 || u.sx == 1 && u.sy == 2
	if u.sx > 1 || u.sy > 1 {
		u.sums, u.out = make([]int32, c.w), make([]uint16, c.w*u.sx)
	}
	return u
}

func (u *upsampler) line(y int) []uint16 {
	y = min(max(y, 0), u.c.hgt-1)
	return u.c.band(y / 8)[y%8*8*u.c.bw:][:u.c.w]
}

// row returns row y of the frame; it is valid until the next call.
func (u *upsampler) row(y int) []uint16 {
	near := u.line(y / u.sy)
	switch {
	case u.sx == 1 && u.sy == 1:
		return near
	case !u.fancy:
		for x := range u.out {
			u.out[x] = near[x/u.sx]
		}
		return u.out
	case u.sy == 1:
		u.wide(near)
		return u.out
	}
	far := u.line(y/2 - 1 + y%2*2)
	for x, v := range near {
		u.sums[x] = 3*int32(v) + int32(far[x])
	}
	if u.sx == 1 { // h1v2_fancy_upsample
		for x, s := range u.sums {
			u.out[x] = uint16((s + 1 + int32(y%2)) >> 2)
		}
		return u.out
	}
	u.wideSums()
	return u.out
}

// wide is h2v1_fancy_upsample: three parts of the near sample, one of the far.
func (u *upsampler) wide(in []uint16) {
	last := len(in) - 1
	u.out[0], u.out[2*last+1] = in[0], in[last]
	for x := range last {
		a, b := int32(in[x]), int32(in[x+1])
		u.out[2*x+1] = uint16((3*a + b + 2) >> 2)
		u.out[2*x+2] = uint16((3*b + a + 1) >> 2)
	}
}

// wideSums is h2v2_fancy_upsample over sums of two rows.
func (u *upsampler) wideSums() {
	last := len(u.sums) - 1
	u.out[0], u.out[2*last+1] = uint16((4*u.sums[0]+8)>>4), uint16((4*u.sums[last]+7)>>4)
	for x := range last {
		a, b := u.sums[x], u.sums[x+1]
		u.out[2*x+1] = uint16((3*a + b + 7) >> 4)
		u.out[2*x+2] = uint16((3*b + a + 8) >> 4)
	}
}

package codec

// The constants of jidctint.c, FIX(x) of 13 bits.
const (
	idctBits = 13
	fix0298  = 2446  // 0.298631336
	fix0390  = 3196  // 0.390180644
	fix0541  = 4433  // 0.541196100
	fix0765  = 6270  // 0.765366865
	fix0899  = 7373  // 0.899976223
	fix1175  = 9633  // 1.175875602
	fix1501  = 12299 // 1.501321110
	fix1847  = 15137 // 1.847759065
	fix1961  = 16069 // 1.961570560
	fix2053  = 16819 // 2.053119869
	fix2562  = 20995 // 2.562915447
	fix3072  = 25172 // 3.072711026
)

// idct writes the 8×8 samples of dequantized coefficients to out, stride apart,
// as libjpeg's slow integer method does (jidctint.c; Loeffler, Ligtenberg and
// Moschytz 1989), so that lossy pixels are those of everybody else. last is the
// zigzag index of the last coefficient that is not zero.
func idct(b *[64]int, last int, out []uint16, stride, precision int) {
	center, limit := 1<<(precision-1), 1<<precision-1
	if last == 0 {
		v := uint16(min(max((b[0]+4)>>3+center, 0), limit))
		for y := range 8 {
			row := out[y*stride:][:8]
			for x := range row {
				row[x] = v
			}
		}
		return
	}
	pass1 := 2 // bits of the fraction between the passes
	if precision == 12 {
		pass1 = 1
	}
	for x := range 8 {
		c := b[x : x+57]
		if c[8]|c[16]|c[24]|c[32]|c[40]|c[48]|c[56] == 0 {
			v := c[0] << pass1
			c[0], c[8], c[16], c[24], c[32], c[40], c[48], c[56] = v, v, v, v, v, v, v, v
			continue
		}
		c[0], c[8], c[16], c[24], c[32], c[40], c[48], c[56] =
			idct8(c[0], c[8], c[16], c[24], c[32], c[40], c[48], c[56], idctBits-pass1)
	}
	shift := idctBits + pass1 + 3
	for y := range 8 {
		r := b[8*y:][:8]
		o := out[y*stride:][:8]
		var v [8]int
		v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7] = idct8(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], shift)
		for x, s := range v {
			s += center
			if uint(s) > uint(limit) {
				s = min(max(s, 0), limit)
			}
			o[x] = uint16(s)
		}
	}
}

// idct8 is one pass over eight values, scaled down by shift bits.
func idct8(s0, s1, s2, s3, s4, s5, s6, s7, shift int) (o0, o1, o2, o3, o4, o5, o6, o7 int) {
	z1 := (s2 + s6) * fix0541
	t2, t3 := z1-s6*fix1847, z1+s2*fix0765
	round := 1 << (shift - 1)
	t0, t1 := (s0+s4)<<idctBits+round, (s0-s4)<<idctBits+round
	e0, e3, e1, e2 := t0+t3, t0-t3, t1+t2, t1-t2

	z1, z2, z3, z4 := s7+s1, s5+s3, s7+s3, s5+s1
	z5 := (z3 + z4) * fix1175
	z1, z2, z3, z4 = -z1*fix0899, -z2*fix2562, z5-z3*fix1961, z5-z4*fix0390
	t0, t1 = s7*fix0298+z1+z3, s5*fix2053+z2+z4
	t2, t3 = s3*fix3072+z2+z3, s1*fix1501+z1+z4

	return (e0 + t3) >> shift, (e1 + t2) >> shift, (e2 + t1) >> shift, (e3 + t0) >> shift,
		(e3 - t0) >> shift, (e2 - t1) >> shift, (e1 - t2) >> shift, (e0 - t3) >> shift
}

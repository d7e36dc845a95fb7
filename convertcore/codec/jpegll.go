package codec

// lossless decodes a scan of SOF3 (ITU T.81, annex H) into d.full.
func (d *jpegDecoder) lossless(s *scan, r *bitReader) error {
	w, n := d.f.Width, len(d.comps)
	if s.ss < 1 || s.ss > 7 || s.al >= d.precision {
		return malformed("lossless JPEG scan with predictor %d, point transform %d", s.ss, s.al)
	}
	for _, h := range s.dc {
		if h == nil {
			return malformed("JPEG component without Huffman table")
		}
	}
	if d.interval%w != 0 {
		return unsupported("lossless JPEG that restarts within a row")
	}
	every := d.interval / w // rows
	var above []uint16
	for y := range d.f.Height {
		if every > 0 && y > 0 && y%every == 0 {
			if err := r.restart(y/every - 1); err != nil {
				return err
			}
			above = nil
		}
		row := d.full[y*w*n:][:w*n]
		ok := true
		if len(s.comps) == 1 {
			at := d.index(s.comps[0])
			var up []uint16
			if above != nil {
				up = above[at:]
			}
			ok = losslessRow(row[at:], up, n, s.ss, 1<<(d.precision-s.al-1), s.dc[0], r)
		} else {
			ok = d.losslessPixels(row, above, s, r)
		}
		if !ok || r.over() {
			return malformed("JPEG data ends in row %d of %d", y, d.f.Height)
		}
		above = row
	}
	d.shift(s)
	return nil
}

// shift undoes the point transform of a scan.
func (d *jpegDecoder) shift(s *scan) {
	if s.al == 0 {
		return
	}
	for _, c := range s.comps {
		for i := d.index(c); i < len(d.full); i += len(d.comps) {
			d.full[i] <<= s.al
		}
	}
}

func (d *jpegDecoder) index(c *component) int {
	for i := range d.comps {
		if &d.comps[i] == c {
			return i
		}
	}
	return 0
}

// losslessRow decodes every n-th sample of a row. Without a row above, as in the
// first and after a restart, each is predicted from the one before it.
func losslessRow(row, above []uint16, n, predictor, start int, h *huffman, r *bitReader) bool {
	if above != nil {
		start = int(above[0])
	} else {
		predictor = 1
	}
	diff, ok := readDiff(h, r)
	a, c := start+diff, start
	row[0] = uint16(a)
	for x := n; ok && x < len(row); x += n {
		a &= 0xffff
		p := a
		if predictor != 1 {
			b := int(above[x])
			p = predict(predictor, a, b, c)
			c = b
		}
		diff, ok = readDiff(h, r)
		a = p + diff
		row[x] = uint16(a)
	}
	return ok
}

// losslessPixels decodes a row whose scan has the samples of a pixel together.
func (d *jpegDecoder) losslessPixels(row, above []uint16, s *scan, r *bitReader) bool {
	n := len(d.comps)
	at := [4]int{}
	for i, c := range s.comps {
		at[i] = d.index(c)
	}
	for x := 0; x < len(row); x += n {
		for i, h := range s.dc {
			j := x + at[i]
			var p int
			switch {
			case above == nil && x == 0:
				p = 1 << (d.precision - s.al - 1)
			case above == nil:
				p = int(row[j-n])
			case x == 0:
				p = int(above[j])
			default:
				p = predict(s.ss, int(row[j-n]), int(above[j]), int(above[j-n]))
			}
			diff, ok := readDiff(h, r)
			if !ok {
				return false
			}
			row[j] = uint16(p + diff)
		}
	}
	return true
}

// predict is table H.1: a is left, b above, c left above.
func predict(predictor, a, b, c int) int {
	switch predictor {
	case 1:
		return a
	case 2:
		return b
	case 3:
		return c
	case 4:
		return a + b - c
	case 5:
		return a + (b-c)>>1
	case 6:
		return b + (a-c)>>1
	}
	return (a + b) >> 1
}

// readDiff returns the next difference, modulo 2^16; false for no code.
func readDiff(h *huffman, r *bitReader) (int, bool) {
	if r.n < 32 {
		r.fill()
	}
	var k int
	if e := h.look[r.acc>>(64-huffLook)]; e != 0 {
		k = int(e & 0xff)
		r.skip(int(e >> 8))
	} else if k = h.decode(r); k < 0 {
		return 0, false
	}
	if k >= 16 {
		return 1 << 15, k == 16 // no bits follow
	}
	v := int(r.acc >> 1 >> (63 - k))
	r.skip(k)
	return v + ((v-(1<<k>>1))>>63)&(1-1<<k), true
}

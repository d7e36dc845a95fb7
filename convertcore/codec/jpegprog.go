package codec

// progressive decodes a scan of SOF2 into the coefficients of its components
// (ITU T.81, annex G).
func (d *jpegDecoder) progressive(s *scan, r *bitReader) error {
	if err := d.latch(s); err != nil {
		return err
	}
	if s.se > 63 || s.ss > s.se || s.al > 13 || s.ah != 0 && s.ah != s.al+1 || s.ss == 0 && s.se != 0 || s.ss > 0 && len(s.comps) > 1 {
		return malformed("progressive JPEG scan of coefficients %d to %d, bits %d to %d", s.ss, s.se, s.ah, s.al)
	}
	for i := range s.comps {
		if s.ss > 0 && s.ac[i] == nil || s.ss == 0 && s.ah == 0 && s.dc[i] == nil {
			return malformed("JPEG component without Huffman table")
		}
	}
	var last [4]int
	ac := acScan{scan: s, r: r, h: s.ac[0]}
	return d.eachMCU(s, r, func() { last, ac.eobs = [4]int{}, 0 }, func(i, bx, by int) error {
		c := s.comps[i]
		block := c.block(bx, by)
		switch {
		case s.ss > 0 && s.ah == 0:
			return ac.first(block)
		case s.ss > 0:
			return ac.refine(block)
		case s.ah > 0:
			block[0] |= int16(r.bits(1) << s.al)
			return nil
		}
		diff, err := readDC(s.dc[i], r)
		last[i] += diff
		block[0] = int16(last[i] << s.al)
		return err
	})
}

// acScan is the state of a progressive scan of AC coefficients.
type acScan struct {
	*scan
	r    *bitReader
	h    *huffman
	eobs int // blocks that are still to end at once, this one among them
}

func (a *acScan) code() (run, size int, err error) {
	if a.r.n < 32 {
		a.r.fill()
	}
	v := a.h.decode(a.r)
	if v < 0 {
		return 0, 0, malformed("JPEG code")
	}
	return v >> 4, v & 15, nil
}

// first reads the high bits of a block's coefficients.
func (a *acScan) first(block []int16) error {
	if a.eobs > 0 {
		a.eobs--
		return nil
	}
	for k := a.ss; k <= a.se; k++ {
		run, size, err := a.code()
		if err != nil {
			return err
		}
		if size == 0 {
			if run < 15 {
				a.eobs = 1<<run + a.r.bits(run) - 1
				return nil
			}
			k += 15
			continue
		}
		if k += run; k > a.se {
			return malformed("JPEG block of more than 64 coefficients")
		}
		block[zigzag[k]] = int16(a.r.extended(size) << a.al)
	}
	return nil
}

// refine reads one more bit of a block's coefficients.
func (a *acScan) refine(block []int16) error {
	k := a.ss
	for a.eobs == 0 && k <= a.se {
		run, size, err := a.code()
		if err != nil {
			return err
		}
		var fresh int16
		switch {
		case size == 1:
			fresh = int16(-1) << a.al
			if a.r.bits(1) == 1 {
				fresh = int16(1) << a.al
			}
		case size > 1:
			return malformed("JPEG refinement of %d bits", size)
		case run < 15:
			a.eobs = 1<<run + a.r.bits(run)
			continue
		}
		if k = a.correct(block, k, run); k > a.se {
			if fresh != 0 {
				return malformed("JPEG block of more than 64 coefficients")
			}
			return nil
		}
		if fresh != 0 {
			block[zigzag[k]] = fresh
		}
		k++
	}
	if a.eobs > 0 {
		a.eobs--
		a.correct(block, k, 64)
	}
	return nil
}

// correct passes over run coefficients that are zero so far, reading a bit of
// correction for every other, and returns the index of the zero after them.
func (a *acScan) correct(block []int16, k, run int) int {
	for ; k <= a.se; k++ {
		v := &block[zigzag[k]]
		if *v == 0 {
			if run == 0 {
				break
			}
			run--
			continue
		}
		if a.r.bits(1) == 1 && *v&(1<<a.al) == 0 {
			if *v > 0 {
				*v += 1 << a.al
			} else {
				*v -= 1 << a.al
			}
		}
	}
	return k
}

// transformAll makes the samples of a component from its coefficients.
func (c *component) transformAll(precision int) {
	var block [64]int
	for by := range c.bh {
		for bx := range c.bw {
			for j, v := range c.block(bx, by) {
				block[j] = int(v) * c.quant[j]
			}
			idct(&block, 63, c.band(by)[8*bx:], 8*c.bw, precision)
		}
		c.coefs[by] = nil
	}
}

package codec

// scan is what a scan header says.
type scan struct {
	comps  []*component
	dc, ac []*huffman // of each
	ss, se int        // spectral selection; lossless: ss is the predictor
	ah, al int        // successive approximation; lossless: al is the point transform
}

// scan decodes the scan whose header is b and whose data begins at pos, and
// returns where it ends.
func (d *jpegDecoder) scan(b []byte, pos int) (int, error) {
	s, err := d.readScan(b)
	if err != nil {
		return 0, err
	}
	r := &bitReader{data: d.data, pos: pos}
	switch d.frame {
	case 0xc3:
		err = d.lossless(s, r)
	case 0xc2:
		err = d.progressive(s, r)
	default:
		err = d.sequential(s, r)
	}
	return r.pos, err
}

func (d *jpegDecoder) readScan(b []byte) (*scan, error) {
	if d.frame == 0 {
		return nil, malformed("JPEG scan before its frame header")
	}
	if len(b) < 1 || b[0] < 1 || b[0] > 4 || len(b) != 4+2*int(b[0]) {
		return nil, malformed("JPEG scan header of %d bytes", len(b))
	}
	tail := b[len(b)-3:]
	s := &scan{ss: int(tail[0]), se: int(tail[1]), ah: int(tail[2] >> 4), al: int(tail[2] & 15)}
	blocks := 0
	for b = b[1 : len(b)-3]; len(b) > 0; b = b[2:] {
		c := d.component(b[0])
		if c == nil || b[1]>>4 > 3 || b[1]&15 > 3 {
			return nil, malformed("JPEG scan of component %d with tables %#x", b[0], b[1])
		}
		for _, o := range s.comps {
			if o == c {
				return nil, malformed("JPEG scan of component %d twice", b[0])
			}
		}
		blocks += c.h * c.v
		c.seen = true
		s.comps = append(s.comps, c)
		s.dc, s.ac = append(s.dc, d.tables[0][b[1]>>4]), append(s.ac, d.tables[1][b[1]&15])
	}
	if len(s.comps) > 1 && blocks > 10 && d.frame != 0xc3 {
		return nil, malformed("JPEG scan of %d blocks an MCU", blocks)
	}
	return s, nil
}

func (d *jpegDecoder) component(id byte) *component {
	for i := range d.comps {
		if d.comps[i].id == id {
			return &d.comps[i]
		}
	}
	return nil
}

// eachMCU calls block for every block of a scan, i of s.comps, at bx, by, and
// restarted after every restart marker.
func (d *jpegDecoder) eachMCU(s *scan, r *bitReader, restarted func(), block func(i, bx, by int) error) error {
	w, h := d.mcusX, d.mcusY
	alone := len(s.comps) == 1
	if alone { // only the blocks that the component needs
		w, h = ceil(s.comps[0].w, 8), ceil(s.comps[0].hgt, 8)
	}
	restarted()
	for mcu := range w * h {
		if d.interval > 0 && mcu > 0 && mcu%d.interval == 0 {
			if err := r.restart(mcu/d.interval - 1); err != nil {
				return err
			}
			restarted()
		}
		x, y := mcu%w, mcu/w
		if alone {
			if err := block(0, x, y); err != nil {
				return err
			}
		} else {
			for i, c := range s.comps {
				for j := range c.h * c.v {
					if err := block(i, x*c.h+j%c.h, y*c.v+j/c.h); err != nil {
						return err
					}
				}
			}
		}
		if r.over() {
			return malformed("JPEG data ends in MCU %d of %d", mcu, w*h)
		}
	}
	return nil
}

// latch keeps the quantization tables as they are when a scan begins.
func (d *jpegDecoder) latch(s *scan) error {
	for _, c := range s.comps {
		if c.quant == nil {
			c.quant = d.quant[c.table]
		}
		if c.quant == nil {
			return malformed("JPEG component %d without quantization table", c.id)
		}
	}
	return nil
}

// sequential decodes a scan of SOF0 or SOF1. Its spectral selection can only be
// 0 to 63, and is not looked at, as libjpeg does: some encoders leave it 0.
func (d *jpegDecoder) sequential(s *scan, r *bitReader) error {
	if err := d.latch(s); err != nil {
		return err
	}
	for i := range s.comps {
		if s.dc[i] == nil || s.ac[i] == nil {
			return malformed("JPEG component without Huffman table")
		}
	}
	var last [4]int
	var coefs [64]int
	return d.eachMCU(s, r, func() { last = [4]int{} }, func(i, bx, by int) error {
		c := s.comps[i]
		diff, err := readDC(s.dc[i], r)
		if err != nil {
			return err
		}
		last[i] += diff
		coefs[0] = last[i] * c.quant[0]
		n, err := readAC(s.ac[i], r, &coefs, c.quant)
		if err != nil {
			return err
		}
		idct(&coefs, n, c.band(by)[8*bx:], 8*c.bw, d.precision)
		clear(coefs[:])
		return nil
	})
}

func readDC(h *huffman, r *bitReader) (int, error) {
	if r.n < 32 {
		r.fill()
	}
	k := h.decode(r)
	if k < 0 || k > 15 {
		return 0, malformed("JPEG code")
	}
	return r.extended(k), nil
}

// readAC reads the coefficients of a block after its first, dequantized, and
// returns the index in zigzag order of the last that is not zero.
func readAC(h *huffman, r *bitReader, coefs, quant *[64]int) (int, error) {
	last := 0
	for k := 1; k < 64; k++ {
		if r.n < 32 {
			r.fill()
		}
		v := h.decode(r)
		if v < 0 {
			return 0, malformed("JPEG code")
		}
		run, size := v>>4, v&15
		if size == 0 {
			if run != 15 {
				break
			}
			k += 15
			continue
		}
		if k += run; k > 63 {
			return 0, malformed("JPEG block of more than 64 coefficients")
		}
		z := zigzag[k]
		coefs[z] = r.extended(size) * quant[z]
		last = k
	}
	return last, nil
}

// zigzag is the place in a block, by rows, of each coefficient.
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

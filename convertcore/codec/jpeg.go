package codec

import "encoding/binary"

// jpegRatio bounds decoded bytes to a byte of JPEG: the least that a block of
// 64 samples takes is a bit, which subsampling stretches; a lossless sample takes one.
const (
	jpegRatio     = 4096
	losslessRatio = 16
)

// JPEG decodes the processes of ITU T.81 with Huffman codes: baseline, extended
// sequential and progressive (SOF0 to SOF2) of 8 or 12 bits, and lossless (SOF3)
// of 2 to 16 bits.
//
// Lossy streams give the samples that libjpeg gives with its slow integer IDCT
// and triangular chroma upsampling. Three components become RGB unless Frame.RGB
// or their markers say that they are it. Four are given as stored, YCCK as CMYK.
// Lossless streams are given as stored, whatever their color space; so the
// container converts what it knows to be YCbCr.
func JPEG(stream []byte, f Frame) ([]byte, error) {
	if err := f.begin(len(stream), 0, jpegRatio); err != nil {
		return nil, err
	}
	if f.Bits > 16 {
		return nil, malformed("JPEG in a frame of %d bits", f.Bits)
	}
	d := &jpegDecoder{f: f, data: stream, transform: -1}
	return d.decode()
}

// jpegDecoder holds what the segments of one stream said.
type jpegDecoder struct {
	f    Frame
	data []byte

	frame     byte // the SOF marker; 0 before it
	precision int
	comps     []component
	hmax      int
	vmax      int
	mcusX     int // of a scan of all components
	mcusY     int

	quant     [4]*[64]int
	tables    [2][4]*huffman // DC or lossless, AC
	interval  int            // MCUs between restart markers
	jfif      bool
	transform int // that APP14 says; -1 without
	ended     bool

	full []uint16 // lossless: the samples of a pixel together
}

// component is one of a frame's.
type component struct {
	id     byte
	h, v   int
	table  byte // of quantization
	w, hgt int  // in samples
	bw, bh int  // in blocks, whole MCUs
	seen   bool

	quant *[64]int
	bands [][]uint16 // of 8 rows of 8·bw samples; nil until something is in one
	coefs [][]int16  // progressive: of a row of blocks, 64 each
}

// decode goes from segment to segment. SOI is optional before them, as TIFF
// puts tables in a stream of their own.
func (d *jpegDecoder) decode() ([]byte, error) {
	if len(d.data) < 2 || d.data[0] != 0xff || d.data[1] != 0xd8 {
		return nil, malformed("not a JPEG stream")
	}
	pos := 2
	for {
		at := nextMarker(d.data, pos)
		if at == len(d.data) {
			break
		}
		marker := d.data[at]
		pos = at + 1
		if marker == 0xd9 {
			d.ended = true
			break
		}
		if marker == 0xd8 || marker == 1 || marker >= 0xd0 && marker <= 0xd7 {
			continue
		}
		if pos+2 > len(d.data) {
			break
		}
		n := int(binary.BigEndian.Uint16(d.data[pos:]))
		if n < 2 || pos+n > len(d.data) {
			return nil, malformed("JPEG segment %#x of %d bytes at %d", marker, n, pos)
		}
		body := d.data[pos+2 : pos+n]
		pos += n
		if marker == 0xda {
			var err error
			if pos, err = d.scan(body, pos); err != nil {
				return nil, err
			}
			if d.frame != 0xc2 && d.complete() {
				break
			}
			continue
		}
		if err := d.segment(marker, body); err != nil {
			return nil, err
		}
	}
	return d.finish()
}

// segment keeps what a segment outside of scans says.
func (d *jpegDecoder) segment(marker byte, body []byte) error {
	switch {
	case marker == 0xc4:
		return d.readHuffman(body)
	case marker == 0xdb:
		return d.readQuant(body)
	case marker == 0xdd:
		if len(body) != 2 {
			return malformed("JPEG restart interval of %d bytes", len(body))
		}
		d.interval = int(binary.BigEndian.Uint16(body))
	case marker == 0xe0:
		d.jfif = d.jfif || len(body) >= 5 && string(body[:5]) == "JFIF\x00"
	case marker == 0xee:
		if len(body) >= 12 && string(body[:5]) == "Adobe" {
			d.transform = int(body[11])
		}
	case marker == 0xdc:
		return unsupported("JPEG whose height follows its data")
	case marker >= 0xc0 && marker <= 0xcf && marker != 0xc8:
		return d.readFrame(marker, body)
	}
	return nil
}

func (d *jpegDecoder) readHuffman(b []byte) error {
	for len(b) > 0 {
		class, id := b[0]>>4, b[0]&15
		if class > 1 || id > 3 {
			return malformed("Huffman table %#x", b[0])
		}
		h, n, err := newHuffman(b[1:])
		if err != nil {
			return err
		}
		d.tables[class][id] = h
		b = b[1+n:]
	}
	return nil
}

func (d *jpegDecoder) readQuant(b []byte) error {
	for len(b) > 0 {
		width, id := 1+int(b[0]>>4), b[0]&15
		if width > 2 || id > 3 || len(b) < 1+64*width {
			return malformed("JPEG quantization table %#x in %d bytes", b[0], len(b))
		}
		b = b[1:]
		q := new([64]int)
		for i := range q {
			v := int(b[0])
			if width == 2 {
				v = int(binary.BigEndian.Uint16(b))
			}
			q[zigzag[i]] = v
			b = b[width:]
		}
		d.quant[id] = q
	}
	return nil
}

// readFrame reads SOFn and compares it with the container's frame.
func (d *jpegDecoder) readFrame(marker byte, b []byte) error {
	if d.frame != 0 {
		return malformed("JPEG with two frames")
	}
	if marker > 0xc3 {
		return unsupported("JPEG process SOF%d", marker-0xc0)
	}
	if len(b) < 6 || len(b) != 6+3*int(b[5]) {
		return malformed("JPEG frame header of %d bytes", len(b))
	}
	p, h, w, n := int(b[0]), int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:])), int(b[5])
	switch {
	case h == 0:
		return unsupported("JPEG whose height follows its data")
	case w != d.f.Width || h != d.f.Height || n != d.f.Samples:
		return malformed("JPEG of %d×%d with %d components in a frame of %d×%d with %d", w, h, n, d.f.Width, d.f.Height, d.f.Samples)
	case marker != 0xc3 && p != 8 && (p != 12 || marker == 0xc0):
		return unsupported("JPEG process SOF%d of %d bits", marker-0xc0, p)
	case p < 2 || p > d.f.Bits:
		return malformed("JPEG of %d bits in a frame of %d", p, d.f.Bits)
	}
	d.frame, d.precision = marker, p
	d.comps = make([]component, n)
	for i := range d.comps {
		s := b[6+3*i:]
		d.comps[i] = component{id: s[0], h: int(s[1] >> 4), v: int(s[1] & 15), table: s[2]}
	}
	return d.layout()
}

// layout works out the sizes of the components. Memory for lossy ones is taken
// as data arrive, so that a header which lies costs nothing.
func (d *jpegDecoder) layout() error {
	for i, c := range d.comps {
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.table > 3 {
			return malformed("JPEG component of %d×%d samples, table %d", c.h, c.v, c.table)
		}
		for _, o := range d.comps[:i] {
			if o.id == c.id {
				return malformed("two JPEG components %d", c.id)
			}
		}
		d.hmax, d.vmax = max(d.hmax, c.h), max(d.vmax, c.v)
	}
	if d.frame == 0xc3 {
		if d.f.Size()/losslessRatio > int64(len(d.data)) {
			return malformed("%d bytes cannot be a lossless JPEG of %d×%d", len(d.data), d.f.Width, d.f.Height)
		}
		for _, c := range d.comps {
			if c.h != d.hmax || c.v != d.vmax {
				return unsupported("subsampled lossless JPEG")
			}
		}
		d.full = make([]uint16, d.f.Width*d.f.Height*len(d.comps))
		return nil
	}
	w, h := d.f.Width, d.f.Height
	d.mcusX, d.mcusY = ceil(w, 8*d.hmax), ceil(h, 8*d.vmax)
	for i := range d.comps {
		c := &d.comps[i]
		if d.hmax%c.h != 0 || d.vmax%c.v != 0 {
			return unsupported("JPEG components of %d×%d and %d×%d samples", c.h, c.v, d.hmax, d.vmax)
		}
		c.w, c.hgt = ceil(w*c.h, d.hmax), ceil(h*c.v, d.vmax)
		c.bw, c.bh = d.mcusX*c.h, d.mcusY*c.v
		if len(d.comps) == 1 { // never interleaved: an MCU is a block
			c.bw, c.bh = ceil(w, 8), ceil(h, 8)
		}
		c.bands = make([][]uint16, c.bh)
		if d.frame == 0xc2 {
			c.coefs = make([][]int16, c.bh)
		}
	}
	return nil
}

func ceil(a, b int) int { return (a + b - 1) / b }

// band returns the samples of a row of blocks.
func (c *component) band(by int) []uint16 {
	if c.bands[by] == nil {
		c.bands[by] = make([]uint16, 64*c.bw)
	}
	return c.bands[by]
}

// block returns the coefficients of a block.
func (c *component) block(bx, by int) []int16 {
	if c.coefs[by] == nil {
		c.coefs[by] = make([]int16, 64*c.bw)
	}
	return c.coefs[by][64*bx:][:64]
}

func (d *jpegDecoder) complete() bool {
	for _, c := range d.comps {
		if !c.seen {
			return false
		}
	}
	return true
}

// finish returns the samples of a frame whose scans are all there.
func (d *jpegDecoder) finish() ([]byte, error) {
	switch {
	case d.frame == 0 || !d.complete():
		return nil, malformed("JPEG stream ends before its samples")
	case d.frame == 0xc3:
		p := newPacker(d.f, d.precision)
		p.pack(d.full)
		return p.out, nil
	case d.frame == 0xc2:
		if !d.ended {
			return nil, malformed("progressive JPEG without its end")
		}
		for i := range d.comps {
			d.comps[i].transformAll(d.precision)
		}
	}
	return d.samples(), nil
}

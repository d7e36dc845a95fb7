package format

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/bits"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// BMP of 1, 4, 8, 16, 24 and 32 bits, upside down or not, run-length encoded or
// with bit fields. A palette becomes RGB with its indices kept, but for the
// plain gray ramp, which is gray, as in Pillow. Alpha is kept where the header
// has a mask for it. The own reader exists because x/image knows neither 16
// bits nor run lengths nor gaps before the pixels.
func init() {
	Register(convertcore.Format{
		Name: "bmp",
		Match: func(path string, head []byte) bool {
			if len(head) == 0 {
				return hasExt(path, ".bmp", ".dib")
			}
			return len(head) >= 18 && string(head[:2]) == "BM" && head[15] == 0 && head[16] == 0 && head[17] == 0
		},
		Header: bmpHeader,
		Decode: bmpDecode,
	})
}

// BMP compressions.
const (
	bmpPlain  = 0
	bmpRLE8   = 1
	bmpRLE4   = 2
	bmpFields = 3
	bmpAlpha  = 6
)

// bmpInfo is what stands before the pixels.
type bmpInfo struct {
	w, h        int
	down        bool // the first row is the top one
	depth       int
	compression uint32
	masks       [4]uint32 // red, green, blue, alpha
	palette     [256][3]byte
	colors      int
	pixels      int64
}

func bmpHeader(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Header, error) {
	b, err := openOne(ctx, raw, paths)
	if err != nil {
		return convertcore.Header{}, err
	}
	defer b.Close()
	head := make([]byte, max(0, min(b.Size(), 14+124+1024)))
	if err := readFull(b, head, 0); err != nil {
		return convertcore.Header{}, err
	}
	p, err := parseBMP(head, b.Size())
	if err != nil {
		return convertcore.Header{}, err
	}
	return p.header(), nil
}

func bmpDecode(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Image, error) {
	b, err := openOne(ctx, raw, paths)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	file, err := readAll(b)
	if err != nil {
		return nil, err
	}
	p, err := parseBMP(file, int64(len(file)))
	if err != nil {
		return nil, err
	}
	return p.raster(file[p.pixels:])
}

// parseBMP reads the headers and palette from the first bytes of a file of size
// bytes (BITMAPINFOHEADER and its successors, BITMAPCOREHEADER).
func parseBMP(b []byte, size int64) (*bmpInfo, error) {
	le := binary.LittleEndian
	if len(b) < 26 || string(b[:2]) != "BM" {
		return nil, malformed("not a BMP")
	}
	p := &bmpInfo{pixels: int64(le.Uint32(b[10:]))}
	n := int(le.Uint32(b[14:]))
	entry, colors := 4, 0
	switch {
	case n == 12:
		p.w, p.h, p.depth, entry = int(le.Uint16(b[18:])), int(le.Uint16(b[20:])), int(le.Uint16(b[24:])), 3
	case n < 40 || n > 124 || len(b) < 14+n:
		return nil, malformed("BMP header of %d bytes", n)
	default:
		p.w, p.h = int(int32(le.Uint32(b[18:]))), int(int32(le.Uint32(b[22:])))
		p.depth, p.compression, colors = int(le.Uint16(b[28:])), le.Uint32(b[30:]), int(int32(le.Uint32(b[46:])))
	}
	if p.h < 0 {
		p.h, p.down = -p.h, true
	}
	at := 14 + n
	switch p.compression {
	case bmpFields, bmpAlpha:
		if at = max(at, 14+52); p.compression == bmpAlpha {
			at = max(at, 14+56)
		}
		if len(b) < at {
			return nil, malformed("BMP cut short")
		}
		for i := range 3 {
			p.masks[i] = le.Uint32(b[54+4*i:])
		}
		if n >= 56 || p.compression == bmpAlpha {
			p.masks[3] = le.Uint32(b[66:])
		}
	default:
		p.masks = map[int][4]uint32{16: {0x7c00, 0x3e0, 0x1f}, 24: {0xff0000, 0xff00, 0xff}, 32: {0xff0000, 0xff00, 0xff}}[p.depth]
	}
	if p.depth <= 8 {
		if err := p.readPalette(b[min(at, len(b)):], entry, colors); err != nil {
			return nil, err
		}
	}
	if p.pixels < int64(at) || p.pixels > size {
		return nil, malformed("BMP pixels at %d of %d bytes", p.pixels, size)
	}
	return p, p.check(size)
}

func (p *bmpInfo) readPalette(b []byte, entry, colors int) error {
	if p.colors = 1 << p.depth; colors > 0 {
		p.colors = min(colors, p.colors)
	}
	if p.depth < 1 || len(b) < p.colors*entry {
		return malformed("BMP palette cut short")
	}
	for i := range p.palette {
		if p.palette[i] = [3]byte{byte(i), byte(i), byte(i)}; i < p.colors {
			p.palette[i] = [3]byte{b[i*entry+2], b[i*entry+1], b[i*entry]}
		}
	}
	return nil
}

func (p *bmpInfo) check(size int64) error {
	rle := false
	switch {
	case p.compression == bmpPlain && (p.depth == 1 || p.depth == 4 || p.depth == 8 || p.depth == 16 || p.depth == 24 || p.depth == 32):
	case p.compression == bmpRLE8 && p.depth == 8 || p.compression == bmpRLE4 && p.depth == 4:
		if rle = true; p.down {
			return malformed("run-length encoded BMP from the top")
		}
	case (p.compression == bmpFields || p.compression == bmpAlpha) && (p.depth == 16 || p.depth == 32):
		for i, m := range p.masks {
			if m != 0 && bits.OnesCount32(m>>bits.TrailingZeros32(m)+1) != 1 || m == 0 && i < 3 {
				return malformed("BMP bit fields %x", p.masks)
			}
		}
	default:
		return unsupported("BMP of %d bits with compression %d", p.depth, p.compression)
	}
	h := p.header()
	if err := h.Check(); err != nil {
		return err
	}
	// A run is two bytes for up to 255 pixels; rows may be skipped, but not by
	// more than a picture has.
	if have := size - p.pixels; !rle && have < int64(p.rowBytes())*int64(p.h) || rle && h.Pixels() > 64<<20 && h.Pixels()/256 > have {
		return malformed("BMP of %d×%d pixels in %d bytes", p.w, p.h, have)
	}
	return nil
}

// rowBytes is the length of a row, which ends on four bytes.
func (p *bmpInfo) rowBytes() int { return (p.w*p.depth + 31) / 32 * 4 }

// gray tells a palette that is the plain ramp, or black and white.
func (p *bmpInfo) gray() bool {
	for i := range p.colors {
		if v := byte(i * 255 / max(1, p.colors-1)); p.colors != 2 && p.colors != 256 || p.palette[i] != [3]byte{v, v, v} {
			return false
		}
	}
	return p.depth <= 8
}

func (p *bmpInfo) header() convertcore.Header {
	channels := 3
	if p.masks[3] != 0 {
		channels = 4
	}
	if p.gray() {
		channels = 1
	}
	return convertcore.RasterHeader(p.w, p.h, channels, 8)
}

func (p *bmpInfo) raster(data []byte) (*convertcore.Raster, error) {
	h := p.header()
	if p.depth > 8 {
		return convertcore.NewRaster(p.w, p.h, h.Channels, 8, p.colorRows(data, h.Channels))
	}
	var indices []byte
	if p.compression == bmpPlain {
		indices = p.indexRows(data)
	} else {
		var err error
		if indices, err = p.runs(data); err != nil {
			return nil, err
		}
	}
	if h.Channels == 1 {
		for i, v := range indices {
			indices[i] = p.palette[v][0]
		}
		return convertcore.NewRaster(p.w, p.h, 1, 8, indices)
	}
	r, err := convertcore.NewRaster(p.w, p.h, 3, 8, expandRGB(p.palette, indices))
	if err != nil {
		return nil, err
	}
	return r.WithIndices(indices)
}

// row is row y from the top.
func (p *bmpInfo) row(data []byte, y int) []byte {
	if !p.down {
		y = p.h - 1 - y
	}
	return data[y*p.rowBytes():][:p.rowBytes()]
}

func (p *bmpInfo) indexRows(data []byte) []byte {
	out := make([]byte, 0, p.w*p.h)
	mask := byte(1<<p.depth - 1)
	for y := range p.h {
		row := p.row(data, y)
		if p.depth == 8 {
			out = append(out, row[:p.w]...)
			continue
		}
		for x := range p.w {
			bit := x * p.depth
			out = append(out, row[bit/8]>>(8-p.depth-bit%8)&mask)
		}
	}
	return out
}

// colorRows scales each bit field to 0..255, as Pillow does.
func (p *bmpInfo) colorRows(data []byte, channels int) []byte {
	out := make([]byte, 0, channels*p.w*p.h)
	size := p.depth / 8
	var pixel [4]byte
	for y := range p.h {
		row := p.row(data, y)
		for x := range p.w {
			copy(pixel[:], row[x*size:][:size])
			v := binary.LittleEndian.Uint32(pixel[:])
			for _, m := range p.masks[:channels] {
				shift := bits.TrailingZeros32(m)
				top := uint64(m >> shift)
				out = append(out, byte(uint64(v&m>>shift)*255/top))
			}
		}
	}
	return out
}

// runs expands BI_RLE8 and BI_RLE4. Pixels that are skipped have index 0.
func (p *bmpInfo) runs(data []byte) ([]byte, error) {
	out := make([]byte, p.w*p.h)
	x, y := 0, 0 // y from the bottom
	put := func(v byte) {
		if x < p.w && y < p.h {
			out[(p.h-1-y)*p.w+x] = v
		}
		x++
	}
	r := bytes.NewReader(data)
	var err error
	next := func() byte {
		v, e := r.ReadByte()
		if e != nil {
			err = malformed("run lengths of the BMP are cut short")
		}
		return v
	}
	literal := func(n int) {
		size := n
		if p.depth == 4 {
			size = (n + 1) / 2
		}
		for i := 0; i < size && err == nil; i++ {
			if v := next(); p.depth == 8 {
				put(v)
			} else if put(v >> 4); 2*i+1 < n {
				put(v & 15)
			}
		}
		if size%2 == 1 {
			next()
		}
	}
	for err == nil {
		n, v := int(next()), next()
		switch {
		case err != nil:
		case n > 0 && p.depth == 8:
			for range n {
				put(v)
			}
		case n > 0:
			for i := range n {
				put(v >> (4 - 4*(i%2)) & 15)
			}
		case v == 0:
			x, y = 0, y+1
		case v == 1:
			return out, nil
		case v == 2:
			x, y = x+int(next()), y+int(next())
		default:
			literal(int(v))
		}
	}
	return nil, err
}

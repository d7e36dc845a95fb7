package format

import (
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// PNG colour types.
const (
	pngGray      = 0
	pngRGB       = 2
	pngPalette   = 3
	pngGrayAlpha = 4
	pngRGBA      = 6
)

// pngInfo is what stands before the image data.
type pngInfo struct {
	w, h      int
	depth     int // bits a sample
	color     int
	interlace bool
	palette   []byte // RGB triples; of colour type 3 only
	trns      []byte // transparency; nil for none
	idat      int64  // offset of the first IDAT chunk
}

// maxChunks bounds the walk over chunks before the image data.
const maxChunks = 10000

// readPNGInfo reads the header and walks from chunk to chunk up to the image
// data, a few bytes each: only the palette and transparency are read.
func readPNGInfo(r io.ReaderAt) (*pngInfo, error) {
	head := make([]byte, 33)
	if err := readFull(r, head, 0); err != nil {
		return nil, err
	}
	if string(head[:16]) != pngSignature+"\x00\x00\x00\x0dIHDR" {
		return nil, malformed("not a PNG")
	}
	if crc32.ChecksumIEEE(head[12:29]) != binary.BigEndian.Uint32(head[29:]) {
		return nil, malformed("checksum of the PNG header")
	}
	p := &pngInfo{
		w:         int(binary.BigEndian.Uint32(head[16:])),
		h:         int(binary.BigEndian.Uint32(head[20:])),
		depth:     int(head[24]),
		color:     int(head[25]),
		interlace: head[28] == 1,
	}
	if !p.validDepth() || head[26] != 0 || head[27] != 0 || head[28] > 1 {
		return nil, malformed("PNG of colour type %d with %d bits, methods %d %d %d", p.color, p.depth, head[26], head[27], head[28])
	}
	off, err := int64(len(head)), error(nil)
	for range maxChunks {
		if off, err = p.readChunk(r, off); err != nil {
			return nil, err
		}
		if p.idat != 0 {
			return p, p.check()
		}
	}
	return nil, malformed("more than %d chunks before the image data", maxChunks)
}

// readChunk reads the chunk at off and returns where the next one is.
func (p *pngInfo) readChunk(r io.ReaderAt, off int64) (int64, error) {
	var head [8]byte
	if err := readFull(r, head[:], off); err != nil {
		return 0, err
	}
	n := int64(binary.BigEndian.Uint32(head[:]))
	switch kind := string(head[4:]); {
	case kind == "IDAT":
		p.idat = off
	case kind == "IEND":
		return 0, malformed("PNG without image data")
	case kind == "PLTE" && p.color == pngPalette, kind == "tRNS" && p.takesTRNS(n):
		if n > 768 {
			return 0, malformed("%s of %d bytes", kind, n)
		}
		body := make([]byte, 4+n+4)
		if err := readFull(r, body, off+4); err != nil {
			return 0, err
		}
		if crc32.ChecksumIEEE(body[:4+n]) != binary.BigEndian.Uint32(body[4+n:]) {
			return 0, malformed("checksum of %s", kind)
		}
		if kind == "PLTE" {
			p.palette = body[4 : 4+n]
		} else {
			p.trns = body[4 : 4+n]
		}
	}
	return off + 12 + n, nil
}

// takesTRNS tells whether a tRNS chunk of n bytes means anything here; like
// libpng, others are passed over.
func (p *pngInfo) takesTRNS(n int64) bool {
	switch p.color {
	case pngGray:
		return n == 2
	case pngRGB:
		return n == 6
	case pngPalette:
		return n > 0 && n <= 256
	}
	return false
}

func (p *pngInfo) validDepth() bool {
	switch p.depth {
	case 1, 2, 4:
		return p.color == pngGray || p.color == pngPalette
	case 8:
		return p.color == pngGray || p.color == pngRGB || p.color == pngPalette || p.color == pngGrayAlpha || p.color == pngRGBA
	case 16:
		return p.color == pngGray || p.color == pngRGB || p.color == pngGrayAlpha || p.color == pngRGBA
	}
	return false
}

func (p *pngInfo) check() error {
	if p.color == pngPalette && (len(p.palette) == 0 || len(p.palette)%3 != 0) {
		return malformed("palette of %d bytes", len(p.palette))
	}
	return p.header().Check()
}

// header is what the image is served with.
func (p *pngInfo) header() convertcore.Header {
	channels := p.samples()
	if p.color == pngPalette {
		channels = 3
	}
	if p.trns != nil {
		channels++
	}
	return convertcore.RasterHeader(p.w, p.h, channels, max(8, p.depth))
}

// samples is the number of samples that the file stores for a pixel.
func (p *pngInfo) samples() int {
	return [...]int{pngGray: 1, pngRGB: 3, pngPalette: 1, pngGrayAlpha: 2, pngRGBA: 4}[p.color]
}

// rowBytes is the length of a row of w pixels, without its filter byte.
func (p *pngInfo) rowBytes(w int) int { return (w*p.samples()*p.depth + 7) / 8 }

// pngPass is one of the images that a file holds: the whole, or one of the
// seven of Adam7 interlacing, whose pixel (i,j) is pixel (x+i*dx, y+j*dy).
type pngPass struct{ w, h, x, y, dx, dy int }

var adam7 = [7]pngPass{
	{x: 0, y: 0, dx: 8, dy: 8}, {x: 4, y: 0, dx: 8, dy: 8}, {x: 0, y: 4, dx: 4, dy: 8}, {x: 2, y: 0, dx: 4, dy: 4},
	{x: 0, y: 2, dx: 2, dy: 4}, {x: 1, y: 0, dx: 2, dy: 2}, {x: 0, y: 1, dx: 1, dy: 2},
}

// passes lists the passes that have pixels.
func (p *pngInfo) passes() []pngPass {
	if !p.interlace {
		return []pngPass{{w: p.w, h: p.h, dx: 1, dy: 1}}
	}
	var out []pngPass
	for _, a := range adam7 {
		a.w, a.h = (p.w-a.x+a.dx-1)/a.dx, (p.h-a.y+a.dy-1)/a.dy
		if a.w > 0 && a.h > 0 {
			out = append(out, a)
		}
	}
	return out
}

// packed is the number of bytes of all rows, filter bytes aside.
func (p *pngInfo) packed() (n int64) {
	for _, a := range p.passes() {
		n += int64(a.h) * int64(p.rowBytes(a.w))
	}
	return n
}

// filtered is packed with the filter bytes.
func (p *pngInfo) filtered() int64 {
	n := p.packed()
	for _, a := range p.passes() {
		n += int64(a.h)
	}
	return n
}

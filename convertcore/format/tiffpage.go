package format

import (
	"bufio"
	"slices"

	"github.com/omnimedseg/omnimedfs/convertcore/inflate"
)

// Photometric interpretations.
const (
	tiffWhiteIsZero = 0
	tiffBlackIsZero = 1
	tiffRGB         = 2
	tiffPalette     = 3
	tiffMask        = 4
	tiffCMYK        = 5
	tiffYCbCr       = 6
)

// Sample formats.
const (
	tiffUint  = 1
	tiffInt   = 2
	tiffFloat = 3
)

// maxTIFFSamples bounds the samples of a pixel: spectral images have hundreds.
const maxTIFFSamples = 1024

// tiffPage is one image of a file, without its data.
type tiffPage struct {
	tiffShape
	ifd         *tiffIFD
	compression uint64
	predictor   uint64
	reversed    bool // the bits of each byte
	tiled       bool
	cw, ch      int // chunk: tile or strip, in pixels
	extra       []uint64
	orientation uint64
	subfile     uint64
	subX, subY  int   // pixels for one of chroma
	shift       int64 // bytes that its chunks lie behind those that ifd lists
	zlib        *inflate.Zlib
	packed      *bufio.Reader // what zlib reads
}

// tiffShape is what pages of one stack have in common.
type tiffShape struct {
	w, h, samples, bits int
	format, photometric uint64
	planar              bool // each sample in a plane of its own
}

// page reads the tags of a directory and checks what can be without the data.
func (d *tiffIFD) page() (*tiffPage, error) {
	p := &tiffPage{ifd: d}
	var w, h, fill, planar, tw, th, rows uint64
	samples := uint64(1)
	for _, f := range []struct {
		tag       uint16
		to        *uint64
		otherwise uint64
	}{
		{tagWidth, &w, 0}, {tagHeight, &h, 0}, {tagSamples, &samples, 1}, {tagCompression, &p.compression, 1},
		{tagPredictor, &p.predictor, 1}, {tagFillOrder, &fill, 1}, {tagPlanar, &planar, 1}, {tagTileWidth, &tw, 0},
		{tagTileHeight, &th, 0}, {tagRowsPerStrip, &rows, 1<<32 - 1}, {tagOrientation, &p.orientation, 1},
		{tagSubfileType, &p.subfile, 0}, {tagSampleFormat, &p.format, tiffUint}, {tagPhotometric, &p.photometric, 1 << 32},
	} {
		var err error
		if *f.to, err = d.uint(f.tag, f.otherwise); err != nil {
			return nil, err
		}
	}
	if w < 1 || h < 1 || w >= 1<<31 || h >= 1<<31 || samples < 1 || samples > maxTIFFSamples {
		return nil, malformed("TIFF of %d×%d pixels with %d samples", w, h, samples)
	}
	p.w, p.h, p.samples = int(w), int(h), int(samples)
	p.planar, p.reversed = planar == 2 && samples > 1, fill == 2
	if p.photometric == 1<<32 {
		p.photometric = tiffBlackIsZero
		if samples >= 3 {
			p.photometric = tiffRGB
		}
	}
	p.cw, p.ch = p.w, int(min(h, max(1, rows)))
	if p.tiled = tw > 0 && th > 0; p.tiled {
		if tw > 1<<20 || th > 1<<20 {
			return nil, malformed("TIFF tiles of %d×%d pixels", tw, th)
		}
		p.cw, p.ch = int(tw), int(th)
	}
	if err := p.readSamples(); err != nil {
		return nil, err
	}
	return p, p.check()
}

// readSamples reads what is listed for each sample.
func (p *tiffPage) readSamples() error {
	bits, err := p.ifd.uints(tagBits)
	if err != nil {
		return err
	}
	if len(bits) == 0 {
		bits = []uint64{1}
	}
	for _, b := range bits[:min(len(bits), p.samples)] {
		if b != bits[0] {
			return unsupported("TIFF with samples of %v bits", bits[:min(len(bits), 8)])
		}
	}
	if bits[0] > 64 {
		return unsupported("TIFF with samples of %d bits", bits[0])
	}
	p.bits = int(bits[0])
	if p.format == 4 { // "undefined"
		p.format = tiffUint
	}
	if p.extra, err = p.ifd.uints(tagExtraSamples); err != nil {
		return err
	}
	sub, err := p.ifd.uints(tagYCbCrSubsamples)
	p.subX, p.subY = 2, 2
	if len(sub) >= 2 {
		p.subX, p.subY = int(min(sub[0], 9)), int(min(sub[1], 9))
	}
	return err
}

// check tells what is not read.
func (p *tiffPage) check() error {
	kind := func(bits ...int) bool { return slices.Contains(bits, p.bits) }
	switch {
	case p.format == tiffUint && kind(1, 2, 4, 8, 10, 12, 14, 16, 32, 64),
		p.format == tiffInt && kind(8, 16, 32, 64),
		p.format == tiffFloat && kind(16, 32, 64):
	default:
		return unsupported("TIFF with samples of format %d with %d bits", p.format, p.bits)
	}
	switch p.photometric {
	case tiffWhiteIsZero, tiffBlackIsZero, tiffRGB:
	case tiffMask:
		p.photometric = tiffBlackIsZero
	case tiffPalette:
		if p.samples != 1 || p.format != tiffUint || p.bits > 8 {
			return unsupported("TIFF palette with %d samples of %d bits", p.samples, p.bits)
		}
	case tiffCMYK:
		return unsupported("TIFF of four inks (CMYK): without the printer's profile no RGB is theirs")
	case tiffYCbCr:
		if p.samples != 3 || p.bits != 8 || p.planar {
			return unsupported("TIFF YCbCr with %d samples of %d bits", p.samples, p.bits)
		}
		if one := []int{1, 2, 4}; p.compression != tiffJPEG && !(slices.Contains(one, p.subX) && slices.Contains(one, p.subY)) {
			return malformed("TIFF chroma of %d×%d", p.subX, p.subY)
		}
	default:
		return unsupported("TIFF with photometric interpretation %d", p.photometric)
	}
	if p.photometric == tiffRGB && p.samples < 3 {
		return malformed("TIFF RGB of %d samples", p.samples)
	}
	across, down, _ := p.grid()
	if across*int64(p.cw)*down*int64(p.ch) > 4*int64(p.w)*int64(p.h)+1<<26 {
		return malformed("TIFF of %d×%d pixels in chunks of %d×%d", p.w, p.h, p.cw, p.ch)
	}
	return p.checkCompression()
}

// chunkSamples is the number of samples of a pixel that a chunk holds.
func (p *tiffPage) chunkSamples() int {
	if p.planar {
		return 1
	}
	return p.samples
}

// rowBytes is the length of a row of w pixels as a chunk has it.
func (p *tiffPage) rowBytes(w int) int64 {
	return (int64(w)*int64(p.chunkSamples())*int64(p.bits) + 7) / 8
}

// grid is the number of chunks across, down and in all.
func (p *tiffPage) grid() (across, down, all int64) {
	across, down = int64(p.w+p.cw-1)/int64(p.cw), int64(p.h+p.ch-1)/int64(p.ch)
	all = across * down
	if p.planar {
		all *= int64(p.samples)
	}
	return across, down, all
}

// elem is the number of bytes of a sample as it is served: halves of floats are
// widened, odd numbers of bits get the next whole bytes.
func (s tiffShape) elem() int {
	switch {
	case s.format == tiffFloat:
		return max(4, s.bits/8)
	case s.bits <= 8:
		return 1
	case s.bits <= 16:
		return 2
	}
	return s.bits / 8
}

// flat tells whether one page of this shape is a PNG without loss.
func (s tiffShape) flat() bool {
	return s.format == tiffUint && s.bits <= 16 && s.samples <= 4
}

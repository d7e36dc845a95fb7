package format

import (
	"bufio"
	"bytes"
	stdlzw "compress/lzw"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/image/ccitt"
	"golang.org/x/image/tiff/lzw"

	"github.com/omnimedseg/omnimedfs/convertcore/codec"
	"github.com/omnimedseg/omnimedfs/convertcore/inflate"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// TIFF compressions that are read.
const (
	tiffNone         = 1
	tiffGroup3       = 3
	tiffGroup4       = 4
	tiffLZW          = 5
	tiffJPEG         = 7
	tiffDeflate      = 8
	tiffAdobeDeflate = 32946
	tiffPackBits     = 32773
	tiffZstd         = 50000
)

// tiffRatios are the compressions, each with the largest ratio of samples to
// stored bytes that its streams can have, or for those without a limit that
// pictures do have.
var tiffRatios = map[uint64]float64{
	tiffNone: 1, tiffGroup3: 1 << 15, tiffGroup4: 1 << 15, tiffLZW: 2800, tiffJPEG: maxJPEG,
	tiffDeflate: maxInflate, tiffAdobeDeflate: maxInflate, tiffPackBits: 64, tiffZstd: 1 << 15,
}

var tiffNames = map[uint64]string{
	2: "CCITT RLE", 6: "old-style JPEG", 33003: "JPEG 2000", 33004: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000",
	34887: "LERC", 34925: "LZMA", 34933: "PNG", 34934: "JPEG XR", 50001: "WebP", 50002: "JPEG XL",
}

func (p *tiffPage) checkCompression() error {
	if _, ok := tiffRatios[p.compression]; !ok {
		return unsupported("TIFF compression %d %s", p.compression, tiffNames[p.compression])
	}
	switch fax := p.compression == tiffGroup3 || p.compression == tiffGroup4; {
	case fax && (p.bits != 1 || p.chunkSamples() != 1):
		return malformed("TIFF fax of %d samples of %d bits", p.samples, p.bits)
	case p.compression == tiffJPEG && (p.bits != 8 || p.format != tiffUint):
		return unsupported("TIFF JPEG of %d bits", p.bits)
	case p.compression == tiffJPEG && p.chunkSamples() != 1 && p.chunkSamples() != 3:
		return unsupported("TIFF JPEG of %d samples", p.samples)
	case p.predictor == 1 || p.compression != tiffLZW && p.compression != tiffDeflate && p.compression != tiffAdobeDeflate && p.compression != tiffZstd:
		p.predictor = 1 // only these have one
	case p.predictor == 2 && p.bits >= 8 && bits.OnesCount(uint(p.bits)) == 1 && p.photometric != tiffYCbCr:
	case p.predictor == 3 && p.format == tiffFloat:
	default:
		return unsupported("TIFF predictor %d of samples of %d bits", p.predictor, p.bits)
	}
	return nil
}

// expand decompresses one chunk of rows × cw pixels into dst.
func (p *tiffPage) expand(dst, src []byte, rows int) error {
	if p.reversed && p.compression != tiffJPEG {
		for i, v := range src {
			src[i] = bits.Reverse8(v)
		}
	}
	r := io.Reader(bytes.NewReader(src))
	switch p.compression {
	case tiffNone:
		copy(dst, src)
		return nil
	case tiffPackBits:
		return unpackPackBits(dst, src)
	case tiffJPEG:
		return p.expandJPEG(dst, src, rows)
	case tiffLZW:
		// Files from before TIFF 5.0 have the codes the other way round;
		// libtiff tells them by their first code, which clears the table.
		if len(src) > 1 && src[0] == 0 && src[1]&1 == 1 {
			r = stdlzw.NewReader(r, stdlzw.LSB, 8)
		} else {
			r = lzw.NewReader(r, lzw.MSB, 8)
		}
	case tiffGroup3, tiffGroup4:
		options, err := p.ifd.uint(tagT4Options, 0)
		if err != nil {
			return err
		}
		format := ccitt.Group4
		if p.compression == tiffGroup3 {
			if format = ccitt.Group3; options&5 != 0 {
				return unsupported("TIFF fax of group 3 in two dimensions or with fill bits")
			}
		}
		r = ccitt.NewReader(r, ccitt.MSB, format, p.cw, rows, &ccitt.Options{Invert: true})
	case tiffZstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			return malformed("%v", err)
		}
		defer z.Close()
		r = z
	default:
		if p.zlib == nil {
			p.zlib, p.packed = &inflate.Zlib{}, bufio.NewReaderSize(nil, 32<<10)
		}
		p.packed.Reset(r)
		if err := p.zlib.Reset(p.packed); err != nil {
			return malformed("%v", err)
		}
		r = p.zlib
	}
	if _, err := io.ReadFull(r, dst); err != nil {
		return malformed("%v", noEOF(err))
	}
	return nil
}

// unpackPackBits is PackBits (TIFF 6.0, section 9).
func unpackPackBits(dst, src []byte) error {
	for len(dst) > 0 {
		if len(src) < 2 {
			return malformed("PackBits cut short")
		}
		n := int(int8(src[0]))
		switch {
		case n >= 0:
			m := min(n+1, len(dst))
			if len(src) < 1+m {
				return malformed("PackBits cut short")
			}
			copy(dst, src[1:1+m])
			dst, src = dst[m:], src[min(n+2, len(src)):]
		case n == -128:
			src = src[1:]
		default:
			m := min(1-n, len(dst))
			for i := range dst[:m] {
				dst[i] = src[1]
			}
			dst, src = dst[m:], src[2:]
		}
	}
	return nil
}

// expandJPEG decodes an abbreviated stream with the tables of the directory. The
// TIFF's own tag tells what its three components are, and not the stream: an
// Adobe marker says so where they are YCbCr.
func (p *tiffPage) expandJPEG(dst, src []byte, rows int) error {
	tables, err := p.ifd.raw(tagJPEGTables)
	if err != nil {
		return err
	}
	if len(src) < 4 || src[0] != 0xff || src[1] != 0xd8 {
		return malformed("TIFF JPEG without its marker")
	}
	head := []byte{0xff, 0xd8}
	if p.photometric == tiffYCbCr {
		head = append(head, 0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 1)
	}
	if len(tables) > 4 {
		head = append(head, tables[2:len(tables)-2]...)
	}
	file := append(head, src[2:]...)
	h, err := readJPEGHeader(blob.Bytes(file))
	if err != nil {
		return err
	}
	if h.Dims[0] != p.cw || h.Dims[1] < rows || h.Dims[1] > max(p.ch, rows)+64 || h.Bits != 8 {
		return malformed("TIFF JPEG of %d×%d pixels of %d bits in a chunk of %d×%d", h.Dims[0], h.Dims[1], h.Bits, p.cw, rows)
	}
	if h.Channels != p.chunkSamples() {
		return malformed("TIFF JPEG of %d components where %d are stated", h.Channels, p.chunkSamples())
	}
	pix, err := codec.JPEG(file, codec.Frame{Width: h.Dims[0], Height: h.Dims[1], Samples: h.Channels, Bits: 8, Stored: 8, RGB: p.photometric != tiffYCbCr})
	if err != nil {
		return err
	}
	copy(dst, pix)
	return nil
}

package format

import (
	"bytes"
	"context"
	"image"
	"image/gif"
	"io"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// GIF of one frame: RGB with the palette indices kept, RGBA where an index is
// transparent, gray where the palette is the plain ramp. Several frames are a
// film of which no frame is the image: ErrUnsupported.
func init() {
	Register(convertcore.Format{
		Name: "gif",
		Match: func(path string, head []byte) bool {
			if len(head) == 0 {
				return hasExt(path, ".gif")
			}
			return bytes.HasPrefix(head, []byte("GIF87a")) || bytes.HasPrefix(head, []byte("GIF89a"))
		},
		Header: gifHeader,
		Decode: gifDecode,
	})
}

// gifInfo is what stands before the first frame's data.
type gifInfo struct {
	w, h        int
	palette     [256][3]byte
	colors      int
	transparent int   // index; -1 for none
	data        int64 // offset of the first frame's data
}

func gifHeader(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Header, error) {
	b, err := openOne(ctx, raw, paths)
	if err != nil {
		return convertcore.Header{}, err
	}
	defer b.Close()
	p, err := readGIFInfo(b)
	if err != nil {
		return convertcore.Header{}, err
	}
	return p.header(), nil
}

func gifDecode(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Image, error) {
	b, err := openOne(ctx, raw, paths)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	file, err := readAll(b)
	if err != nil {
		return nil, err
	}
	p, err := readGIFInfo(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	if err := p.checkSingle(file); err != nil {
		return nil, err
	}
	// Twelve bits of LZW stand for at most 4096 pixels.
	if n := int64(p.w) * int64(p.h); n > 4096*int64(len(file)) {
		return nil, malformed("GIF of %d×%d pixels in %d bytes", p.w, p.h, len(file))
	}
	m, err := gif.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, malformed("%v", err)
	}
	frame, ok := m.(*image.Paletted)
	if !ok || frame.Bounds() != image.Rect(0, 0, p.w, p.h) {
		return nil, malformed("GIF decoded as %T of %v", m, m.Bounds())
	}
	return p.raster(frame.Pix)
}

// readGIFInfo walks the blocks up to the first frame (GIF89a specification).
func readGIFInfo(r io.ReaderAt) (*gifInfo, error) {
	p := &gifInfo{transparent: -1}
	head := make([]byte, 13)
	if err := readFull(r, head, 0); err != nil {
		return nil, err
	}
	if v := string(head[:6]); v != "GIF87a" && v != "GIF89a" {
		return nil, malformed("not a GIF")
	}
	p.w, p.h = int(head[6])|int(head[7])<<8, int(head[8])|int(head[9])<<8
	off, err := p.readPalette(r, head[10], 13)
	for range maxChunks {
		if err != nil {
			return nil, err
		}
		var b [10]byte
		if err := readFull(r, b[:2], off); err != nil {
			return nil, err
		}
		switch {
		case b[0] == '!' && b[1] == 0xf9:
			if err := readFull(r, b[:8], off); err != nil {
				return nil, err
			}
			if p.transparent = -1; b[3]&1 == 1 {
				p.transparent = int(b[6])
			}
			off, err = skipBlocks(r, off+2)
		case b[0] == '!':
			off, err = skipBlocks(r, off+2)
		case b[0] == ',':
			return p, p.readFrame(r, off)
		default:
			return nil, malformed("GIF block %#x at %d", b[0], off)
		}
	}
	return nil, malformed("more than %d blocks before the GIF's frame", maxChunks)
}

// readFrame reads the frame descriptor at off.
func (p *gifInfo) readFrame(r io.ReaderAt, off int64) (err error) {
	var b [10]byte
	if err := readFull(r, b[:], off); err != nil {
		return err
	}
	le := func(i int) int { return int(b[i]) | int(b[i+1])<<8 }
	if le(1) != 0 || le(3) != 0 || le(5) != p.w || le(7) != p.h {
		return unsupported("GIF whose frame of %d×%d pixels at %d,%d does not fill its screen of %d×%d", le(5), le(7), le(1), le(3), p.w, p.h)
	}
	if p.data, err = p.readPalette(r, b[9], off+10); err != nil {
		return err
	}
	if p.colors == 0 {
		return malformed("GIF without a palette")
	}
	return p.header().Check()
}

// readPalette reads the table that flags announce at off and returns the
// offset behind it.
func (p *gifInfo) readPalette(r io.ReaderAt, flags byte, off int64) (int64, error) {
	if flags&0x80 == 0 {
		return off, nil
	}
	p.colors = 2 << (flags & 7)
	b := make([]byte, 3*p.colors)
	if err := readFull(r, b, off); err != nil {
		return 0, err
	}
	for i := range p.palette {
		p.palette[i] = [3]byte{byte(i), byte(i), byte(i)}
		copy(p.palette[i][:], b[min(3*i, len(b)):])
	}
	return off + int64(len(b)), nil
}

// skipBlocks passes over sub-blocks and returns the offset behind them.
func skipBlocks(r io.ReaderAt, off int64) (int64, error) {
	var n [1]byte
	for {
		if err := readFull(r, n[:], off); err != nil {
			return 0, err
		}
		if off += 1 + int64(n[0]); n[0] == 0 {
			return off, nil
		}
	}
}

// checkSingle looks for a second frame behind the first.
func (p *gifInfo) checkSingle(file []byte) error {
	r := bytes.NewReader(file)
	off, err := skipBlocks(r, p.data+1)
	for err == nil {
		if off >= int64(len(file)) {
			return malformed("GIF without its end")
		}
		switch file[off] {
		case ';':
			return nil
		case ',':
			return unsupported("GIF of several frames")
		case '!':
			off, err = skipBlocks(r, off+2)
		default:
			return malformed("GIF block %#x at %d", file[off], off)
		}
	}
	return err
}

func (p *gifInfo) gray() bool {
	for i := range p.colors {
		if v := byte(i); p.palette[i] != [3]byte{v, v, v} {
			return false
		}
	}
	return p.transparent < 0
}

func (p *gifInfo) header() convertcore.Header {
	channels := 3
	switch {
	case p.gray():
		channels = 1
	case p.transparent >= 0:
		channels = 4
	}
	return convertcore.RasterHeader(p.w, p.h, channels, 8)
}

func (p *gifInfo) raster(indices []byte) (*convertcore.Raster, error) {
	var pix []byte
	switch channels := p.header().Channels; channels {
	case 1:
		return convertcore.NewRaster(p.w, p.h, 1, 8, indices)
	case 3:
		pix = expandRGB(p.palette, indices)
	default:
		pix = make([]byte, 0, 4*len(indices))
		for _, v := range indices {
			alpha := byte(255)
			if int(v) == p.transparent {
				alpha = 0
			}
			pix = append(append(pix, p.palette[v][:]...), alpha)
		}
	}
	r, err := convertcore.NewRaster(p.w, p.h, p.header().Channels, 8, pix)
	if err != nil {
		return nil, err
	}
	return r.WithIndices(indices)
}

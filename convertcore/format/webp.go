package format

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"io"

	"golang.org/x/image/webp"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// WebP, lossy, lossless or with alpha, through x/image; lossy colours are made
// as libwebp makes them. Animations are ErrUnsupported.
func init() {
	Register(convertcore.Format{
		Name: "webp",
		Match: func(path string, head []byte) bool {
			if len(head) == 0 {
				return hasExt(path, ".webp")
			}
			return len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP"
		},
		Header: webpHeader,
		Decode: webpDecode,
	})
}

func webpHeader(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Header, error) {
	b, err := openOne(ctx, raw, paths)
	if err != nil {
		return convertcore.Header{}, err
	}
	defer b.Close()
	return readWebPHeader(b)
}

// readWebPHeader reads the chunks up to the one with the pixels (WebP Container
// Specification; RFC 6386, section 9.1; WebP Lossless, section 3).
func readWebPHeader(r io.ReaderAt) (h convertcore.Header, err error) {
	var b [18]byte
	if err := readFull(r, b[:12], 0); err != nil {
		return h, err
	}
	if string(b[:4]) != "RIFF" || string(b[8:12]) != "WEBP" {
		return h, malformed("not a WebP")
	}
	off, channels, w, height := int64(12), 3, 0, 0
	for range maxChunks {
		if err := readFull(r, b[:8], off); err != nil {
			return h, err
		}
		n := int64(binary.LittleEndian.Uint32(b[4:]))
		switch string(b[:4]) {
		case "VP8X":
			if err := readFull(r, b[8:], off+8); err != nil {
				return h, err
			}
			if b[8]&2 != 0 {
				return h, unsupported("animated WebP")
			}
			if b[8]&16 != 0 {
				channels = 4
			}
			w, height = 1+int(b[12])+int(b[13])<<8+int(b[14])<<16, 1+int(b[15])+int(b[16])<<8+int(b[17])<<16
		case "VP8 ":
			if err := readFull(r, b[8:], off+8); err != nil {
				return h, err
			}
			return webpSize(int(b[14])|int(b[15]&63)<<8, int(b[16])|int(b[17]&63)<<8, w, height, channels)
		case "VP8L":
			if err := readFull(r, b[8:13], off+8); err != nil {
				return h, err
			}
			v := binary.LittleEndian.Uint32(b[9:])
			if v>>28&1 == 1 {
				channels = 4
			}
			return webpSize(1+int(v&0x3fff), 1+int(v>>14&0x3fff), w, height, channels)
		}
		off += 8 + n + n&1
	}
	return h, malformed("more than %d chunks before the WebP's pixels", maxChunks)
}

// webpSize compares the size of the picture with that of the canvas, if any.
func webpSize(w, h, canvasW, canvasH, channels int) (convertcore.Header, error) {
	out := convertcore.RasterHeader(w, h, channels, 8)
	if canvasW != 0 && (w != canvasW || h != canvasH) {
		return out, malformed("WebP of %d×%d pixels on a canvas of %d×%d", w, h, canvasW, canvasH)
	}
	return out, out.Check()
}

// maxWebP bounds the pixels for a byte of a file whose picture is beyond
// eager: a block of 16×16 in VP8 takes three bits at least. Lossless pictures
// of one colour could have more, but none of that size is a medical image.
const maxWebP = 700

func webpDecode(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Image, error) {
	b, err := openOne(ctx, raw, paths)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	h, err := readWebPHeader(b)
	if err != nil {
		return nil, err
	}
	if n := h.Pixels(); n > eager/4 && n/maxWebP > b.Size() {
		return nil, malformed("WebP of %d×%d pixels in %d bytes", h.Dims[0], h.Dims[1], b.Size())
	}
	file, err := readAll(b)
	if err != nil {
		return nil, err
	}
	m, err := webp.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, malformed("%v", err)
	}
	if size := m.Bounds().Size(); size != image.Pt(h.Dims[0], h.Dims[1]) {
		return nil, malformed("WebP of %v where its header says %v", size, h.Dims[:2])
	}
	pix := make([]byte, 0, h.PayloadSize())
	switch m := m.(type) {
	case *image.NRGBA:
		for y := range h.Dims[1] {
			for row := m.Pix[y*m.Stride:][:4*h.Dims[0]]; len(row) > 0; row = row[4:] {
				pix = append(pix, row[:h.Channels]...)
			}
		}
	case *image.YCbCr:
		pix = rgbOfVP8(pix, m, nil, 0, h.Channels)
	case *image.NYCbCrA:
		pix = rgbOfVP8(pix, &m.YCbCr, m.A, m.AStride, h.Channels)
	}
	return convertcore.NewRaster(h.Dims[0], h.Dims[1], h.Channels, 8, pix)
}

// rgbOfVP8 appends the rows of m with the colours of libwebp: limited range
// and chroma of nine, three, three and one part (libwebp: dsp/yuv.h,
// dsp/upsampling.c).
func rgbOfVP8(pix []byte, m *image.YCbCr, alpha []byte, stride, channels int) []byte {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	cw, ch := (w+1)/2, (h+1)/2
	for y := range h {
		near := y / 2
		far := min(max(near-1+y%2*2, 0), ch-1)
		ys := m.Y[y*m.YStride:][:w]
		for x, v := range ys {
			cx := x / 2
			fx := min(max(cx-1+x%2*2, 0), cw-1)
			at := [4]int{near*m.CStride + cx, near*m.CStride + fx, far*m.CStride + cx, far*m.CStride + fx}
			l, cb, cr := int32(v)*19077>>8, upsampleVP8(m.Cb, at), upsampleVP8(m.Cr, at)
			pix = append(pix,
				clamp((l+cr*26149>>8-14234)>>6),
				clamp((l-cb*6419>>8-cr*13320>>8+8708)>>6),
				clamp((l+cb*33050>>8-17685)>>6))
			if channels == 4 {
				a := byte(255)
				if alpha != nil {
					a = alpha[y*stride+x]
				}
				pix = append(pix, a)
			}
		}
	}
	return pix
}

// upsampleVP8 weighs the nearest sample, its neighbours along x and y, and the
// one across, with the rounding of libwebp.
func upsampleVP8(c []byte, at [4]int) int32 {
	n, x, y, d := int32(c[at[0]]), int32(c[at[1]]), int32(c[at[2]]), int32(c[at[3]])
	diagonal := (n + x + y + d + 8 + 2*(x+y)) >> 3
	return (diagonal + n) >> 1
}

func clamp(v int32) byte {
	if uint32(v) > 255 {
		return byte(^(v >> 31))
	}
	return byte(v)
}

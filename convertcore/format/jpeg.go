package format

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/codec"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// JPEG: gray stays gray, 16 bits where it has more than 8 (extended and lossless
// processes); colors of 8 bits, baseline or progressive, become RGB as libjpeg
// makes it. The orientation in EXIF is not applied, as labels are drawn on the
// pixels as they are stored. Four colors (CMYK) are ErrUnsupported: without the
// printer's profile no RGB is theirs. Colors of 12 bits and lossless ones are too.
func init() {
	Register(convertcore.Format{
		Name: "jpeg",
		Match: func(path string, head []byte) bool {
			if len(head) == 0 {
				return hasExt(path, ".jpg", ".jpeg", ".jpe", ".jfif")
			}
			return bytes.HasPrefix(head, []byte{0xff, 0xd8, 0xff})
		},
		Header: jpegHeader,
		Decode: jpegDecode,
	})
}

func jpegHeader(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Header, error) {
	b, err := openOne(ctx, raw, paths)
	if err != nil {
		return convertcore.Header{}, err
	}
	defer b.Close()
	return readJPEGHeader(b)
}

// maxSegments bounds the walk to the frame header.
const maxSegments = 10000

// readJPEGHeader walks from segment to segment up to the frame header (ITU
// T.81, annex B), a few bytes each.
func readJPEGHeader(b blob.Blob) (h convertcore.Header, err error) {
	var s [10]byte
	if err := readFull(b, s[:2], 0); err != nil {
		return h, err
	}
	if s[0] != 0xff || s[1] != 0xd8 {
		return h, malformed("not a JPEG")
	}
	off := int64(2)
	for range maxSegments {
		if err := readFull(b, s[:4], off); err != nil {
			return h, err
		}
		if s[0] != 0xff {
			return h, malformed("no JPEG marker at %d", off)
		}
		switch m := s[1]; {
		case m == 0xff: // fill byte
			off++
			continue
		case m == 0x01 || m >= 0xd0 && m <= 0xd7: // no length
			off += 2
			continue
		case m == 0xd9 || m == 0xda:
			return h, malformed("JPEG without frame header")
		case m >= 0xc0 && m <= 0xcf && m != 0xc4 && m != 0xc8 && m != 0xcc:
			if err := readFull(b, s[:], off); err != nil {
				return h, err
			}
			return jpegFrame(m, s[4:])
		}
		off += 2 + max(2, int64(binary.BigEndian.Uint16(s[2:])))
	}
	return h, malformed("more than %d JPEG segments before the frame header", maxSegments)
}

// jpegFrame reads precision, height, width and the number of components.
func jpegFrame(marker byte, f []byte) (h convertcore.Header, err error) {
	height, width, comps := int(binary.BigEndian.Uint16(f[1:])), int(binary.BigEndian.Uint16(f[3:])), f[5]
	plain := marker <= 0xc2 && f[0] == 8
	switch {
	case marker > 0xc3 || f[0] < 2 || f[0] > 16 || !plain && comps != 1:
		return h, unsupported("JPEG process SOF%d with %d components of %d bits", marker-0xc0, comps, f[0])
	case height == 0:
		return h, unsupported("JPEG whose height follows its data")
	case comps == 4:
		return h, unsupported("JPEG of four colors (CMYK)")
	case comps != 1 && comps != 3:
		return h, malformed("JPEG of %d components", comps)
	}
	bits := 8
	if f[0] > 8 {
		bits = 16
	}
	h = convertcore.RasterHeader(width, height, int(comps), bits)
	return h, h.Check()
}

// maxJPEG bounds the ratio of pixel bytes to bytes of file above eager: two
// bits for a block of each component are the least that a picture takes.
const maxJPEG = 1100

func jpegDecode(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Image, error) {
	b, err := openOne(ctx, raw, paths)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	h, err := readJPEGHeader(b)
	if err != nil {
		return nil, err
	}
	if n := h.PayloadSize(); n > eager && n/maxJPEG > b.Size() {
		return nil, malformed("%d×%d pixels in %d bytes", h.Dims[0], h.Dims[1], b.Size())
	}
	file, err := readAll(b)
	if err != nil {
		return nil, err
	}
	pix, err := codec.JPEG(file, codec.Frame{Width: h.Dims[0], Height: h.Dims[1], Samples: h.Channels, Bits: h.Bits, Stored: h.Bits})
	if err != nil {
		return nil, err
	}
	if h.Bits == 16 {
		swapElems(pix, 2)
	}
	r, err := convertcore.NewRaster(h.Dims[0], h.Dims[1], h.Channels, h.Bits, pix)
	if err != nil {
		return nil, err
	}
	if o := exifOrientation(b); o != 1 {
		r = r.Warn(fmt.Sprintf("EXIF orientation %d is not applied", o))
	}
	return r, nil
}

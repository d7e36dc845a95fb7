package format

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// JPEGOrientation returns the orientation that the EXIF data of a JPEG states,
// 1 to 8 (EXIF 2.32, tag 274); 1, as stored, where it states none.
func JPEGOrientation(ctx context.Context, raw convertcore.Raw, path string) (int, error) {
	b, err := raw.Open(ctx, path)
	if err != nil {
		return 0, err
	}
	defer b.Close()
	return exifOrientation(b), nil
}

// exifOrientation looks for the EXIF segment before the first scan. What cannot
// be read states nothing: no pixel depends on it.
func exifOrientation(b blob.Blob) int {
	var s [10]byte
	for off := int64(2); off < 1<<20; {
		if readFull(b, s[:], off) != nil || s[0] != 0xff || s[1] == 0xda || s[1] == 0xd9 {
			return 1
		}
		n := int64(binary.BigEndian.Uint16(s[2:]))
		if s[1] == 0xe1 && bytes.Equal(s[4:], []byte("Exif\x00\x00")) && n > 8 {
			return tiffOrientation(blob.Section(b, off+10, n-8))
		}
		if off += 2 + max(2, n); s[1] == 0xff {
			off = off - max(2, n) - 1
		}
	}
	return 1
}

func tiffOrientation(b blob.Blob) int {
	f, err := openTIFF(b)
	if err != nil {
		return 1
	}
	d, err := f.readIFD(f.first)
	if err != nil {
		return 1
	}
	if v, err := d.uint(tagOrientation, 1); err == nil && v >= 1 && v <= 8 {
		return int(v)
	}
	return 1
}

// Orient turns and mirrors a raster so that an image of the given EXIF
// orientation stands upright. Palette indices and warnings go along.
func Orient(r *convertcore.Raster, orientation int) (*convertcore.Raster, error) {
	if orientation < 1 || orientation > 8 {
		return nil, malformed("orientation %d", orientation)
	}
	if orientation == 1 {
		return r, nil
	}
	h := r.Header()
	w, ht := h.Dims[0], h.Dims[1]
	if orientation >= 5 {
		w, ht = ht, w
	}
	out, err := convertcore.NewRaster(w, ht, h.Channels, h.Bits, orient(r.Payload(), h, h.Channels*h.Elem(), orientation))
	if err == nil && r.Indices() != nil {
		out, err = out.WithIndices(orient(r.Indices(), h, 1, orientation))
	}
	if err != nil {
		return nil, err
	}
	return out.Warn(r.Warnings()...), nil
}

// orient moves pixels of size bytes: the first stored row is the visual top,
// top, bottom, bottom, left, right, right, left for 1 to 8.
func orient(pix []byte, hd convertcore.Header, size, orientation int) []byte {
	w, h := hd.Dims[0], hd.Dims[1]
	outW, outH := w, h
	if orientation >= 5 {
		outW, outH = h, w
	}
	out := make([]byte, 0, len(pix))
	for y := range outH {
		for x := range outW {
			sx, sy := x, y
			if orientation >= 5 {
				sx, sy = y, x
			}
			if orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8 {
				sx = w - 1 - sx
			}
			if orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7 {
				sy = h - 1 - sy
			}
			at := (sy*w + sx) * size
			out = append(out, pix[at:at+size]...)
		}
	}
	return out
}

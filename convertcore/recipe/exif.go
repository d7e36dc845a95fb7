package recipe

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// maxEXIF is how much of a JPEG is searched for its orientation: an APP1
// segment has at most 64 KiB and stands first.
const maxEXIF = 128 << 10

// exifOrientation reads the orientation tag of a JPEG, 1 to 8; 1 where it has
// none.
func exifOrientation(ctx context.Context, raw convertcore.Raw, path string) (int, error) {
	b, err := raw.Open(ctx, path)
	if err != nil {
		return 0, err
	}
	defer b.Close()
	head := make([]byte, max(0, min(b.Size(), maxEXIF)))
	if n, err := b.ReadAt(head, 0); n < len(head) {
		return 0, err
	}
	return orientation(head), nil
}

// orientation finds tag 0x0112 in the first EXIF segment (Exif 2.32, 4.5).
func orientation(jpeg []byte) int {
	for at := 2; at+4 <= len(jpeg) && jpeg[at] == 0xff; {
		marker, n := jpeg[at+1], int(binary.BigEndian.Uint16(jpeg[at+2:]))
		if marker == 0xda || n < 2 || at+2+n > len(jpeg) {
			break
		}
		seg := jpeg[at+4 : at+2+n]
		if marker == 0xe1 && bytes.HasPrefix(seg, []byte("Exif\x00\x00")) {
			return tiffOrientation(seg[6:])
		}
		at += 2 + n
	}
	return 1
}

func tiffOrientation(t []byte) int {
	if len(t) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if t[0] == 'I' {
		order = binary.LittleEndian
	}
	at := int64(order.Uint32(t[4:]))
	if at+2 > int64(len(t)) {
		return 1
	}
	n := int64(order.Uint16(t[at:]))
	for e := at + 2; n > 0 && e+12 <= int64(len(t)); e, n = e+12, n-1 {
		if order.Uint16(t[e:]) == 0x0112 {
			if v := int(order.Uint16(t[e+8:])); v >= 1 && v <= 8 {
				return v
			}
		}
	}
	return 1
}

// turn brings an image of an EXIF orientation upright.
func turn(o int) step {
	return step{func(h convertcore.Header) (convertcore.Header, error) {
		if h.Form != convertcore.PNG {
			return h, mismatch("an EXIF orientation of a volume")
		}
		if o >= 5 {
			h.Dims[0], h.Dims[1] = h.Dims[1], h.Dims[0]
		}
		return h, nil
	}, func(im convertcore.Image) (convertcore.Image, error) {
		h := im.Header()
		if o == 1 || h.Form != convertcore.PNG {
			return im, nil
		}
		w, ht := h.Dims[0], h.Dims[1]
		ow, oh := w, ht
		if o >= 5 {
			ow, oh = ht, w
		}
		size := h.Channels * h.Elem()
		in, out := im.Payload(), make([]byte, 0, h.PayloadSize())
		for y := range oh {
			for x := range ow {
				sx, sy := [...]func() (int, int){
					2: func() (int, int) { return w - 1 - x, y },
					3: func() (int, int) { return w - 1 - x, ht - 1 - y },
					4: func() (int, int) { return x, ht - 1 - y },
					5: func() (int, int) { return y, x },
					6: func() (int, int) { return y, ht - 1 - x },
					7: func() (int, int) { return w - 1 - y, ht - 1 - x },
					8: func() (int, int) { return w - 1 - y, x },
				}[o]()
				at := (sy*w + sx) * size
				out = append(out, in[at:at+size]...)
			}
		}
		return kept(convertcore.NewRaster(ow, oh, h.Channels, h.Bits, out))(im)
	}}
}

package miniature

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"

	"golang.org/x/image/bmp"
)

// encode writes all raw files.
func (b *builder) encode() (map[string][]byte, error) {
	out := map[string][]byte{}
	for name, data := range b.extra {
		out[name] = data
	}
	for _, name := range b.order {
		pieces := b.pieces[name]
		format := ext(name)
		if f := pieces[0].rd.Format; f != "" {
			format = "." + f
		}
		var err error
		switch format {
		case ".mat":
			out[name], err = matBytes(pieces)
		case ".npyobject":
			out[name], err = encodeObject(pieces)
		case ".npy", ".npz":
			out[name], err = encodeArrays(format, pieces)
		case ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".svs", ".bmp", ".gif":
			var canvas *Picture
			if canvas, err = compose(pieces); err == nil {
				out[name], err = encodePicture(format, canvas, pieces)
			}
		default:
			err = b.encodeVolume(out, name, format, pieces)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// compose puts the parts of a picture file together. Parts of one sample a
// pixel become colors where others are.
func compose(pieces []piece) (*Picture, error) {
	if len(pieces) == 1 && pieces[0].rd.Crop == nil {
		return pieces[0].pic, nil
	}
	w, h, c := 0, 0, 1
	for _, p := range pieces {
		c = max(c, p.pic.C)
	}
	at := make([][2]int, len(pieces))
	for i, p := range pieces {
		promote(p.pic, c)
		crop := p.rd.Crop
		switch {
		case crop == nil:
			return nil, cannot("several parts of a picture, one of them all of it")
		case fractions(crop):
			fw, fh := span(crop[0], crop[2]), span(crop[1], crop[3])
			at[i] = [2]int{int(crop[0] / fw * float64(p.pic.W)), int(crop[1] / fh * float64(p.pic.H))}
			w, h = max(w, int(math.Round(float64(p.pic.W)/fw))), max(h, int(math.Round(float64(p.pic.H)/fh)))
		default:
			at[i] = [2]int{int(crop[0]), int(crop[1])}
		}
		w, h = max(w, at[i][0]+p.pic.W), max(h, at[i][1]+p.pic.H)
	}
	out := newPicture(w, h, 1, c)
	out.Bits = pieces[0].pic.Bits
	for i, p := range pieces {
		for y := range p.pic.H {
			copy(out.Px[((at[i][1]+y)*w+at[i][0])*c:], p.pic.Px[y*p.pic.W*c:(y+1)*p.pic.W*c])
		}
	}
	return out, nil
}

func span(from, to float64) float64 {
	if to == 0 {
		to = 1
	}
	return to - from
}

// promote makes gray colors.
func promote(p *Picture, c int) {
	if p.C == c {
		return
	}
	px := make([]float64, 0, len(p.Px)*c)
	for _, v := range p.Px {
		for range c {
			px = append(px, v)
		}
	}
	p.C, p.Px = c, px
}

// goImage is the picture as package image has it.
func (p *Picture) goImage() image.Image {
	rect := image.Rect(0, 0, p.W, p.H)
	if p.Bits == 16 {
		if p.C == 3 {
			img := image.NewNRGBA64(rect)
			for i := range p.pixels() {
				img.SetNRGBA64(i%p.W, i/p.W, color.NRGBA64{uint16(p.Px[3*i]), uint16(p.Px[3*i+1]), uint16(p.Px[3*i+2]), 0xffff})
			}
			return img
		}
		img := image.NewGray16(rect)
		for i, v := range p.Px {
			img.SetGray16(i%p.W, i/p.W, color.Gray16{Y: uint16(v)})
		}
		return img
	}
	if p.C == 3 {
		img := image.NewNRGBA(rect)
		for i := range p.pixels() {
			img.SetNRGBA(i%p.W, i/p.W, color.NRGBA{uint8(p.Px[3*i]), uint8(p.Px[3*i+1]), uint8(p.Px[3*i+2]), 0xff})
		}
		return img
	}
	img := image.NewGray(rect)
	for i, v := range p.Px {
		img.SetGray(i%p.W, i/p.W, color.Gray{Y: uint8(v)})
	}
	return img
}

func encodePicture(format string, p *Picture, pieces []piece) ([]byte, error) {
	var buf bytes.Buffer
	if p.D != 1 && format != ".tif" && format != ".tiff" {
		return nil, cannot("a volume as %s", format)
	}
	if p.Bits == 16 && (format == ".jpg" || format == ".jpeg" || format == ".bmp" || format == ".gif") {
		return nil, cannot("16 bits as %s", format)
	}
	var err error
	switch format {
	case ".png":
		err = png.Encode(&buf, p.goImage())
	case ".jpg", ".jpeg":
		if err = jpeg.Encode(&buf, p.goImage(), &jpeg.Options{Quality: 100}); err == nil {
			err = lossy(buf.Bytes(), p, pieces)
		}
	case ".bmp":
		err = bmp.Encode(&buf, p.goImage())
	case ".gif":
		if p.C != 1 {
			return nil, cannot("colors as %s", format)
		}
		pal := make(color.Palette, 256)
		for i := range pal {
			pal[i] = color.Gray{Y: uint8(i)}
		}
		img := image.NewPaletted(image.Rect(0, 0, p.W, p.H), pal)
		for i, v := range p.Px {
			img.Pix[i] = uint8(v)
		}
		err = gif.Encode(&buf, img, nil)
	default:
		return tiffBytes(p), nil
	}
	return buf.Bytes(), err
}

// lossy puts what the JPEG holds in the place of what was to be written, in the
// image parts.
func lossy(data []byte, p *Picture, pieces []piece) error {
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil || len(pieces) != 1 {
		return err
	}
	if p.Near == 0 {
		return nil // a label: flat blocks
	}
	for i := range p.pixels() {
		r, g, b, _ := img.At(i%p.W, i/p.W).RGBA()
		for k, v := range []uint32{r, g, b}[:p.C] {
			p.Px[i*p.C+k] = float64(v >> 8)
		}
	}
	return nil
}

// tiffBytes writes an uncompressed TIFF 6.0, little-endian, one strip a page, a
// page a slice.
func tiffBytes(p *Picture) []byte {
	le := binary.LittleEndian
	bits := max(8, p.Bits)
	out := append([]byte("II*\x00"), 0, 0, 0, 0)
	next := 4 // where the offset of the next directory goes
	size := p.W * p.H * p.C
	for z := range p.D {
		strip := len(out)
		for _, v := range p.Px[z*size : (z+1)*size] {
			if bits == 32 {
				out = le.AppendUint32(out, uint32(v))
			} else if bits == 16 {
				out = le.AppendUint16(out, uint16(v))
			} else {
				out = append(out, uint8(v))
			}
		}
		if len(out)%2 == 1 {
			out = append(out, 0)
		}
		depth := len(out)
		for range 3 {
			out = le.AppendUint16(out, uint16(bits))
		}
		le.PutUint32(out[next:], uint32(len(out)))
		tags := [][3]uint32{{256, 4, uint32(p.W)}, {257, 4, uint32(p.H)}, {258, 3, uint32(bits)}, {259, 3, 1}, {262, 3, 1},
			{273, 4, uint32(strip)}, {277, 3, uint32(p.C)}, {278, 4, uint32(p.H)}, {279, 4, uint32(size * bits / 8)}, {284, 3, 1}}
		out = le.AppendUint16(out, uint16(len(tags)))
		for _, t := range tags {
			count := uint32(1)
			if p.C == 3 && t[0] == 258 {
				count, t[2] = 3, uint32(depth)
			}
			if p.C == 3 && t[0] == 262 {
				t[2] = 2
			}
			out = le.AppendUint16(out, uint16(t[0]))
			out = le.AppendUint16(out, uint16(t[1]))
			out = le.AppendUint32(out, count)
			out = le.AppendUint32(out, t[2])
		}
		next = len(out)
		out = le.AppendUint32(out, 0)
	}
	return out
}

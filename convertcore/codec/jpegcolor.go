package codec

import (
	"bytes"
	"encoding/binary"
)

// samples returns the pixels of decoded planes: upsampled, RGB.
func (d *jpegDecoder) samples() []byte {
	w := d.f.Width
	ups := make([]*upsampler, len(d.comps))
	for i := range d.comps {
		ups[i] = newUpsampler(&d.comps[i], d.hmax, d.vmax)
	}
	p := newPacker(d.f, d.precision)
	ycc := d.ycc()
	pixel := make([]uint16, w*len(d.comps))
	for y := range d.f.Height {
		rows := make([][]uint16, 0, 4)
		for _, u := range ups {
			rows = append(rows, u.row(y)[:w])
		}
		switch {
		case len(rows) == 1:
			p.pack(rows[0])
			continue
		case ycc && len(rows) == 3 && d.precision == 8 && !p.wide && p.sign == 0: // most files
			at := len(p.out)
			p.out = p.out[:at+3*w]
			rgbBytes(p.out[at:], rows[0], rows[1], rows[2])
			continue
		case ycc:
			rgbRow(pixel, rows, d.precision)
		default:
			for i, row := range rows {
				for x, v := range row {
					pixel[x*len(rows)+i] = v
				}
			}
		}
		p.pack(pixel)
	}
	return p.out
}

// ycc reports whether the components are YCbCr, or YCCK, by the rules of libjpeg
// (jdapimin.c, default_decompress_parms).
func (d *jpegDecoder) ycc() bool {
	switch {
	case len(d.comps) == 4:
		return d.transform == 2
	case len(d.comps) != 3 || d.f.RGB:
		return false
	case d.jfif:
		return true
	case d.transform >= 0:
		return d.transform != 0
	}
	return d.comps[0].id != 'R' || d.comps[1].id != 'G' || d.comps[2].id != 'B'
}

// HasAdobe reports whether a JPEG stream says by an Adobe marker (APP14) what its
// components are.
func HasAdobe(stream []byte) bool {
	for pos := 2; ; {
		at := nextMarker(stream, pos)
		if at+3 > len(stream) || stream[at] == 0xda {
			return false
		}
		n := int(binary.BigEndian.Uint16(stream[at+1:]))
		if stream[at] == 0xee && n >= 14 && bytes.HasPrefix(stream[at+3:], []byte("Adobe")) {
			return true
		}
		pos = at + 1 + max(2, n)
	}
}

// rgbBytes is rgbRow for samples of 8 bits, of which it writes the bytes.
func rgbBytes(dst []byte, ys, bs, rs []uint16) {
	bs, rs = bs[:len(ys)], rs[:len(ys)]
	for x, v := range ys {
		l, b, r := int32(v)<<16+32768, int32(bs[x])-128, int32(rs[x])-128
		o := dst[3*x:][:3]
		o[0] = clampByte((l + 91881*r) >> 16)
		o[1] = clampByte((l - 22554*b - 46802*r) >> 16)
		o[2] = clampByte((l + 116130*b) >> 16)
	}
}

func clampByte(v int32) byte {
	if uint32(v) > 255 {
		return byte(^(v >> 31))
	}
	return byte(v)
}

// rgbRow converts a row of YCbCr in the fixed point of jdcolor.c. A fourth row
// is K: the others become CMY then.
func rgbRow(dst []uint16, rows [][]uint16, precision int) {
	center, limit := 1<<(precision-1), 1<<precision-1
	n := len(rows)
	bs, rs := rows[1], rows[2]
	for x, v := range rows[0] {
		l, b, r := int(v), int(bs[x])-center, int(rs[x])-center
		red := clamp(l+(91881*r+32768)>>16, limit)
		green := clamp(l+(-22554*b-46802*r+32768)>>16, limit)
		blue := clamp(l+(116130*b+32768)>>16, limit)
		o := dst[n*x:][:n]
		if n == 4 {
			red, green, blue = uint16(limit)-red, uint16(limit)-green, uint16(limit)-blue
			o[3] = rows[3][x]
		}
		o[0], o[1], o[2] = red, green, blue
	}
}

func clamp(v, limit int) uint16 {
	if uint(v) > uint(limit) {
		v = min(max(v, 0), limit)
	}
	return uint16(v)
}

// packer writes samples of some precision as a frame has them.
type packer struct {
	out  []byte
	wide bool
	sign int // bits that a sample is shifted up and down to extend its sign
}

func newPacker(f Frame, precision int) *packer {
	p := &packer{out: make([]byte, 0, f.Size()), wide: f.Bits == 16}
	if f.Signed && precision < f.Bits {
		p.sign = 16 - precision
	}
	return p
}

func (p *packer) pack(row []uint16) {
	at := len(p.out)
	if !p.wide {
		p.out = p.out[:at+len(row)]
		for i, v := range row {
			p.out[at+i] = byte(int16(v<<p.sign) >> p.sign)
		}
		return
	}
	p.out = p.out[:at+2*len(row)]
	o := p.out[at:]
	for i, v := range row {
		v = uint16(int16(v<<p.sign) >> p.sign)
		o[2*i], o[2*i+1] = byte(v), byte(v>>8)
	}
}

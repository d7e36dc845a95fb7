package format

import (
	"bytes"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// raster makes the image of the unfiltered rows of all passes.
func (p *pngInfo) raster(rows []byte) (*convertcore.Raster, error) {
	h := p.header()
	if p.depth < 8 {
		rows = p.unpack(rows)
	}
	if p.interlace {
		rows = p.deinterlace(rows)
	}
	if p.color == pngPalette {
		r, err := convertcore.NewRaster(p.w, p.h, h.Channels, 8, p.expandPalette(rows))
		if err != nil {
			return nil, err
		}
		return r.WithIndices(rows)
	}
	if p.trns != nil {
		rows = p.addAlpha(rows)
	}
	if p.depth < 8 {
		p.scale(rows)
	}
	return convertcore.NewRaster(p.w, p.h, h.Channels, h.Bits, rows)
}

// unpack gives every sample of 1, 2 or 4 bits a byte of its own.
func (p *pngInfo) unpack(rows []byte) []byte {
	out := make([]byte, 0, p.w*p.h)
	mask := byte(1)<<p.depth - 1
	for _, a := range p.passes() {
		n := p.rowBytes(a.w)
		for range a.h {
			for i := range a.w {
				bit := i * p.depth
				out = append(out, rows[bit/8]>>(8-p.depth-bit%8)&mask)
			}
			rows = rows[n:]
		}
	}
	return out
}

// deinterlace puts the pixels of the passes, of whole bytes, where they belong.
func (p *pngInfo) deinterlace(rows []byte) []byte {
	size := p.samples() * max(8, p.depth) / 8
	out := make([]byte, p.w*p.h*size)
	for _, a := range p.passes() {
		for j := range a.h {
			at := ((a.y+j*a.dy)*p.w + a.x) * size
			for i := range a.w {
				copy(out[at+i*a.dx*size:], rows[i*size:(i+1)*size])
			}
			rows = rows[a.w*size:]
		}
	}
	return out
}

// expandPalette turns indices into RGB, or RGBA with tRNS. An index i that
// the palette does not have is the gray of value i, as in Pillow.
func (p *pngInfo) expandPalette(indices []byte) []byte {
	var table [256][4]byte
	for i := range table {
		table[i] = [4]byte{byte(i), byte(i), byte(i), 255}
		copy(table[i][:3], p.palette[min(3*i, len(p.palette)):])
	}
	for i, a := range p.trns {
		table[i][3] = a
	}
	if p.trns != nil {
		out := make([]byte, 4*len(indices))
		for i, v := range indices {
			*(*[4]byte)(out[4*i:]) = table[v]
		}
		return out
	}
	out := make([]byte, 3*len(indices))
	for i, v := range indices {
		c := &table[v]
		o := out[3*i : 3*i+3 : 3*i+3]
		o[0], o[1], o[2] = c[0], c[1], c[2]
	}
	return out
}

// addAlpha adds a sample to each pixel: 0 where it is the colour that tRNS
// names, full elsewhere. Samples of less than 8 bits are not scaled yet.
func (p *pngInfo) addAlpha(rows []byte) []byte {
	bytesPer := max(8, p.depth) / 8
	n := p.samples() * bytesPer
	key := p.trns
	if bytesPer == 1 { // tRNS has 16 bits a sample, of which the low ones count
		key = nil
		for i := 1; i < len(p.trns); i += 2 {
			key = append(key, p.trns[i])
		}
	}
	full := bytes.Repeat([]byte{255}, bytesPer)
	if p.depth < 8 {
		full[0] = byte(1)<<p.depth - 1
	}
	none := make([]byte, bytesPer)
	out := make([]byte, 0, len(rows)/n*(n+bytesPer))
	for ; len(rows) > 0; rows = rows[n:] {
		out = append(out, rows[:n]...)
		if bytes.Equal(rows[:n], key) {
			out = append(out, none...)
		} else {
			out = append(out, full...)
		}
	}
	return out
}

// scale brings samples of 1, 2 or 4 bits to 0..255.
func (p *pngInfo) scale(samples []byte) {
	f := 255 / (byte(1)<<p.depth - 1)
	for i := range samples {
		samples[i] *= f
	}
}

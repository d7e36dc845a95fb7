package format

import "encoding/binary"

// unpredict undoes the predictor of one row.
func (p *tiffPage) unpredict(row []byte) {
	k := p.chunkSamples()
	if p.predictor == 3 {
		p.unpredictFloat(row, k)
		return
	}
	order := p.ifd.file.order
	switch p.bits {
	case 8:
		for i := k; i < len(row); i++ {
			row[i] += row[i-k]
		}
	case 16:
		for i := 2 * k; i+2 <= len(row); i += 2 {
			order.PutUint16(row[i:], order.Uint16(row[i:])+order.Uint16(row[i-2*k:]))
		}
	case 32:
		for i := 4 * k; i+4 <= len(row); i += 4 {
			order.PutUint32(row[i:], order.Uint32(row[i:])+order.Uint32(row[i-4*k:]))
		}
	case 64:
		for i := 8 * k; i+8 <= len(row); i += 8 {
			order.PutUint64(row[i:], order.Uint64(row[i:])+order.Uint64(row[i-8*k:]))
		}
	}
}

// unpredictFloat is Adobe's predictor 3 (TIFF technical note 3): the bytes of
// the samples, highest first whatever the file's order, stand in planes and
// each is the difference to the one k before it.
func (p *tiffPage) unpredictFloat(row []byte, k int) {
	for i := k; i < len(row); i++ {
		row[i] += row[i-k]
	}
	size := p.bits / 8
	n := len(row) / size
	planes := append([]byte(nil), row...)
	little := p.ifd.file.order == binary.ByteOrder(binary.LittleEndian)
	for b := range size {
		to := b
		if little {
			to = size - 1 - b
		}
		for i := range n {
			row[i*size+to] = planes[b*n+i]
		}
	}
}

// rgbOfUnits turns the data units of YCbCr that is not JPEG into rows of RGB: a
// block of luma and one sample of each chroma (TIFF 6.0, section 21), which as
// in libtiff holds for the whole block.
func (p *tiffPage) rgbOfUnits(data []byte, rows int) []byte {
	out := make([]byte, 3*p.cw*rows)
	unit := p.subX*p.subY + 2
	for y0 := 0; y0 < rows; y0 += p.subY {
		for x0 := 0; x0 < p.cw; x0 += p.subX {
			u := data[:unit]
			data = data[unit:]
			b, r := int32(u[unit-2])-128, int32(u[unit-1])-128
			for i, v := range u[:unit-2] {
				x, y := x0+i%p.subX, y0+i/p.subX
				if x >= p.cw || y >= rows {
					continue
				}
				l := int32(v)
				o := out[3*(y*p.cw+x):][:3]
				o[0] = clamp(l + (91881*r+32768)>>16)
				o[1] = clamp(l + (-22554*b-46802*r+32768)>>16)
				o[2] = clamp(l + (116130*b+32768)>>16)
			}
		}
	}
	return out
}

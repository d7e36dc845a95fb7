package format

import (
	"context"
	"encoding/binary"
	"math"
)

// tiffTarget is where the samples of a page go: sample s of pixel i to
// base + s·next + i·step, elem bytes each, big-endian or not.
type tiffTarget struct {
	buf                    []byte
	base, next, step, elem int
	big                    bool
}

// read decodes the chunks of a page into t.
func (p *tiffPage) read(ctx context.Context, t *tiffTarget) error {
	offsets, counts, err := p.chunkTable()
	if err != nil {
		return err
	}
	across, down, all := p.grid()
	for i := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		x, y := int(i%across)*p.cw, int(i/across%down)*p.ch
		rows := p.ch
		if !p.tiled {
			rows = min(rows, p.h-y)
		}
		chunk, err := p.chunk(int64(offsets[i])+p.shift, int64(counts[i]), rows)
		if err != nil {
			return err
		}
		row := int(p.rowBytes(p.cw))
		for j := range min(rows, p.h-y) {
			samples := p.widen(chunk[j*row:][:row], t)
			p.put(t, samples, x, y+j, int(i/(across*down)))
		}
	}
	return nil
}

// chunkTable returns offset and length of each chunk.
func (p *tiffPage) chunkTable() (offsets, counts []uint64, err error) {
	where, length := uint16(tagStripOffsets), uint16(tagStripCounts)
	if _, ok := p.ifd.entries[tagTileOffsets]; ok && p.tiled {
		where, length = tagTileOffsets, tagTileCounts
	}
	if offsets, err = p.ifd.uints(where); err != nil {
		return nil, nil, err
	}
	if counts, err = p.ifd.uints(length); err != nil {
		return nil, nil, err
	}
	_, _, all := p.grid()
	if len(counts) == 0 && p.compression == tiffNone {
		counts = make([]uint64, len(offsets)) // not needed
	}
	if int64(len(offsets)) < all || int64(len(counts)) < all {
		return nil, nil, malformed("TIFF of %d chunks lists %d offsets and %d lengths", all, len(offsets), len(counts))
	}
	return offsets, counts, nil
}

// chunk reads and decodes one chunk: rows as stored, but decompressed.
func (p *tiffPage) chunk(off, n int64, rows int) ([]byte, error) {
	need := p.rowBytes(p.cw) * int64(rows)
	if p.photometric == tiffYCbCr && p.compression != tiffJPEG {
		need = int64((p.cw+p.subX-1)/p.subX) * int64((rows+p.subY-1)/p.subY) * int64(p.subX*p.subY+2)
	}
	if p.compression == tiffNone {
		n = need
	}
	b := p.ifd.file.b
	switch {
	case off < 8 || n <= 0 || n > b.Size()-off:
		return nil, malformed("TIFF chunk of %d bytes at %d of %d", n, off, b.Size())
	case need > eager/4 && float64(need) > tiffRatios[p.compression]*float64(n):
		return nil, malformed("TIFF chunk of %d bytes for %d of samples", n, need)
	}
	src := make([]byte, n)
	if err := readFull(b, src, off); err != nil {
		return nil, err
	}
	dst := src
	if p.compression != tiffNone {
		dst = make([]byte, need)
	}
	if err := p.expand(dst, src, rows); err != nil {
		return nil, err
	}
	if p.photometric == tiffYCbCr && p.compression != tiffJPEG {
		return p.rgbOfUnits(dst, rows), nil
	}
	if row := int(p.rowBytes(p.cw)); p.predictor != 1 {
		for j := range rows {
			p.unpredict(dst[j*row:][:row])
		}
	}
	return dst, nil
}

// put stores the samples of a row, widened, of pixels from (x,y) on; what is
// beyond the image is dropped.
func (p *tiffPage) put(t *tiffTarget, row []byte, x, y, plane int) {
	n := min(p.cw, p.w-x)
	at, k := t.base+(y*p.w+x)*t.step, p.chunkSamples()
	if p.planar {
		at += plane * t.next
	}
	if k*t.elem == t.step && (k == 1 || t.next == t.elem) {
		copy(t.buf[at:], row[:n*t.step])
		return
	}
	for c := range k {
		to := t.buf[at+c*t.next:]
		for i := range n {
			copy(to[i*t.step:i*t.step+t.elem], row[(i*k+c)*t.elem:])
		}
	}
}

// widen brings the samples of a row to the width, byte order and sense in which
// they are served. It may change row.
func (p *tiffPage) widen(row []byte, t *tiffTarget) []byte {
	n := p.cw * p.chunkSamples()
	invert := p.photometric == tiffWhiteIsZero && p.format == tiffUint
	switch {
	case p.bits < 8:
		return p.unpackSmall(row, n, invert)
	case p.bits > 8 && p.bits < 16:
		return p.unpackOdd(row, n, invert, t.big)
	case p.format == tiffFloat && p.bits == 16:
		out := make([]byte, 0, 4*n)
		for i := range n {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(half(p.ifd.file.order.Uint16(row[2*i:]))))
		}
		return out
	}
	if invert {
		for i := range row {
			row[i] ^= 0xff
		}
	}
	if t.big != (p.ifd.file.order == binary.ByteOrder(binary.BigEndian)) {
		swapElems(row, t.elem)
	}
	return row
}

// unpackSmall gives samples of 1, 2 or 4 bits a byte each, brought to 0..255
// unless they are palette indices.
func (p *tiffPage) unpackSmall(row []byte, n int, invert bool) []byte {
	out := make([]byte, n)
	mask := byte(1)<<p.bits - 1
	scale, flip := 255/mask, byte(0)
	if p.photometric == tiffPalette {
		scale = 1
	}
	if invert {
		flip = mask
	}
	for i := range out {
		bit := i * p.bits
		out[i] = (row[bit/8]>>(8-p.bits-bit%8)&mask ^ flip) * scale
	}
	return out
}

// unpackOdd gives samples of 9 to 15 bits two bytes each.
func (p *tiffPage) unpackOdd(row []byte, n int, invert, big bool) []byte {
	out := make([]byte, 0, 2*n)
	acc, have, flip := uint32(0), 0, uint16(0)
	if invert {
		flip = 1<<p.bits - 1
	}
	for range n {
		for have < p.bits {
			acc, row, have = acc<<8|uint32(row[0]), row[1:], have+8
		}
		have -= p.bits
		v := uint16(acc>>have)&(1<<p.bits-1) ^ flip
		if big {
			out = binary.BigEndian.AppendUint16(out, v)
		} else {
			out = binary.LittleEndian.AppendUint16(out, v)
		}
	}
	return out
}

// half is the value of an IEEE 754 binary16, which float32 holds exactly.
func half(v uint16) float32 {
	sign, e, m := uint32(v>>15)<<31, int(v>>10&31), uint32(v&1023)
	switch {
	case e == 31:
		return math.Float32frombits(sign | 0xff<<23 | m<<13)
	case e == 0:
		f := float32(math.Ldexp(float64(m), -24))
		return math.Float32frombits(math.Float32bits(f) | sign)
	}
	return math.Float32frombits(sign | uint32(e+112)<<23 | m<<13)
}

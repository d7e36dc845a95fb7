package format

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/flate"
	"github.com/suyashkumar/dicom/pkg/tag"
)

// segPixels is the pixel data of a segmentation. Native frames run on from bit
// to bit without padding, the first pixel in the least significant bit (PS3.5,
// section 8.1.1); encapsulated frames begin anew.
type segPixels struct {
	bits   int // allocated: 1, 8 or 16
	pixels int // of one frame
	order  binary.ByteOrder
	native []byte
	frames [][]byte // fragments of each frame joined; nil where native
	unpack func(dst, src []byte) error
	buf    []byte // the frame that was unpacked last
}

func (s *SEG) readPixels(f *iodFile) error {
	bits, _ := f.ushort(tag.BitsAllocated)
	if bits != 1 && bits != 8 && bits != 16 || bits == 1 && s.Type != "BINARY" {
		return unsupported("%s segmentation with %d bits a pixel", s.Type, bits)
	}
	p := &segPixels{bits: bits, pixels: s.rows * s.cols, order: binary.LittleEndian}
	s.pixels = p
	e, ok := f.find(tag.PixelData)
	if !ok {
		return malformed("segmentation without pixel data")
	}
	if e.undefined {
		return p.encapsulated(f, e, len(s.frames))
	}
	if need, have := int64(len(s.frames))*int64(p.pixels)*int64(bits), 8*int64(len(e.value)); need > have {
		return malformed("%d frames of %d×%d need %d bits, of which there are %d", len(s.frames), s.cols, s.rows, need, have)
	}
	p.native = e.value
	if e.order.big && e.vr != "OB" { // words of 16 bits, whatever they hold
		p.native = slices.Clone(e.value)
		swapElems(p.native, 2)
	}
	return nil
}

// encapsulated tells the frames among the fragments, PS3.5 annex A.4.
func (p *segPixels) encapsulated(f *iodFile, e iodElem, n int) error {
	switch f.syntax {
	case syntaxRLE:
		p.unpack = func(dst, src []byte) error { return unpackRLE(dst, src, max(1, p.bits/8)) }
	case syntaxDeflatedFrame:
		p.unpack = unpackDeflated
	default:
		return unsupported("segmentation in transfer syntax %s", f.syntax)
	}
	items, err := fragments(e)
	if err != nil {
		return err
	}
	if len(items) < 1 {
		return malformed("pixel data without fragments")
	}
	table, items := items[0], items[1:]
	switch {
	case len(items) == n:
		p.frames = items
	case n == 1:
		p.frames = [][]byte{slices.Concat(items...)}
	case len(table) == 4*n:
		p.frames, err = joinFragments(table, items)
	default:
		err = malformed("%d fragments for %d frames", len(items), n)
	}
	if err != nil {
		return err
	}
	size, ratio := p.frameSize(), int64(maxRLE)
	if f.syntax == syntaxDeflatedFrame {
		ratio = maxInflate
	}
	for i, frame := range p.frames {
		if ratio*int64(len(frame)) < int64(size) {
			return malformed("frame %d: %d bytes cannot hold %d", i+1, len(frame), size)
		}
	}
	return nil
}

// frameSize is the length in bytes of one frame that begins anew.
func (p *segPixels) frameSize() int { return (p.pixels*p.bits + 7) / 8 }

// frame returns the bytes that hold frame i and the bit at which it begins. They
// are valid until the next call.
func (p *segPixels) frame(i int) (data []byte, bit int, err error) {
	if p.frames == nil {
		at := int64(i) * int64(p.pixels) * int64(p.bits)
		return p.native[at/8:], int(at % 8), nil
	}
	if p.buf == nil {
		p.buf = make([]byte, p.frameSize())
	}
	if err := p.unpack(p.buf, p.frames[i]); err != nil {
		return nil, 0, fmt.Errorf("frame %d: %w", i+1, err)
	}
	return p.buf, 0, nil
}

// fragments lists the items of encapsulated pixel data: the basic offset table,
// then the fragments.
func fragments(e iodElem) ([][]byte, error) {
	var out [][]byte
	for r := (iodReader{rest: e.value, order: e.order}); len(r.rest) > 0; {
		_, length, err := r.head()
		if err != nil || uint64(length) > uint64(len(r.rest)) {
			return nil, malformed("fragment %d of %d bytes", len(out), length)
		}
		out = append(out, r.rest[:length])
		r.rest = r.rest[length:]
	}
	return out, nil
}

// joinFragments makes frames of fragments by the basic offset table, which has
// the place of each frame's first fragment, counted from the first item.
func joinFragments(table []byte, items [][]byte) ([][]byte, error) {
	var frames [][]byte
	at, next := uint32(0), 0
	for i := 0; i < len(table); i += 4 {
		start, end := binary.LittleEndian.Uint32(table[i:]), uint32(1<<32-1)
		if i+4 < len(table) {
			end = binary.LittleEndian.Uint32(table[i+4:])
		}
		if start != at {
			return nil, malformed("no fragment at %d, where frame %d begins", start, i/4+1)
		}
		first := next
		for next < len(items) && at < end {
			at += 8 + uint32(len(items[next]))
			next++
		}
		frames = append(frames, slices.Concat(items[first:next]...))
	}
	return frames, nil
}

// maxRLE is the largest ratio of PackBits: 128 bytes for two.
const maxRLE = 64

// unpackRLE decodes PS3.5 annex G: a header of 16 words, then for each byte of
// a pixel, the most significant first, a PackBits segment. dst is little-endian.
func unpackRLE(dst, src []byte, planes int) error {
	if len(src) < 64 || int(binary.LittleEndian.Uint32(src)) != planes {
		return malformed("RLE header")
	}
	for p := range planes {
		start, end := int64(binary.LittleEndian.Uint32(src[4+4*p:])), int64(len(src))
		if p+1 < planes {
			end = int64(binary.LittleEndian.Uint32(src[8+4*p:]))
		}
		if start < 64 || start > end || end > int64(len(src)) {
			return malformed("RLE segment from %d to %d of %d bytes", start, end, len(src))
		}
		if err := unpackBits(dst[planes-1-p:], src[start:end], planes); err != nil {
			return err
		}
	}
	return nil
}

// unpackBits fills every step-th byte of dst.
func unpackBits(dst, src []byte, step int) error {
	for at := 0; at < len(dst); {
		if len(src) < 2 {
			return malformed("RLE segment cut short")
		}
		n := int(int8(src[0]))
		switch {
		case n == -128:
			src = src[1:]
			continue
		case n < 0:
			for ; n <= 0 && at < len(dst); n, at = n+1, at+step {
				dst[at] = src[1]
			}
			src = src[2:]
			continue
		}
		if len(src) < n+2 {
			return malformed("RLE segment cut short")
		}
		for _, v := range src[1 : n+2] {
			if at < len(dst) {
				dst[at] = v
			}
			at += step
		}
		src = src[n+2:]
	}
	return nil
}

// unpackDeflated decodes a frame of the Deflated Image Frame transfer syntax.
func unpackDeflated(dst, src []byte) error {
	z := flate.NewReader(bytes.NewReader(src))
	defer z.Close()
	if _, err := io.ReadFull(z, dst); err != nil {
		return malformed("deflated frame: %v", noEOF(err))
	}
	return nil
}

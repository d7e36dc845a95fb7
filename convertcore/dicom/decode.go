package dicom

import (
	"encoding/binary"
	"math/bits"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore/codec"
)

type decodeFunc = func(stream []byte, f codec.Frame) ([]byte, error)

// codecs are the decoders of encapsulated transfer syntaxes (PS3.5, A.4). rgb
// marks those whose decoded colours are RGB already.
var codecs = map[string]struct {
	decode decodeFunc
	rgb    bool
}{
	runLengths:               {codec.RLE, false},
	"1.2.840.10008.1.2.4.50": {codec.JPEG, true},
	"1.2.840.10008.1.2.4.51": {codec.JPEG, true},
	"1.2.840.10008.1.2.4.53": {codec.JPEG, true},
	"1.2.840.10008.1.2.4.55": {codec.JPEG, true},
	"1.2.840.10008.1.2.4.57": {codec.JPEG, true},
	"1.2.840.10008.1.2.4.70": {codec.JPEG, true},
}

// Decode returns the samples of frame i in FrameSize bytes: rows from the top,
// x fastest, the samples of a pixel together, little-endian, masked to the
// stored bits and with their sign extended. Colours are RGB; the indices of a
// palette are left.
func (f *Frames) Decode(i int) ([]byte, error) { return f.DecodeInto(nil, i) }

// DecodeInto is Decode into buf where its capacity is enough.
func (f *Frames) DecodeInto(buf []byte, i int) ([]byte, error) {
	if i < 0 || i >= f.Frames {
		return nil, malformed("frame %d of %d", i, f.Frames)
	}
	if f.frags == nil {
		return f.native(buf, i)
	}
	stream, err := f.Encapsulated(i)
	if err != nil {
		return nil, err
	}
	syntax := f.d.Syntax
	if syntax == explicitLittle || syntax == "1.2.840.10008.1.2.1.98" { // encapsulated uncompressed
		if int64(len(stream)) < f.FrameSize() {
			return nil, malformed("frame of %d bytes, want %d", len(stream), f.FrameSize())
		}
		return f.finish(stream[:f.FrameSize()], false, f.Planar), nil
	}
	c, ok := codecs[syntax]
	if !ok {
		return nil, unsupported("transfer syntax %.64s", syntax)
	}
	if f.Bits() > 16 {
		if syntax != runLengths {
			return nil, unsupported("transfer syntax %.64s of %d bits", syntax, f.Bits())
		}
		out, err := f.wideRLE(stream)
		return out, err
	}
	cf := codec.Frame{Width: f.Cols, Height: f.Rows, Samples: f.Samples, Bits: f.Bits(), Stored: f.Stored,
		Signed: f.Signed, RGB: f.Photometric == "RGB"}
	if syntax == runLengths {
		cf.Stored = cf.Bits // planes of bytes, whatever they mean
	}
	out, err := c.decode(stream, cf)
	if err != nil {
		return nil, err
	}
	if int64(len(out)) != f.FrameSize() {
		return nil, malformed("frame of %d bytes, want %d", len(out), f.FrameSize())
	}
	return f.finish(out, c.rgb, false), nil
}

// wideRLE decodes run lengths of samples of 32 or 64 bits: the planes of one
// sample at a time, as if they were colours.
func (f *Frames) wideRLE(stream []byte) ([]byte, error) {
	size := f.Bits() / 8
	planes := size * f.Samples
	if len(stream) < 64 || planes > 15 || binary.LittleEndian.Uint32(stream) != uint32(planes) {
		return nil, malformed("run lengths of %d planes", planes)
	}
	out := make([]byte, f.FrameSize())
	cf := codec.Frame{Width: f.Cols, Height: f.Rows, Samples: 1, Bits: 8, Stored: 8}
	for i := range planes {
		head := binary.LittleEndian.AppendUint32(nil, 1)
		from := binary.LittleEndian.Uint32(stream[4+4*i:])
		if from < 64 || int64(from) > int64(len(stream)) {
			return nil, malformed("run lengths at %d of %d bytes", from, len(stream))
		}
		head = binary.LittleEndian.AppendUint32(head, 64)
		one := append(append(head, make([]byte, 56)...), stream[from:]...)
		plane, err := codec.RLE(one, cf)
		if err != nil {
			return nil, err
		}
		at := i/size*size + size - 1 - i%size
		for _, v := range plane {
			out[at] = v
			at += planes
		}
	}
	return f.finish(out, false, false), nil
}

// native reads a frame that is stored as it is.
func (f *Frames) native(buf []byte, i int) ([]byte, error) {
	place := f.d.pixels
	off, n := f.Span(i)
	if int64(cap(buf)) >= n {
		buf = buf[:n]
		if err := readFull(f.d.src, buf, off); err != nil {
			return nil, err
		}
	} else {
		var err error
		if buf, err = readSpan(f.d.src, off, n); err != nil {
			return nil, err
		}
	}
	switch {
	case f.Allocated == 1:
		return f.unpack(buf, int(f.d.frameBits(&f.Pixels)*int64(i)%8)), nil
	case f.d.subsampled(&f.Pixels):
		return f.finish(expand422(buf), false, false), nil
	case place.big:
		swap(buf, f.Bits()/8)
	}
	return f.finish(buf, false, f.Planar), nil
}

// unpack makes a byte of each bit, the least significant first (PS3.5, 8.1.1).
func (f *Frames) unpack(b []byte, first int) []byte {
	out := make([]byte, f.Rows*f.Cols)
	for i := range out {
		at := first + i
		out[i] = b[at/8] >> (at % 8) & 1
	}
	return out
}

// finish brings decoded samples to their final order, sign and colours.
func (f *Frames) finish(b []byte, rgb, planar bool) []byte {
	if planar && f.Samples == 3 {
		b = interleave(b, f.Bits()/8)
	}
	if !f.Float && f.Stored < f.Bits() && f.Allocated > 1 {
		f.mask(b)
	}
	if !rgb && f.Samples == 3 && strings.HasPrefix(f.Photometric, "YBR_FULL") {
		rgbOfYBR(b)
	}
	return b
}

// mask keeps the stored bits and extends their sign: what stands above them is
// no part of the value (overlays, once).
func (f *Frames) mask(b []byte) {
	up, down := f.Bits()-1-f.High, f.Bits()-f.Stored
	switch f.Bits() {
	case 8:
		for i, v := range b {
			if f.Signed {
				b[i] = byte(int8(v<<up) >> down)
			} else {
				b[i] = v << up >> down
			}
		}
	case 16:
		le := binary.LittleEndian
		if f.Signed {
			for ; len(b) >= 2; b = b[2:] {
				le.PutUint16(b, uint16(int16(le.Uint16(b)<<up)>>down))
			}
			return
		}
		for ; len(b) >= 2; b = b[2:] {
			le.PutUint16(b, le.Uint16(b)<<up>>down)
		}
	case 32:
		le := binary.LittleEndian
		for ; len(b) >= 4; b = b[4:] {
			if v := le.Uint32(b) << up; f.Signed {
				le.PutUint32(b, uint32(int32(v)>>down))
			} else {
				le.PutUint32(b, v>>down)
			}
		}
	}
}

// interleave brings three planes of samples of size bytes together.
func interleave(b []byte, size int) []byte {
	out := make([]byte, len(b))
	plane := len(b) / 3
	for c := range 3 {
		src := b[c*plane:][:plane]
		for i := 0; i+size <= plane; i += size {
			copy(out[3*i+c*size:][:size], src[i:])
		}
	}
	return out
}

// swap turns the byte order of samples of 2, 4 or 8 bytes.
func swap(b []byte, size int) {
	le := binary.LittleEndian
	switch size {
	case 2:
		for ; len(b) >= 2; b = b[2:] {
			b[0], b[1] = b[1], b[0]
		}
	case 4:
		for ; len(b) >= 4; b = b[4:] {
			le.PutUint32(b, bits.ReverseBytes32(le.Uint32(b)))
		}
	case 8:
		for ; len(b) >= 8; b = b[8:] {
			le.PutUint64(b, bits.ReverseBytes64(le.Uint64(b)))
		}
	}
}

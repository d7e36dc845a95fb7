package dicom

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore/codec"
	flate "github.com/omnimedseg/omnimedfs/convertcore/inflate"
)

type decodeFunc = func(stream []byte, f codec.Frame) ([]byte, error)

// codecs are the decoders of encapsulated transfer syntaxes (PS3.5, A.4). rgb
// marks those that make RGB of a stream's YCbCr; the others give colors as they
// are stored, but for the component transform of JPEG 2000, which is undone.
// Values of a lossy one may reach beyond the stored bits.
var codecs = map[string]struct {
	decode     decodeFunc
	rgb, lossy bool
}{
	runLengths:                {codec.RLE, false, false},
	"1.2.840.10008.1.2.4.50":  {codec.JPEG, true, true},   // baseline
	"1.2.840.10008.1.2.4.51":  {codec.JPEG, true, true},   // extended, 12 bits
	"1.2.840.10008.1.2.4.53":  {codec.JPEG, true, true},   // retired: spectral selection
	"1.2.840.10008.1.2.4.55":  {codec.JPEG, true, true},   // retired: progressive
	"1.2.840.10008.1.2.4.57":  {codec.JPEG, false, false}, // lossless, any predictor
	"1.2.840.10008.1.2.4.70":  {codec.JPEG, false, false}, // lossless, the first predictor
	"1.2.840.10008.1.2.4.80":  {codec.JPEGLS, false, false},
	"1.2.840.10008.1.2.4.81":  {codec.JPEGLS, false, true},
	"1.2.840.10008.1.2.4.90":  {codec.JPEG2000, false, false},
	"1.2.840.10008.1.2.4.91":  {codec.JPEG2000, false, true},
	"1.2.840.10008.1.2.4.201": {codec.JPEG2000, false, false}, // high throughput; untested
	"1.2.840.10008.1.2.4.202": {codec.JPEG2000, false, false},
	"1.2.840.10008.1.2.4.203": {codec.JPEG2000, false, true},
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
	switch f.d.Syntax {
	case explicitLittle, encapsulatedNative:
		if int64(len(stream)) < f.FrameSize() {
			return nil, malformed("frame of %d bytes, want %d", len(stream), f.FrameSize())
		}
		return f.finish(stream[:f.FrameSize()], false, f.Planar, true), nil
	case deflatedFrames:
		return f.inflateFrame(stream)
	}
	c, ok := codecs[f.d.Syntax]
	if !ok {
		return nil, unsupported("transfer syntax %.64s", f.d.Syntax)
	}
	cf := codec.Frame{Width: f.Cols, Height: f.Rows, Samples: f.Samples, Bits: f.Bits(), Stored: f.Stored,
		Signed: f.Signed, RGB: f.Photometric == "RGB" && !codec.HasAdobe(stream)}
	if f.d.Syntax == runLengths {
		cf.Stored = cf.Bits // planes of bytes, whatever they mean
		if f.Allocated == 1 {
			b, err := codec.RLEPlane(stream, f.packed())
			if err != nil {
				return nil, err
			}
			return f.unpack(nil, b, 0), nil
		}
	} else if cf.Bits > 16 {
		return nil, unsupported("transfer syntax %.64s of %d bits", f.d.Syntax, cf.Bits)
	}
	out, err := c.decode(stream, cf)
	if err != nil {
		return nil, err
	}
	if int64(len(out)) != f.FrameSize() {
		return nil, malformed("frame of %d bytes, want %d", len(out), f.FrameSize())
	}
	return f.finish(out, c.rgb, false, !c.lossy), nil
}

// packed is the number of bytes of a frame of single bits that begins anew.
func (f *Frames) packed() int { return (f.Rows*f.Cols + 7) / 8 }

// inflateFrame decodes a frame of Deflated Image Frame Compression, which is
// stored natively within.
func (f *Frames) inflateFrame(stream []byte) ([]byte, error) {
	n := f.FrameSize()
	if f.Allocated == 1 {
		n = int64(f.packed())
	}
	if n/maxInflate > int64(len(stream)) {
		return nil, malformed("%d bytes cannot be a frame of %d", len(stream), n)
	}
	out := make([]byte, n)
	z := flate.NewReader(bufio.NewReader(bytes.NewReader(stream)))
	if _, err := io.ReadFull(z, out); err != nil {
		return nil, malformed("deflated frame: %v", err)
	}
	if f.Allocated == 1 {
		return f.unpack(nil, out, 0), nil
	}
	return f.finish(out, false, f.Planar, true), nil
}

// native reads a frame that is stored as it is.
func (f *Frames) native(buf []byte, i int) ([]byte, error) {
	off, n := f.Span(i)
	place := f.d.pixels
	words := place.big && place.word && f.Allocated <= 8 // words of 16 bits, whatever they hold
	skip := int64(0)
	if words {
		skip = (off - place.offset) % 2
		off, n = off-skip, (n+skip+1)&^1
	}
	var b []byte
	if f.Allocated > 1 && int64(cap(buf)) >= n {
		b = buf[:n]
		if err := readFull(f.d.src, b, off); err != nil {
			return nil, err
		}
	} else {
		var err error
		if b, err = readSpan(f.d.src, off, n); err != nil {
			return nil, err
		}
	}
	if words {
		swap(b, 2)
		_, n = f.Span(i)
		b = b[skip:][:n]
	}
	switch {
	case f.Allocated == 1:
		return f.unpack(buf, b, int(f.d.frameBits(&f.Pixels)*int64(i)%8)), nil
	case f.d.subsampled(&f.Pixels):
		return f.finish(expand422(b), false, false, true), nil
	case place.big:
		swap(b, f.Bits()/8)
	}
	return f.finish(b, false, f.Planar, true), nil
}

// unpack makes a byte of each bit, the least significant first (PS3.5, 8.1.1).
func (f *Frames) unpack(dst, b []byte, first int) []byte {
	n := f.Rows * f.Cols
	if cap(dst) < n {
		dst = make([]byte, n)
	}
	dst = dst[:n]
	i := 0
	for at := first; i < n && at%8 != 0; i, at = i+1, at+1 {
		dst[i] = b[at/8] >> (at % 8) & 1
	}
	b = b[(first+i)/8:]
	for ; i+8 <= n; i, b = i+8, b[1:] {
		copy(dst[i:], bitsOf[b[0]][:])
	}
	for k := 0; i < n; i, k = i+1, k+1 {
		dst[i] = b[0] >> k & 1
	}
	return dst
}

// bitsOf are the bits of each byte.
var bitsOf = func() (t [256][8]byte) {
	for v := range t {
		for k := range 8 {
			t[v][k] = byte(v) >> k & 1
		}
	}
	return t
}()

// finish brings decoded samples to their final order, sign and colors.
func (f *Frames) finish(b []byte, rgb, planar, mask bool) []byte {
	if planar && f.Samples == 3 {
		b = interleave(b, f.Bits()/8)
	}
	if mask && !f.Float && f.Stored < f.Bits() && f.Allocated > 1 {
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

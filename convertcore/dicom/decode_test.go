package dicom

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/flate"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// maker writes small files, explicit but for what bigEndian changes.
type maker struct {
	bytes.Buffer
	bo binary.AppendByteOrder
}

func (m *maker) elem(t Tag, vr string, value []byte) {
	m.Write(m.bo.AppendUint16(m.bo.AppendUint16(nil, t.group()), uint16(t)))
	m.WriteString(vr)
	if vrs[vr] {
		n := uint32(len(value))
		if t == PixelData && vr == "OB" {
			n = undefined
		}
		m.Write(m.bo.AppendUint32([]byte{0, 0}, n))
	} else {
		m.Write(m.bo.AppendUint16(nil, uint16(len(value))))
	}
	m.Write(value)
}

// frameFile is a file of frames of 13×5 pixels of one bit, or 8.
func frameFile(syntax string, bits, frames int, vr string, pixels []byte) []byte {
	m := &maker{bo: binary.LittleEndian}
	m.Write(make([]byte, 128))
	m.WriteString("DICM")
	m.elem(TransferSyntaxUID, "UI", []byte(syntax))
	if syntax == explicitBig {
		m.bo = binary.BigEndian
	}
	us := func(t Tag, v int) { m.elem(t, "US", m.bo.AppendUint16(nil, uint16(v))) }
	us(SamplesPerPixel, 1)
	m.elem(PhotometricInterp, "CS", []byte("MONOCHROME2 "))
	m.elem(NumberOfFrames, "IS", []byte{byte('0' + frames), ' '})
	us(Rows, 5)
	us(Columns, 13)
	us(BitsAllocated, bits)
	us(BitsStored, bits)
	us(PixelRepresentation, 0)
	m.elem(PixelData, vr, pixels)
	return m.Bytes()
}

// encapsulate puts each frame in a fragment.
func encapsulate(frames ...[]byte) []byte {
	le := binary.LittleEndian
	item := func(t uint32, b []byte) []byte {
		return append(le.AppendUint32(le.AppendUint16(le.AppendUint16(nil, uint16(t>>16)), uint16(t)), uint32(len(b))), b...)
	}
	out := item(uint32(tagItem), nil)
	for _, f := range frames {
		if len(f)%2 == 1 {
			f = append(f, 0)
		}
		out = append(out, item(uint32(tagItem), f)...)
	}
	return append(out, item(uint32(tagSeqEnd), nil)...)
}

// pack puts eight pixels in a byte, the first in the least significant bit.
func pack(pixels []byte) []byte {
	out := make([]byte, (len(pixels)+7)/8)
	for i, v := range pixels {
		out[i/8] |= v << (i % 8)
	}
	return out
}

func swapped(b []byte) []byte {
	b = append(bytes.Clone(b), make([]byte, len(b)%2)...)
	for i := 0; i < len(b); i += 2 {
		b[i], b[i+1] = b[i+1], b[i]
	}
	return b
}

// runs is a run length stream of one plane, all of it literal.
func runs(b []byte) []byte {
	out := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, 1), 64)
	out = append(out, make([]byte, 56)...)
	for len(b) > 0 {
		n := min(len(b), 128)
		out = append(append(out, byte(n-1)), b[:n]...)
		b = b[n:]
	}
	return out
}

func deflate(b []byte) []byte {
	var out bytes.Buffer
	z, _ := flate.NewWriter(&out, 6)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

// Frames of single bits, and words of big-endian files, are read however they
// are stored.
func TestDecodeBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n, frames = 65, 3
	mask, gray := make([]byte, n*frames), make([]byte, n*frames)
	for i := range mask {
		mask[i], gray[i] = byte(rng.IntN(2)), byte(rng.Uint32())
	}
	each := func(of []byte, f func([]byte) []byte) (out [][]byte) {
		for i := range frames {
			out = append(out, f(of[i*n:][:n]))
		}
		return out
	}
	for name, c := range map[string]struct {
		file []byte
		want []byte
	}{
		"bits":               {frameFile(explicitLittle, 1, frames, "OW", pack(mask)), mask},
		"bits in big words":  {frameFile(explicitBig, 1, frames, "OW", swapped(pack(mask))), mask},
		"bytes in big words": {frameFile(explicitBig, 8, frames, "OW", swapped(gray)), gray},
		"bits in runs":       {frameFile(runLengths, 1, frames, "OB", encapsulate(each(mask, func(b []byte) []byte { return runs(pack(b)) })...)), mask},
		"bytes in runs":      {frameFile(runLengths, 8, frames, "OB", encapsulate(each(gray, runs)...)), gray},
		"bits deflated":      {frameFile(deflatedFrames, 1, frames, "OB", encapsulate(each(mask, func(b []byte) []byte { return deflate(pack(b)) })...)), mask},
		"bytes deflated":     {frameFile(deflatedFrames, 8, frames, "OB", encapsulate(each(gray, deflate)...)), gray},
		"bytes in fragments": {frameFile(encapsulatedNative, 8, frames, "OB", encapsulate(each(gray, bytes.Clone)...)), gray},
	} {
		d, err := Read(blob.Bytes(c.file), int64(len(c.file)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f, err := d.Frames()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i := range frames {
			if got, err := f.Decode(i); err != nil || !bytes.Equal(got, c.want[i*n:][:n]) {
				t.Errorf("%s, frame %d: %v, %v", name, i, got, err)
			}
		}
	}
}

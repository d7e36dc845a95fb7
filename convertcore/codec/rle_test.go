package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// encodeRLE is the encoder of PS3.5, annex G.4, with runs of any length, a
// no-operation now and then, and segments padded to an even length.
func encodeRLE(pix []byte, f Frame) []byte {
	width := f.Bits / 8
	planes := f.Samples * width
	out := make([]byte, rleHeader)
	binary.LittleEndian.PutUint32(out, uint32(planes))
	for i := range planes {
		binary.LittleEndian.PutUint32(out[4+4*i:], uint32(len(out)))
		var plane []byte
		for at := i/width*width + width - 1 - i%width; at < len(pix); at += planes {
			plane = append(plane, pix[at])
		}
		for len(plane) > 0 {
			n := 1
			for n < len(plane) && n < 128 && plane[n] == plane[0] {
				n++
			}
			if n > 1 {
				out = append(out, byte(1-n), plane[0])
			} else {
				for n < len(plane) && n < 128 && plane[n] != plane[n-1] {
					n++
				}
				out = append(append(out, byte(n-1)), plane[:n]...)
			}
			if plane = plane[n:]; n%7 == 0 {
				out = append(out, 0x80)
			}
		}
		out = append(out, make([]byte, len(out)%2)...)
	}
	return out
}

var rleFrames = map[string]Frame{
	"gray 8":   {Width: 33, Height: 21, Samples: 1, Bits: 8, Stored: 8},
	"gray 16":  {Width: 33, Height: 21, Samples: 1, Bits: 16, Stored: 12, Signed: true},
	"gray 32":  {Width: 33, Height: 21, Samples: 1, Bits: 32, Stored: 32},
	"color 8":  {Width: 33, Height: 21, Samples: 3, Bits: 8, Stored: 8},
	"color 16": {Width: 33, Height: 21, Samples: 3, Bits: 16, Stored: 16},
	"color 32": {Width: 33, Height: 21, Samples: 3, Bits: 32, Stored: 32},
	"four":     {Width: 300, Height: 2, Samples: 4, Bits: 8, Stored: 8},
	"pixel":    {Width: 1, Height: 1, Samples: 1, Bits: 8, Stored: 8},
}

// noise fills a frame with runs and literals.
func noise(f Frame) []byte {
	rng := rand.New(rand.NewPCG(3, 4))
	pix := make([]byte, f.Size())
	for i := range pix {
		if pix[i] = byte(rng.Uint32()); i >= 16 && rng.IntN(8) > 0 {
			pix[i] = pix[i-12]
		}
	}
	return pix
}

func TestRLE(t *testing.T) {
	for name, f := range rleFrames {
		pix := noise(f)
		stream := encodeRLE(pix, f)
		got, err := RLE(stream, f)
		if err != nil || !bytes.Equal(got, pix) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		cut(t, RLE, stream, len(stream)-2, f)
	}
}

func TestRLEMalformed(t *testing.T) {
	f := rleFrames["gray 16"]
	good := encodeRLE(noise(f), f)
	for name, change := range map[string]func(b []byte){
		"no segments":     func(b []byte) { b[0] = 0 },
		"one segment":     func(b []byte) { b[0] = 1 },
		"in the header":   func(b []byte) { b[4] = 63 },
		"after its end":   func(b []byte) { b[7] = 0xff },
		"before the last": func(b []byte) { binary.LittleEndian.PutUint32(b[8:], 64) },
	} {
		b := bytes.Clone(good)
		change(b)
		if _, err := RLE(b, f); !errors.Is(err, convertcore.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f.Width, f.Height = 1<<16, 1<<16
	if _, err := RLE(good, f); !errors.Is(err, convertcore.ErrFormat) {
		t.Errorf("lying frame: %v", err)
	}
}

func FuzzRLE(f *testing.F) {
	for _, frame := range rleFrames {
		f.Add(encodeRLE(noise(frame), frame), uint16(frame.Width), uint16(frame.Height), uint16(0))
	}
	f.Fuzz(func(t *testing.T, stream []byte, width, height, kind uint16) {
		fuzz(t, RLE, stream, width, height, kind)
	})
}

func BenchmarkRLE(b *testing.B) {
	f := Frame{Width: 512, Height: 512, Samples: 1, Bits: 16, Stored: 16}
	stream := encodeRLE(noise(f), f)
	b.SetBytes(f.Size())
	for b.Loop() {
		if _, err := RLE(stream, f); err != nil {
			b.Fatal(err)
		}
	}
}

package format

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"testing"
)

func setPNGSize(file []byte, w, h int) {
	binary.BigEndian.PutUint32(file[16:], uint32(w))
	binary.BigEndian.PutUint32(file[20:], uint32(h))
	fixPNGHeader(file)
}

func fixPNGHeader(file []byte) {
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(file[12:29]))
}

// photo is a smooth image with some noise, which compresses about as a
// photograph does.
func photo(side int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, side, side))
	rng := rand.New(rand.NewPCG(5, 5))
	for i := range m.Pix {
		x, y := float64(i/4%side), float64(i/4/side)
		m.Pix[i] = byte(120 + 60*math.Sin(x/40+float64(i%4)) + 40*math.Cos(y/33) + 3*rng.NormFloat64())
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	return m
}

func photoPNG(b *testing.B) []byte {
	var file bytes.Buffer
	if err := png.Encode(&file, photo(512)); err != nil {
		b.Fatal(err)
	}
	return file.Bytes()
}

func BenchmarkPNGDecode(b *testing.B) {
	file := photoPNG(b)
	b.SetBytes(512 * 512 * 3)
	for b.Loop() {
		if _, err := decodePNG(bytes.Clone(file)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPNGDecodeStd(b *testing.B) {
	file := photoPNG(b)
	b.SetBytes(512 * 512 * 3)
	for b.Loop() {
		if _, err := png.Decode(bytes.NewReader(file)); err != nil {
			b.Fatal(err)
		}
	}
}

// Every filter against the definition, at all lengths around the word size.
func TestUnfilter(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for _, bpp := range []int{1, 2, 3, 4, 6, 8} {
		for n := bpp; n < 60; n += bpp {
			src, prev, want := make([]byte, n), make([]byte, n), make([]byte, n)
			for i := range n {
				src[i], prev[i] = byte(rng.Uint32()), byte(rng.Uint32())
			}
			for kind := range byte(5) {
				for i := range n {
					a, b, c := 0, int(prev[i]), 0
					if i >= bpp {
						a, c = int(want[i-bpp]), int(prev[i-bpp])
					}
					p := []int{0, a, b, (a + b) / 2, definedPaeth(a, b, c)}[kind]
					want[i] = byte(int(src[i]) + p)
				}
				got := make([]byte, n)
				if err := unfilter(kind, got, src, prev, bpp); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("filter %d, %d bytes a pixel, %d bytes: %v", kind, bpp, n, err)
				}
			}
		}
	}
	if err := unfilter(5, nil, nil, nil, 1); err == nil {
		t.Error("filter 5 is none")
	}
}

func definedPaeth(a, b, c int) int {
	p := a + b - c
	dist := func(x int) int { return max(p-x, x-p) }
	if dist(a) <= dist(b) && dist(a) <= dist(c) {
		return a
	} else if dist(b) <= dist(c) {
		return b
	}
	return c
}

package cache

import (
	"archive/zip"
	"bytes"
	"errors"
	"image"
	"image/draw"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

const dsb = "../../../shared/real/dsb2018/stage1_train.zip"

// content makes one payload of a kind that datasets hold.
type content struct {
	name   string
	layout Layout
	data   []byte
}

func noise(rng *rand.Rand, sigma float64) float64 { return rng.NormFloat64() * sigma }

// smooth is a field of blobs with noise on it, as FUSE.md's synthetic images.
func smooth(rng *rand.Rand, w, h, channels int, sigma float64) []byte {
	out := make([]byte, w*h*channels)
	for y := range h {
		for x := range w {
			for c := range channels {
				v := 128 + 60*math.Sin(float64(x)/37+float64(c))*math.Cos(float64(y)/29) + noise(rng, sigma)
				out[(y*w+x)*channels+c] = byte(min(max(v, 0), 255))
			}
		}
	}
	return out
}

func volume(rng *rand.Rand, w, h, d int) []byte {
	out := make([]byte, 0, 2*w*h*d)
	for z := range d {
		for y := range h {
			for x := range w {
				v := int16(600*math.Sin(float64(x)/40)*math.Cos(float64(y)/33+float64(z)/20) + noise(rng, 12))
				out = append(out, byte(v), byte(v>>8))
			}
		}
	}
	return out
}

func mask(w, h int) []byte {
	out := make([]byte, w*h)
	for y := range h {
		for x := range w {
			if dx, dy := x%97-48, y%89-44; dx*dx+dy*dy < 900 {
				out[y*w+x] = 255
			}
		}
	}
	return out
}

func contents() []content {
	rng := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 300_000)
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	float := make([]byte, 0, 4*256*256)
	for i := range 256 * 256 {
		v := math.Float32bits(float32(math.Sin(float64(i%256)/30) * math.Cos(float64(i/256)/30)))
		float = append(float, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
	}
	gray := smooth(rng, 512, 512, 1, 6)
	rgba := make([]byte, 0, 4*len(gray))
	for _, v := range gray {
		rgba = append(rgba, v, v, v, 255)
	}
	return []content{
		{"rgb", Layout{512 * 3, 1, 3}, smooth(rng, 512, 512, 3, 6)},
		{"gray", Layout{512, 1, 1}, gray},
		{"rgba-gray", Layout{512 * 4, 1, 4}, rgba},
		{"int16", Layout{256 * 2, 2, 1}, volume(rng, 256, 256, 8)},
		{"float32", Layout{256 * 4, 4, 1}, float},
		{"float64", Layout{512 * 8, 8, 1}, bytes.Repeat(float, 4)},
		{"mask", Layout{512, 1, 1}, mask(512, 512)},
		{"zero", Layout{512, 1, 1}, make([]byte, 512*512)},
		{"random", Layout{}, random},
		{"odd16", Layout{33 * 2, 2, 1}, volume(rng, 33, 5, 3)},
		{"tiny16", Layout{2, 2, 1}, volume(rng, 1, 5, 3)},
		{"odd-rgb", Layout{7 * 3, 1, 3}, smooth(rng, 7, 5, 3, 3)},
		{"two-channels", Layout{64 * 2, 1, 2}, smooth(rng, 64, 64, 2, 3)},
		{"one-byte", Layout{1, 1, 1}, []byte{7}},
		{"cut", Layout{512 * 3, 1, 3}, smooth(rng, 512, 3, 3, 6)[:4001]},
		{"cut16", Layout{512, 2, 1}, volume(rng, 256, 4, 1)[:1025]},
	}
}

// chunks cuts data as the writer does.
func chunks(data []byte, l Layout) (out [][]byte, _ Layout) {
	l, size := l.normal()
	for len(data) > 0 {
		n := min(size, len(data))
		out = append(out, data[:n])
		data = data[n:]
	}
	return out, l
}

func TestChunkRoundTrip(t *testing.T) {
	for _, c := range contents() {
		t.Run(c.name, func(t *testing.T) {
			parts, l := chunks(c.data, c.layout)
			for i, p := range parts {
				enc := encodeChunk(nil, p, l, uint64(i))
				got := make([]byte, len(p))
				if err := decodeChunk(got, enc, uint64(i)); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, p) {
					t.Fatal("decoded bytes differ")
				}
				if len(enc) > len(p)+chunkHeader+planeHeader {
					t.Errorf("%d bytes became %d", len(p), len(enc))
				}
				if err := decodeChunk(got, enc, uint64(i)+1); !errors.Is(err, errChunk) {
					t.Errorf("a chunk in another's place: %v", err)
				}
				enc[len(enc)/2] ^= 1
				if err := decodeChunk(got, enc, uint64(i)); !errors.Is(err, errChunk) {
					t.Errorf("a flipped bit: %v", err)
				}
			}
		})
	}
}

func TestPredictorRoundTrip(t *testing.T) {
	for pred := range predCount {
		for _, step := range []int{1, 2, 3, 4, 5, 8} {
			for _, pixels := range []int{1, 2, 3, 7, 32} {
				row := pixels * step
				for _, size := range []int{1, row, row*5 + 3, row * 8} {
					src := payload(size, size)
					got := make([]byte, size)
					pred.encode(got, src, row, step)
					pred.decode(got, row, step)
					if !bytes.Equal(got, src) {
						t.Errorf("predictor %d, row %d, step %d, %d bytes", pred, row, step, size)
					}
				}
			}
		}
	}
}

func TestSmallKinds(t *testing.T) {
	for _, c := range contents() {
		limit := map[string]float64{"rgb": 0.68, "gray": 0.68, "rgba-gray": 0.2, "mask": 0.02, "zero": 0.001, "int16": 0.6}[c.name]
		if limit == 0 {
			continue
		}
		parts, l := chunks(c.data, c.layout)
		n := 0
		for _, p := range parts {
			n += len(encodeChunk(nil, p, l, 0))
		}
		if r := float64(n) / float64(len(c.data)); r > limit {
			t.Errorf("%s: ratio %.4f, want at most %.3f", c.name, r, limit)
		}
	}
}

// dsbImages returns the decoded images of DSB2018 and their bytes as PNG.
func dsbImages(tb testing.TB, every int) (images []content, png int64) {
	z, err := zip.OpenReader(dsb)
	if err != nil {
		tb.Skip("real data are not at hand: ", err)
	}
	defer z.Close()
	n := 0
	for _, f := range z.File {
		if !strings.Contains(f.Name, "/images/") || f.FileInfo().IsDir() {
			continue
		}
		if n++; n%every != 0 {
			continue
		}
		images = append(images, dsbImage(tb, f))
		png += int64(f.UncompressedSize64)
	}
	return images, png
}

func dsbImage(tb testing.TB, f *zip.File) content {
	r, err := f.Open()
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	m, err := png.Decode(r)
	if err != nil {
		tb.Fatal(err)
	}
	n, ok := m.(*image.NRGBA)
	if !ok {
		n = image.NewNRGBA(m.Bounds())
		draw.Draw(n, n.Rect, m, image.Point{}, draw.Src)
	}
	return content{f.Name, Layout{n.Rect.Dx() * 4, 1, 4}, n.Pix}
}

func TestDSBIsNoBiggerThanPNG(t *testing.T) {
	every := 8
	if testing.Short() {
		every = 40
	}
	if os.Getenv("CACHE_ALL_DSB") != "" {
		every = 1
	}
	images, ordinary := dsbImages(t, every)
	var enc, raw int64
	for _, c := range images {
		parts, l := chunks(c.data, c.layout)
		for _, p := range parts {
			enc += int64(len(encodeChunk(nil, p, l, 0)))
		}
		raw += int64(len(c.data))
	}
	ratio := float64(enc) / float64(ordinary)
	t.Logf("%d images: %d bytes raw, %d as PNG, %d here: %.3f of PNG", len(images), raw, ordinary, enc, ratio)
	if ratio > 1.1 {
		t.Errorf("%.3f of the PNG files' size, want at most 1.1", ratio)
	}
}

func benchContents(b *testing.B) []content {
	all := contents()[:7]
	if images, _ := dsbImages(b, 40); len(images) > 0 {
		all = append(all, content{"dsb", images[0].layout, images[0].data})
		all = append(all, content{"dsb2", images[9].layout, images[9].data})
	}
	return all
}

func BenchmarkEncode(b *testing.B) {
	for _, c := range benchContents(b) {
		parts, l := chunks(c.data, c.layout)
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.data)))
			n := 0
			var buf []byte
			start := cpuTime()
			for b.Loop() {
				n = 0
				for _, p := range parts {
					buf = encodeChunk(buf[:0], p, l, 0)
					n += len(buf)
				}
			}
			perCPU(b, start, len(c.data))
			b.ReportMetric(float64(n)/float64(len(c.data)), "ratio")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range benchContents(b) {
		parts, l := chunks(c.data, c.layout)
		var enc [][]byte
		for _, p := range parts {
			enc = append(enc, encodeChunk(nil, p, l, 0))
		}
		dst := make([]byte, maxChunk)
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.data)))
			start := cpuTime()
			for b.Loop() {
				for i, e := range enc {
					if err := decodeChunk(dst[:len(parts[i])], e, 0); err != nil {
						b.Fatal(err)
					}
				}
			}
			perCPU(b, start, len(c.data))
		})
	}
}

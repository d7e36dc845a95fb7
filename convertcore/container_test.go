package convertcore

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func noise(n int) []byte {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func raster(t testing.TB, w, h, channels, bits int) *Raster {
	t.Helper()
	r, err := NewRaster(w, h, channels, bits, noise(w*h*channels*bits/8))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func volume(t testing.TB, x, y, z, bits, lead int) *Volume {
	t.Helper()
	h := Header{Form: NIfTI, Dims: [4]int{x, y, z, 1}, Channels: 1, Bits: bits, Signed: true, Lead: lead}
	v, err := NewVolume(h, noise(lead), noise(int(h.PayloadSize())))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func encoded(t testing.TB, img Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := img.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sums(t testing.TB, img Image) Sums {
	t.Helper()
	s, err := SumsOf(img)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sameBytes reads got at many offsets and lengths.
func sameBytes(t *testing.T, want []byte, got blob.Blob) {
	t.Helper()
	if got.Size() != int64(len(want)) {
		t.Fatalf("size %d, want %d", got.Size(), len(want))
	}
	if all, err := blob.ReadAll(got); err != nil || !bytes.Equal(all, want) {
		t.Fatalf("whole content differs (error %v)", err)
	}
	rng := rand.New(rand.NewPCG(2, 2))
	buf := make([]byte, 200001)
	for i := range 600 {
		off := rng.IntN(len(want) + 1)
		if i < 120 {
			off = min(i, len(want))
		} else if i < 240 {
			off = max(0, len(want)-i+120)
		}
		n := rng.IntN(1 + []int{3, 40, 5000, len(buf) - 1}[i%4])
		p := buf[:n+1]
		clear(p)
		p[n] = 0xaa
		m, err := got.ReadAt(p[:n], int64(off))
		if end := min(n, len(want)-off); m != end || !bytes.Equal(p[:m], want[off:off+m]) || p[n] != 0xaa {
			t.Fatalf("ReadAt(%d bytes, %d): %d bytes, error %v", n, off, m, err)
		}
		if (m < n) != (err == io.EOF) || err != nil && err != io.EOF {
			t.Fatalf("ReadAt(%d bytes, %d) of %d: error %v", n, off, len(want), err)
		}
	}
}

func TestPNG(t *testing.T) {
	for _, c := range []struct{ w, h, channels, bits int }{
		{1, 1, 1, 8}, {1, 70000, 1, 8}, {3, 5, 2, 8}, {65534, 2, 1, 8}, {65534, 3, 1, 8}, {21844, 9, 3, 8},
		{512, 512, 3, 8}, {100, 37, 4, 8}, {300, 200, 1, 16}, {77, 91, 3, 16}, {64, 64, 4, 16}, {40, 41, 2, 16}, {200000, 2, 1, 8},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			r := raster(t, c.w, c.h, c.channels, c.bits)
			file := encoded(t, r)
			s := sums(t, r)
			if int64(len(file)) != r.Header().EncodedSize() {
				t.Fatalf("%d bytes, EncodedSize %d", len(file), r.Header().EncodedSize())
			}
			n := int64(c.h * (1 + c.w*c.channels*c.bits/8))
			if want := n + 5*max(1, (n+65534)/65535) + 63; want != int64(len(file)) {
				t.Fatalf("%d bytes, by the formula %d", len(file), want)
			}
			if s.SHA256 != sha256.Sum256(file) {
				t.Error("sha256 differs")
			}
			sameBytes(t, file, PNGBlob(r.Header(), s, blob.Bytes(r.Payload())))
			if c.channels != 2 { // image/png gives gray+alpha as NRGBA
				img, err := png.Decode(bytes.NewReader(file))
				if err != nil || img.Bounds().Dx() != c.w || img.Bounds().Dy() != c.h {
					t.Fatalf("image/png: %v", err)
				}
			}
		})
	}
}

// A zlib stream beyond one IDAT is cut; the limit is lowered to see it.
func TestManyIDAT(t *testing.T) {
	r := raster(t, 300, 300, 3, 8)
	for _, limit := range []int64{7, 1000, 65535, 65540, 1 << 20} {
		var file bytes.Buffer
		e, err := newEncoder(&file, r.Header(), nil, limit)
		if err != nil {
			t.Fatal(err)
		}
		e.Write(r.Payload())
		s, err := e.finish()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(file.Bytes())); err != nil {
			t.Fatalf("limit %d: %v", limit, err)
		}
		sameBytes(t, file.Bytes(), newPNGBlob(r.Header(), s, blob.Bytes(r.Payload()), limit))
	}
}

func TestNIfTI(t *testing.T) {
	for _, c := range []struct{ x, y, z, bits, lead int }{
		{1, 1, 1, 8, 352}, {64, 64, 20, 16, 352}, {33, 7, 5, 32, 368}, {10, 10, 10, 64, 70000}, {65535 - 352, 1, 1, 8, 352}, {65536 - 352, 1, 1, 8, 352},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			v := volume(t, c.x, c.y, c.z, c.bits, c.lead)
			h, s, file := v.Header(), sums(t, v), encoded(t, v)
			if int64(len(file)) != h.EncodedSize() || s.SHA256 != sha256.Sum256(file) {
				t.Fatalf("%d bytes, EncodedSize %d", len(file), h.EncodedSize())
			}
			nii := append(bytes.Clone(v.Lead()), v.Payload()...)
			z, err := gzip.NewReader(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, nii) {
				t.Fatalf("compress/gzip: error %v", err)
			}
			sameBytes(t, file, GzipBlob(h, s, v.Lead(), blob.Bytes(v.Payload())))
			sameBytes(t, nii, NiiBlob(h, v.Lead(), blob.Bytes(v.Payload())))
			if int64(len(nii)) != h.NiiSize() {
				t.Errorf("NiiSize %d, want %d", h.NiiSize(), len(nii))
			}
		})
	}
}

// A payload may arrive in pieces of any length.
func TestSummerPieces(t *testing.T) {
	for _, img := range []Image{raster(t, 211, 190, 3, 8), volume(t, 40, 40, 40, 16, 400)} {
		s, err := NewSummer(img.Header(), img.Lead())
		if err != nil {
			t.Fatal(err)
		}
		for p, n := img.Payload(), 1; len(p) > 0; n = n*2 + 1 {
			n = min(n, len(p))
			if _, err := s.Write(p[:n]); err != nil {
				t.Fatal(err)
			}
			p = p[n:]
		}
		got, err := s.Sums()
		want := sums(t, img)
		if err != nil || got.Adler != want.Adler || got.Nii != want.Nii || got.SHA256 != want.SHA256 {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
}

func TestPayloadOfWrongLength(t *testing.T) {
	r := raster(t, 20, 20, 1, 8)
	for _, n := range []int{0, 399, 401} {
		s, _ := NewSummer(r.Header(), nil)
		_, werr := s.Write(make([]byte, n))
		if _, err := s.Sums(); !errors.Is(err, ErrMismatch) || (werr != nil) != (n > 400) {
			t.Errorf("%d bytes: %v, %v", n, werr, err)
		}
		b := PNGBlob(r.Header(), sums(t, r), blob.Bytes(make([]byte, n)))
		if m, err := b.ReadAt(make([]byte, 100), 50); m != 0 || !errors.Is(err, ErrMismatch) {
			t.Errorf("%d bytes: ReadAt gave %d, %v", n, m, err)
		}
	}
	h := r.Header()
	h.Dims[0] = 0
	if _, err := PNGBlob(h, Sums{}, blob.Bytes(nil)).ReadAt(make([]byte, 100), 50); !errors.Is(err, ErrFormat) {
		t.Errorf("bad header: %v", err)
	}
}

// brokenBlob fails every read beyond half of it.
type brokenBlob struct{ blob.Blob }

var errBroken = errors.New("broken")

func (b brokenBlob) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > b.Size()/2 {
		return 0, errBroken
	}
	return b.Blob.ReadAt(p, off)
}

func TestPayloadError(t *testing.T) {
	r, v := raster(t, 100, 100, 1, 8), volume(t, 10, 10, 100, 8, 352)
	for _, b := range []blob.Blob{
		PNGBlob(r.Header(), sums(t, r), brokenBlob{blob.Bytes(r.Payload())}),
		GzipBlob(v.Header(), sums(t, v), v.Lead(), brokenBlob{blob.Bytes(v.Payload())}),
		NiiBlob(v.Header(), v.Lead(), brokenBlob{blob.Bytes(v.Payload())}),
	} {
		if _, err := b.ReadAt(make([]byte, 4000), 100); err != nil {
			t.Error(err)
		}
		if n, err := b.ReadAt(make([]byte, 10000), 100); n != 0 || !errors.Is(err, errBroken) {
			t.Errorf("%d, %v", n, err)
		}
	}
}

// Sizes of images too large to hold in a test follow by arithmetic alone.
func TestHugeSizes(t *testing.T) {
	for _, h := range []Header{RasterHeader(40000, 30000, 3, 8), RasterHeader(1<<20, 1<<13, 1, 8)} {
		if err := h.Check(); err != nil {
			t.Fatal(err)
		}
		n := int64(h.Dims[1]) * (1 + int64(h.RowSize()))
		stream := n + 5*((n+65534)/65535) + 6
		chunks := (stream + 1<<31 - 2) / (1<<31 - 1)
		if got, want := h.EncodedSize(), 8+25+12+stream+12*chunks; got != want {
			t.Errorf("%v: %d, want %d", h.Dims, got, want)
		}
	}
}

func TestHeaderCheck(t *testing.T) {
	nii := Header{Form: NIfTI, Dims: [4]int{2, 2, 2, 2}, Channels: 1, Bits: 16, Lead: 352}
	change := func(f func(h *Header)) Header { h := nii; f(&h); return h }
	for i, h := range []Header{
		{}, RasterHeader(0, 1, 1, 8), RasterHeader(1, -1, 1, 8), RasterHeader(1, 1, 5, 8), RasterHeader(1, 1, 1, 1),
		RasterHeader(1<<31, 1, 1, 8), RasterHeader(1<<31-1, 1<<31-1, 4, 16), RasterHeader(1<<17, 1<<17, 1, 8),
		change(func(h *Header) { h.Lead = 0 }), change(func(h *Header) { h.Lead = 1 << 30 }), change(func(h *Header) { h.Channels = 3 }),
		change(func(h *Header) { h.Float = true }), change(func(h *Header) { h.Bits = 24 }), change(func(h *Header) { h.Form = 7 }),
		change(func(h *Header) { h.Dims = [4]int{1 << 20, 1 << 20, 1 << 20, 1 << 20} }),
		change(func(h *Header) { h.Affine[1][2] = math.NaN() }), change(func(h *Header) { h.Affine[2][3] = math.Inf(-1) }),
	} {
		if err := h.Check(); !errors.Is(err, ErrFormat) {
			t.Errorf("%d: %+v: %v", i, h, err)
		}
	}
	if err := nii.Check(); err != nil {
		t.Error(err)
	}
}

func TestReadAtAllocatesNothing(t *testing.T) {
	r, v := raster(t, 512, 512, 3, 8), volume(t, 64, 64, 64, 16, 352)
	for name, b := range map[string]blob.Blob{
		"png": PNGBlob(r.Header(), sums(t, r), blob.Bytes(r.Payload())),
		"gz":  GzipBlob(v.Header(), sums(t, v), v.Lead(), blob.Bytes(v.Payload())),
		"nii": NiiBlob(v.Header(), v.Lead(), blob.Bytes(v.Payload())),
	} {
		p := make([]byte, 128<<10)
		if n := testing.AllocsPerRun(100, func() { b.ReadAt(p, 12345) }); n != 0 {
			t.Errorf("%s: %v allocations a read", name, n)
		}
		if n := testing.AllocsPerRun(100, func() { b.ReadAt(p, 0) }); n != 0 {
			t.Errorf("%s: %v allocations a read of the head", name, n)
		}
	}
}

func benchmarkReadAt(b *testing.B, c blob.Blob) {
	p := make([]byte, 1<<20)
	b.SetBytes(c.Size())
	for b.Loop() {
		for off := int64(0); off < c.Size(); off += int64(len(p)) {
			if _, err := c.ReadAt(p, off); err != nil && err != io.EOF {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkPNGBlobReadAt(b *testing.B) {
	r := raster(b, 512, 512, 3, 8)
	benchmarkReadAt(b, PNGBlob(r.Header(), sums(b, r), blob.Bytes(r.Payload())))
}

func BenchmarkGzipBlobReadAt(b *testing.B) {
	v := volume(b, 256, 256, 128, 16, 352)
	benchmarkReadAt(b, GzipBlob(v.Header(), sums(b, v), v.Lead(), blob.Bytes(v.Payload())))
}

func BenchmarkNiiBlobReadAt(b *testing.B) {
	v := volume(b, 256, 256, 128, 16, 352)
	benchmarkReadAt(b, NiiBlob(v.Header(), v.Lead(), blob.Bytes(v.Payload())))
}

func BenchmarkSumsOf(b *testing.B) {
	r := raster(b, 512, 512, 3, 8)
	b.SetBytes(r.Header().PayloadSize())
	for b.Loop() {
		sums(b, r)
	}
}

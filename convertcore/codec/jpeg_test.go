package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

func TestJPEGAgainstReferences(t *testing.T) {
	dir := makeStreams(t, "make_jpeg.py", "numpy, PIL, pydicom", "dcmcjpeg", "dcmdjpeg", "gdcmconv")
	compare(t, JPEG, samples(t, dir, ".jpg"))
}

func TestJPEG(t *testing.T) { compare(t, JPEG, samples(t, "testdata", ".jpg")) }

// A stream that lacks its end marker only, or bits that pad its last byte, is
// whole; anything before that is not.
func TestJPEGTruncated(t *testing.T) {
	for _, s := range samples(t, "testdata", ".jpg") {
		end := bytes.LastIndex(s.stream, []byte{0xff, 0xd9})
		cut(t, JPEG, s.stream, end-1, s.f)
	}
}

func TestJPEGMalformed(t *testing.T) {
	s := samples(t, "testdata", ".jpg")[0]
	for name, change := range map[string]func(*Frame){
		"width":   func(f *Frame) { f.Width++ },
		"height":  func(f *Frame) { f.Height-- },
		"samples": func(f *Frame) { f.Samples = 4 - f.Samples },
		"huge":    func(f *Frame) { f.Width, f.Height = 1<<16, 1<<15 },
	} {
		f := s.f
		change(&f)
		if _, err := JPEG(s.stream, f); !errors.Is(err, convertcore.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, process := range []byte{0xc5, 0xc9, 0xcb} { // hierarchical, arithmetic
		b := bytes.Clone(s.stream)
		at := bytes.Index(b, []byte{0xff, 0xc1})
		if at < 0 {
			at = bytes.Index(b, []byte{0xff, 0xc0})
		}
		b[at+1] = process
		if _, err := JPEG(b, s.f); !errors.Is(err, convertcore.ErrUnsupported) {
			t.Errorf("SOF%d: %v", process-0xc0, err)
		}
	}
}

// Without a marker three components are YCbCr, but a container that says RGB is
// believed; lossless streams stay as they are.
func TestJPEGColors(t *testing.T) {
	for _, s := range samples(t, "testdata", ".jpg") {
		if s.f.Samples != 3 {
			continue
		}
		f := s.f
		f.RGB = true
		got, err := JPEG(s.stream, f)
		lossless := bytes.Contains(s.stream, []byte{0xff, 0xc3})
		if err != nil || bytes.Equal(got, s.want) != lossless {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}

// A header that lies about the size costs no memory.
func TestJPEGAllocates(t *testing.T) {
	for _, s := range samples(t, "testdata", ".jpg") {
		b, f := append(bytes.Clone(s.stream), make([]byte, 1<<19)...), s.f
		at := 0
		for i := 2; i+9 < len(b); i += 2 + int(binary.BigEndian.Uint16(b[i+2:])) {
			if b[i+1] >= 0xc0 && b[i+1] <= 0xc3 {
				at = i + 5
				break
			}
		}
		f.Width, f.Height = 1<<15, 1<<14
		binary.BigEndian.PutUint16(b[at:], uint16(f.Height))
		binary.BigEndian.PutUint16(b[at+2:], uint16(f.Width))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := JPEG(b, f)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, convertcore.ErrFormat) || n > 64<<20 {
			t.Errorf("%s: %d bytes allocated, %v", s.name, n, err)
		}
	}
}

func TestHasAdobe(t *testing.T) {
	adobe := []byte("\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00")
	plain := []byte("\xff\xd8\xff\xe0\x00\x04ab")
	for name, c := range map[string]struct {
		stream []byte
		want   bool
	}{
		"marker":         {append(bytes.Clone(plain), adobe...), true},
		"none":           {plain, false},
		"in a segment":   {append([]byte("\xff\xd8\xff\xfe\x00\x12"), adobe...), false},
		"after the scan": {append([]byte("\xff\xd8\xff\xda\x00\x02"), adobe...), false},
		"cut short":      {append(bytes.Clone(plain), adobe[:8]...), false},
		"empty":          {nil, false},
	} {
		if HasAdobe(c.stream) != c.want {
			t.Error(name)
		}
	}
}

func FuzzJPEG(f *testing.F) { addSamples(f, JPEG, ".jpg") }

func BenchmarkJPEG(b *testing.B) {
	for _, s := range samples(b, "testdata", ".jpg") {
		b.Run(s.name, func(b *testing.B) {
			b.SetBytes(s.f.Size())
			for b.Loop() {
				if _, err := JPEG(s.stream, s.f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

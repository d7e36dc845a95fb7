package archive

import (
	"bytes"
	"compress/flate"
	"io"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func deflated(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := flate.NewWriter(&buf, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(data)
	w.Close()
	return buf.Bytes()
}

func inflateAll(packed []byte) ([]byte, error) {
	b := blob.Bytes(packed)
	return io.ReadAll(newInflate(newWindow(b, 0, b.Size()), false, nil))
}

func samples() map[string][]byte {
	mixed := bytes.Repeat([]byte("voxel spacing "), 9000)
	mixed = append(append(mixed, noise(200_000)...), make([]byte, 300_000)...)
	return map[string][]byte{
		"empty": nil, "byte": {7}, "zeros": make([]byte, 1<<20), "noise": noise(300_000), "mixed": mixed,
	}
}

func TestInflate(t *testing.T) {
	for name, want := range samples() {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 6, 9} {
			got, err := inflateAll(deflated(t, want, level))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s, level %d: %d of %d bytes, %v", name, level, len(got), len(want), err)
			}
		}
	}
}

// TestInflateResumes begins again at each place that a first pass could mark.
func TestInflateResumes(t *testing.T) {
	for name, want := range samples() {
		for _, level := range []int{flate.NoCompression, 1, 9} {
			b := blob.Bytes(deflated(t, want, level))
			f := newInflate(newWindow(b, 0, b.Size()), false, nil)
			for {
				if f.rd == f.wr && f.copyLen == 0 && f.state != atEnd {
					head, at, out := f.head, f.at(), f.out
					if f.state == atHeader {
						head = at
					}
					g := newInflate(newWindow(b, head/8, b.Size()-head/8), false, bytes.Clone(f.history()))
					err := g.resume(head, at)
					var got []byte
					if err == nil {
						got, err = io.ReadAll(g)
					}
					if err != nil || !bytes.Equal(got, want[out:]) {
						t.Fatalf("%s, level %d: again from bit %d (byte %d): %d bytes, %v", name, level, at, out, len(got), err)
					}
				}
				p := make([]byte, inflateChunk)
				if _, err := f.Read(p); err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// FuzzInflate holds inflate to what compress/flate makes of the same bytes.
func FuzzInflate(f *testing.F) {
	for _, want := range samples() {
		f.Add(deflated(f, want[:min(len(want), 2000)], 6))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		want, werr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), 1<<22))
		b := blob.Bytes(data)
		got, err := io.ReadAll(io.LimitReader(newInflate(newWindow(b, 0, b.Size()), false, nil), 1<<22))
		if (err == nil) != (werr == nil) || err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, %v; compress/flate has %d, %v", len(got), err, len(want), werr)
		}
		_, _ = io.ReadAll(io.LimitReader(newInflate(newWindow(b, 0, b.Size()), true, nil), 1<<22))
	})
}

func BenchmarkInflate(b *testing.B) {
	packed := deflated(b, samples()["mixed"], 6)
	b.SetBytes(int64(len(samples()["mixed"])))
	for b.Loop() {
		if _, err := inflateAll(packed); err != nil {
			b.Fatal(err)
		}
	}
}

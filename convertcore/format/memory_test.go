package format

import (
	"bytes"
	"runtime"
	"testing"
)

// allocated is the number of bytes that f allocates in all.
func allocated(f func()) uint64 {
	var a, b runtime.MemStats
	runtime.ReadMemStats(&a)
	f()
	runtime.ReadMemStats(&b)
	return b.TotalAlloc - a.TotalAlloc
}

// Decoding holds little more than the result: a mount converts many at once.
func TestDecodeMemory(t *testing.T) {
	nii := niiFile(func(b []byte) {
		copy(b[42:], []byte{0, 1, 0, 1, 64, 0}) // 256×256×64
	})
	nii = append(nii[:352], make([]byte, 256*256*64*2)...)
	z := gzipped(t, nii)
	for name, c := range map[string]struct {
		file  []byte
		bound int
	}{
		"nii.gz": {z, len(nii) + len(nii)/10 + 1<<20},
		"nii":    {nii, len(nii) + len(nii)/10 + 1<<20},
	} {
		n := allocated(func() {
			if _, err := niftiDecode(t.Context(), one(c.file), []string{"a.nii"}); err != nil {
				t.Error(err)
			}
		})
		if n > uint64(c.bound) {
			t.Errorf("%s: %d bytes allocated, bound %d", name, n, c.bound)
		}
	}
	file := smallPNG(t)
	setPNGSize(file, 30000, 30000)
	if n := allocated(func() { decodePNG(bytes.Clone(file)) }); n > 1<<20 {
		t.Errorf("%d bytes allocated for a PNG that declares too much", n)
	}
}

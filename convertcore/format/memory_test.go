package format

import (
	"bytes"
	"runtime"
	"strings"
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
	voxels := nii[352:]
	sizes := func(head []byte) []byte {
		s := strings.Replace(string(head), "DimSize = 3 2 2", "DimSize = 256 256 64", 1)
		return []byte(strings.Replace(s, "sizes: 3 2 2", "sizes: 256 256 64", 1))
	}
	for name, c := range map[string]struct {
		file  []byte
		bound int
	}{
		"a.nii.gz": {z, len(nii) + len(nii)/10 + 1<<20},
		"a.nii":    {nii, len(nii) + len(nii)/10 + 1<<20},
		"z.mha":    {append(sizes(metaFile("CompressedData = True\n", nil)), deflated(t, voxels)...), len(nii) + len(nii)/10 + 1<<20},
		"z.nrrd":   {append(sizes(nrrdFile("gzip", "", nil)), gzipped(t, voxels)...), len(nii) + len(nii)/10 + 1<<20},
	} {
		f, err := For(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := allocated(func() {
			if _, err := f.Decode(t.Context(), one(c.file), []string{name}); err != nil {
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

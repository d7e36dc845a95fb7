package format

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Everything that nibabel can tell of the served file is as in the raw one.
func TestNIfTIAgainstNibabel(t *testing.T) {
	dir, served := t.TempDir(), t.TempDir()
	python(t, "make_nifti.py", dir)
	for _, name := range append(names(t, dir, "*.nii*"), names(t, dir, "*.hdr")...) {
		header, err := niftiHeader(t.Context(), folder(dir), []string{name})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		img, err := niftiDecode(t.Context(), folder(dir), []string{name})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if img.Header() != header {
			t.Errorf("%s: Header %+v, Decode %+v", name, header, img.Header())
		}
		writeServed(t, filepath.Join(served, name), img)
		sel := make([]byte, header.Pixels())
		sel[len(sel)/2] = 1
		mask, err := convertcore.NewMask(img, sel)
		if err != nil || mask.Header() != convertcore.MaskHeader(header) {
			t.Fatalf("%s: mask %+v, %v", name, mask.Header(), err)
		}
		writeServed(t, filepath.Join(served, name+".mask"), mask)
	}
	python(t, "check_nifti.py", dir, served)
}

func writeServed(t *testing.T, path string, img convertcore.Image) {
	t.Helper()
	h := img.Header()
	var gz bytes.Buffer
	if err := img.Encode(&gz); err != nil {
		t.Fatal(err)
	}
	nii, err := blob.ReadAll(convertcore.NiiBlob(h, img.Lead(), blob.Bytes(img.Payload())))
	if err != nil {
		t.Fatal(err)
	}
	var affine string
	for _, row := range h.Affine {
		affine += fmt.Sprintf("%.17g %.17g %.17g %.17g\n", row[0], row[1], row[2], row[3])
	}
	for ext, data := range map[string][]byte{".nii.gz": gz.Bytes(), ".nii": nii, ".affine": []byte(affine), ".axes": []byte(geom.Orientation(h.Affine))} {
		if err := os.WriteFile(path+ext, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// niiFile is a small int16 volume; change may spoil its header.
func niiFile(change func(head []byte)) []byte {
	b := make([]byte, 352+2*4*3*2)
	le := binary.LittleEndian
	le.PutUint32(b, 348)
	for i, d := range []uint16{3, 4, 3, 2, 1, 1, 1, 1} {
		le.PutUint16(b[40+2*i:], d)
	}
	le.PutUint16(b[70:], 4)
	le.PutUint16(b[72:], 16)
	le.PutUint32(b[108:], math.Float32bits(352))
	copy(b[344:], magicSingle)
	for i := range b[352:] {
		b[352+i] = byte(i)
	}
	if change != nil {
		change(b)
	}
	return b
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestNIfTIHostile(t *testing.T) {
	le := binary.LittleEndian
	dim := func(i int, v uint16) func([]byte) { return func(b []byte) { le.PutUint16(b[40+2*i:], v) } }
	for name, c := range map[string]struct {
		change func([]byte)
		want   error
	}{
		"not NIfTI":       {func(b []byte) { b[0] = 1 }, convertcore.ErrFormat},
		"NIfTI-2":         {func(b []byte) { le.PutUint32(b, 540) }, convertcore.ErrUnsupported},
		"Analyze":         {func(b []byte) { copy(b[344:], "\x00\x00\x00\x00") }, convertcore.ErrUnsupported},
		"magic":           {func(b []byte) { b[344] = 'x' }, convertcore.ErrFormat},
		"pair in one":     {func(b []byte) { copy(b[344:], magicPair) }, convertcore.ErrFormat},
		"no dimensions":   {dim(0, 0), convertcore.ErrFormat},
		"nine dimensions": {dim(0, 9), convertcore.ErrFormat},
		"empty dimension": {dim(2, 0), convertcore.ErrFormat},
		"negative":        {dim(2, 0xffff), convertcore.ErrFormat},
		"too long":        {dim(2, 30000), convertcore.ErrFormat},
		"absurd": {func(b []byte) {
			dim(0, 7)(b)
			for i := 1; i < 8; i++ {
				dim(i, 32767)(b)
			}
		}, convertcore.ErrFormat},
		"complex":          {func(b []byte) { b[70] = 32 }, convertcore.ErrUnsupported},
		"unknown datatype": {func(b []byte) { b[70] = 3 }, convertcore.ErrUnsupported},
		"offset NaN":       {func(b []byte) { le.PutUint32(b[108:], math.Float32bits(float32(math.NaN()))) }, convertcore.ErrFormat},
		"offset beyond":    {func(b []byte) { le.PutUint32(b[108:], math.Float32bits(1e6)) }, convertcore.ErrFormat},
		"huge extension":   {func(b []byte) { b[348] = 1; le.PutUint32(b[108:], math.Float32bits(1<<30)) }, convertcore.ErrFormat},
	} {
		file := niiFile(c.change)
		for form, b := range map[string][]byte{"": file, ".gz": gzipped(t, file)} {
			_, herr := niftiHeader(t.Context(), one(b), []string{"a.nii" + form})
			_, err := niftiDecode(t.Context(), one(b), []string{"a.nii" + form})
			if !errors.Is(err, c.want) || (form == "" && !errors.Is(herr, c.want)) {
				t.Errorf("%s%s: header %v, decode %v", name, form, herr, err)
			}
		}
	}
}

// What follows the voxels is passed over, but not without end.
func TestNIfTIFollowedByZeros(t *testing.T) {
	file := niiFile(nil)
	if _, err := niftiDecode(t.Context(), one(gzipped(t, append(file, make([]byte, 1<<20)...))), []string{"a.nii.gz"}); err != nil {
		t.Error(err)
	}
	if _, err := niftiDecode(t.Context(), one(gzipped(t, append(file, make([]byte, eager+1<<20)...))), []string{"a.nii.gz"}); !errors.Is(err, convertcore.ErrFormat) {
		t.Error(err)
	}
}

func TestNIfTITruncated(t *testing.T) {
	file := niiFile(nil)
	for name, b := range map[string][]byte{"a.nii": file, "a.nii.gz": gzipped(t, file)} {
		if _, err := niftiDecode(t.Context(), one(b), []string{name}); err != nil {
			t.Fatal(err)
		}
		for n := range b {
			if _, err := niftiDecode(t.Context(), one(b[:n]), []string{name}); !errors.Is(err, convertcore.ErrFormat) {
				t.Fatalf("%s cut at %d: %v", name, n, err)
			}
		}
	}
	z := gzipped(t, file)
	z[len(z)-6] ^= 1 // the checksum
	if _, err := niftiDecode(t.Context(), one(z), []string{"a.nii.gz"}); !errors.Is(err, convertcore.ErrFormat) {
		t.Errorf("wrong checksum: %v", err)
	}
}

var errNetwork = errors.New("connection reset")

// failing gives an error beyond a position, as a remote file may.
type failing struct {
	blob.Blob
	at int64
}

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.at {
		return 0, errNetwork
	}
	return f.Blob.ReadAt(p, off)
}

// An error of the reader is not taken for a fault of the file.
func TestReaderErrorsPassThrough(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	noise := make([]byte, 352+2*64*64*64)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	copy(noise, niiFile(func(b []byte) {
		for i := range 3 {
			binary.LittleEndian.PutUint16(b[42+2*i:], 64)
		}
	})[:352])
	for _, b := range [][]byte{noise, gzipped(t, noise)} {
		s, err := newStream(failing{blob.Bytes(b), 300000}, voxelBuffer)
		if err != nil {
			t.Fatal(err)
		}
		f := &niftiFile{data: s}
		if err := f.readHead(false); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 400000)
		for err == nil {
			_, err = f.data.Read(buf)
		}
		if err := f.data.fault(err); !errors.Is(err, errNetwork) || errors.Is(err, convertcore.ErrFormat) {
			t.Error(err)
		}
	}
	if _, err := readAll(failing{blob.Bytes(noise), 10}); !errors.Is(err, errNetwork) {
		t.Error(err)
	}
}

func TestNIfTIHeaderReadsFewBytes(t *testing.T) {
	big := niiFile(func(b []byte) {
		for i := range 3 {
			binary.LittleEndian.PutUint16(b[42+2*i:], 100)
		}
	})
	big = append(big[:352], make([]byte, 2e6)...)
	noisy := bytes.Clone(big)
	for i := range noisy[352:] {
		noisy[352+i] = byte(rand.Uint32())
	}
	for _, b := range [][]byte{big, gzipped(t, big), gzipped(t, noisy)} {
		c := &counting{Blob: blob.Bytes(b)}
		if _, err := niftiHeader(t.Context(), rawOf{c}, []string{"a.nii.gz"}); err != nil || c.n > headerBuffer {
			t.Errorf("%d bytes, %v", c.n, err)
		}
	}
}

func FuzzNIfTI(f *testing.F) {
	f.Add(niiFile(nil))
	f.Add(gzipped(f, niiFile(nil)))
	f.Add(niiFile(func(b []byte) { swapHead(b) }))
	f.Fuzz(func(t *testing.T, file []byte) {
		h, herr := niftiHeader(t.Context(), one(file), []string{"a.nii"})
		var img convertcore.Image
		var err error
		if n := allocated(func() { img, err = niftiDecode(t.Context(), one(file), []string{"a.nii"}) }); n > 256<<20 && len(file) < 1<<20 {
			t.Errorf("%d bytes allocated for %d", n, len(file))
		}
		if err != nil {
			if !errors.Is(err, convertcore.ErrFormat) && !errors.Is(err, convertcore.ErrUnsupported) {
				t.Error(err)
			}
			return
		}
		got := img.Header()
		got.Affine, h.Affine = geom.Affine{}, geom.Affine{} // may hold NaN
		if herr != nil || got != h {
			t.Errorf("header %+v, %v; image %+v", h, herr, got)
		}
		if err := img.Encode(&bytes.Buffer{}); err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkNIfTIDecode(b *testing.B) {
	file := niiFile(func(head []byte) {
		for i, d := range []uint16{256, 256, 128} {
			binary.LittleEndian.PutUint16(head[42+2*i:], d)
		}
	})[:352]
	rng := rand.New(rand.NewPCG(1, 1))
	for range 256 * 256 * 128 {
		file = binary.LittleEndian.AppendUint16(file, uint16(1000+30*rng.NormFloat64()))
	}
	z := gzipped(b, file)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if _, err := niftiDecode(b.Context(), one(z), []string{"a.nii.gz"}); err != nil {
			b.Fatal(err)
		}
	}
}

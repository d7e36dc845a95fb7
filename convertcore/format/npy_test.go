package format

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

func TestNPYAgainstNumPy(t *testing.T) { agree(t, "make_npy.py", 100) }

func TestParseArray(t *testing.T) {
	for raw, want := range map[string]Array{
		"a/x.npz#train_images[12]": {"a/x.npz", "train_images", []int{12}, [2]int{}},
		"x.NPY#[:, 3]":             {"x.NPY", "", []int{-1, 3}, [2]int{}},
		"x.npz":                    {"x.npz", "", nil, [2]int{}},
		"x.npz#a":                  {"x.npz", "a", nil, [2]int{}},
		"case#1.png":               {"case#1.png", "", nil, [2]int{}},
		"x.npy#[4,:,:,1:4]":        {"x.npy", "", []int{4, -1, -1, -1}, [2]int{1, 4}},
		"d#[1]/x.npz#b[0]":         {"d#[1]/x.npz", "b", []int{0}, [2]int{}},
	} {
		got, err := ParseArray(raw)
		if err != nil || got.Path != want.Path || got.Name != want.Name || !slices.Equal(got.Index, want.Index) || got.Samples != want.Samples {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
		if again, err := ParseArray(got.String()); err != nil || again.String() != got.String() {
			t.Errorf("%s comes back as %s", got, again)
		}
	}
	for _, raw := range []string{"x.npy#[-1]", "x.npy#[]", "x.npy#[1,a]", "x.npz#a[99999999999]", "x.npy#[0:3,1]", "x.npy#[0:3,:]", "x.npy#[0:2]", "x.npy#[3:0]", "x.npy#[0:]"} {
		if _, err := ParseArray(raw); !errors.Is(err, convertcore.ErrFormat) {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// npyFile is an array of 12 samples of two bytes.
func npyFile(descr, shape string, samples []byte) []byte {
	head := fmt.Sprintf("{'descr': %s, 'fortran_order': False, 'shape': %s, }\n", descr, shape)
	return append([]byte(npyMagic+"\x01\x00"+string(rune(len(head)))+"\x00"+head), samples...)
}

func npzFile(t testing.TB, method uint16, names ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range names {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		w.Write(npyFile("'<u2'", "(2, 2, 3)", []byte("abcdefghijklmnopqrstuvwx")))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestNPYTruncated(t *testing.T) {
	truncated(t, "a.npy", npyFile("'<u2'", "(2, 2, 3)", []byte("abcdefghijklmnopqrstuvwx")))
	truncated(t, "a.npz", npzFile(t, zip.Deflate, "arr_0.npy"))
	truncated(t, "a.npz", npzFile(t, zip.Store, "arr_0.npy"))
}

func TestNPYHostile(t *testing.T) {
	for name, c := range map[string]struct {
		path string
		file []byte
		want error
	}{
		"objects":   {"a.npy", npyFile("'|O'", "(2, 2)", nil), convertcore.ErrUnsupported},
		"records":   {"a.npy", npyFile("[('a', '<u2')]", "(2, 2)", nil), convertcore.ErrUnsupported},
		"complex":   {"a.npy", npyFile("'<c8'", "(2, 2)", nil), convertcore.ErrUnsupported},
		"text":      {"a.npy", npyFile("'<U8'", "(2, 2)", nil), convertcore.ErrUnsupported},
		"one axis":  {"a.npy", npyFile("'<u2'", "(12,)", make([]byte, 24)), convertcore.ErrUnsupported},
		"empty":     {"a.npy", npyFile("'<u2'", "(0, 3)", nil), convertcore.ErrFormat},
		"absurd":    {"a.npy", npyFile("'<u2'", "(9999, 9999, 9999)", nil), convertcore.ErrFormat},
		"short":     {"a.npy", npyFile("'<u2'", "(4000, 4000)", make([]byte, 24)), convertcore.ErrFormat},
		"index":     {"a.npy#[2]", npyFile("'<u2'", "(2, 2, 3)", make([]byte, 24)), convertcore.ErrFormat},
		"indices":   {"a.npy#[0,0,0,0]", npyFile("'<u2'", "(2, 2, 3)", make([]byte, 24)), convertcore.ErrFormat},
		"name":      {"a.npy#x", npyFile("'<u2'", "(2, 2, 3)", make([]byte, 24)), convertcore.ErrFormat},
		"samples":   {"a.npy#[:,:,1:4]", npyFile("'<u2'", "(2, 2, 3)", make([]byte, 24)), convertcore.ErrFormat},
		"axes":      {"a.npy#[:,0:3]", npyFile("'<u2'", "(2, 2, 3)", make([]byte, 24)), convertcore.ErrFormat},
		"plane":     {"a.npy#[0,0:3]", npyFile("'<u2'", "(4, 3)", make([]byte, 24)), convertcore.ErrUnsupported},
		"which":     {"a.npz", npzFile(t, zip.Store, "a.npy", "b.npy"), convertcore.ErrFormat},
		"no such":   {"a.npz#c", npzFile(t, zip.Store, "a.npy", "b.npy"), convertcore.ErrFormat},
		"not a zip": {"a.npz", []byte("PK\x03\x04 but no more"), convertcore.ErrFormat},
	} {
		f, err := For(c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Decode(t.Context(), one(c.file), []string{c.path}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Of pixels of four numbers the address takes three for the color.
func TestSamplesOfAPixel(t *testing.T) {
	pixels := []byte("\x01\x02\x03\x09\x04\x05\x06\x09\x07\x08\x0a\x09\x0b\x0c\x0d\x09")
	for descr, want := range map[string]string{"'|u1'": "\x02\x03\x09\x05\x06\x09\x08\x0a\x09\x0c\x0d\x09", "'|i1'": "\x02\x05\x08\x0c\x03\x06\x0a\x0d\x09\x09\x09\x09"} {
		f, err := For("a.npy", nil)
		if err != nil {
			t.Fatal(err)
		}
		im, err := f.Decode(t.Context(), one(npyFile(descr, "(1, 4, 4)", pixels)), []string{"a.npy#[:,:,1:4]"})
		if err != nil || string(im.Payload()) != want || im.Header().Dims[0] != 4 || im.Header().Dims[1] != 1 || im.Header().Channels*im.Header().Dims[3] != 3 {
			t.Errorf("%s: %v, %+v", descr, err, im)
		}
	}
}

func FuzzNPY(f *testing.F) {
	f.Add(npyFile("'<u2'", "(2, 2, 3)", make([]byte, 24)))
	f.Add(npyFile("'>f8'", "(1, 3)", make([]byte, 24)))
	f.Add(npyFile("'|u1'", "(2, 4, 3)", make([]byte, 24)))
	fuzzFile(f, "a.npy")
}

func FuzzNPZ(f *testing.F) {
	f.Add(npzFile(f, zip.Store, "a.npy"))
	f.Add(npzFile(f, zip.Deflate, "a.npy"))
	fuzzFile(f, "a.npz")
}

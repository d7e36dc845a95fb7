package format

import (
	"archive/zip"
	"bytes"
	"context"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zlib"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// image is what one raw image is made of: the file of its path, and others.
type rawImage struct {
	path  string
	files map[string][]byte
}

func (r rawImage) Files(context.Context) ([]blob.Info, error) { return nil, nil }

func (r rawImage) Open(_ context.Context, path string) (blob.Blob, error) {
	if b, ok := r.files[path]; ok {
		return blob.Bytes(b), nil
	}
	return nil, fs.ErrNotExist
}

// with is the image with another content of one file.
func (r rawImage) with(name string, b []byte) rawImage {
	r.files = maps.Clone(r.files)
	r.files[name] = b
	return r
}

// everyImage has images of every registered format, by its name.
func everyImage(t *testing.T) map[string][]rawImage {
	out := map[string][]rawImage{}
	add := func(format, path string, file []byte, more ...any) {
		r := rawImage{path, map[string][]byte{filePath(path): file}}
		for i := 0; i+1 < len(more); i += 2 {
			r.files[more[i].(string)] = more[i+1].([]byte)
		}
		out[format] = append(out[format], r)
	}
	for ext, format := range map[string]string{"bmp": "bmp", "gif": "gif", "webp": "webp", "tif": "tiff"} {
		for _, name := range names(t, filepath.Join("testdata", "samples"), "*."+ext) {
			add(format, name, read(t, "testdata", "samples", name))
		}
	}
	for _, name := range names(t, filepath.Join("testdata", "samples"), "*.mat") {
		path := name
		if name == "v4_u2.mat" {
			path += "#b"
		}
		if name != "refused.mat" {
			add("mat", path, read(t, "testdata", "samples", name))
		}
	}
	for _, file := range hdf5Seeds(t) {
		add("hdf5", "a.h5#a", file)
		if strings.HasPrefix(string(file), "\x89HDF") && file[8] == 0 { // superblock of version 0: its base address has no checksum
			head := make([]byte, 512)
			copy(head, "MATLAB 7.3 MAT-file")
			copy(head[124:], "\x00\x02IM")
			seven := append(head, file...)
			copy(seven[512+24:], "\x00\x02")
			add("mat", "seven.mat#a", seven)
		}
	}
	samples := []byte("abcdefghijklmnopqrstuvwx")
	add("jpeg", "a.jpg", smallJPEG(t))
	add("png", "a.png", smallPNG(t))
	add("nifti", "a.nii", niiFile(nil))
	add("nifti", "a.nii.gz", gzipped(t, niiFile(nil)))
	add("nifti", "two.nii", nii2File(nil))
	pair := niiFile(func(b []byte) { copy(b[344:], magicPair); copy(b[108:], "\x00\x00\x00\x00") })
	add("nifti", "a.hdr", pair[:348], "a.img", pair[352:])
	add("nifti", "z.hdr.gz", gzipped(t, pair[:348]), "z.img.gz", gzipped(t, pair[352:]))
	add("nifti", "analyze.hdr", analyzeHead(), "analyze.img", pair[352:])
	add("nifti", "two.nii.gz", gzipped(t, nii2File(nil)))
	add("nifti", "big.nii", niiFile(func(b []byte) { swapHead(b) }))
	add("metaimage", "text.mha", metaFile("BinaryData = False\n", []byte("1 2 3 4 5 6 7 8 9 10 11 12000\n")))
	add("metaimage", "a.mha", metaFile("", samples))
	add("metaimage", "z.mha", metaFile("CompressedData = True\n", deflated(t, samples)))
	head := func(s string) []byte { return []byte(strings.Replace(string(metaFile(s, nil)), "LOCAL", "a.raw", 1)) }
	add("metaimage", "a.mhd", head(""), "a.raw", samples)
	add("metaimage", "z.mhd", head("CompressedData = True\n"), "a.raw", deflated(t, samples))
	add("nrrd", "a.nrrd", nrrdFile("raw", "", samples))
	add("nrrd", "z.nrrd", nrrdFile("gzip", "", gzipped(t, samples)))
	add("nrrd", "hex.nrrd", nrrdFile("hex", "", []byte(strings.Repeat("0123456789abcdef", 3))))
	add("nrrd", "a.nhdr", nrrdFile("raw", "data file: a.raw\n", nil), "a.raw", samples)
	add("nrrd", "text.nrrd", nrrdFile("ascii", "", []byte("1 2 3\n4 5 6\n7 8 9\n10 11 12000\n")))
	add("nrrd", "z.nhdr", nrrdFile("gzip", "data file: a.raw.gz\n", nil), "a.raw.gz", gzipped(t, samples))
	add("nrrd", "text.nhdr", nrrdFile("text", "data file: a.txt\n", nil), "a.txt", []byte("1 2 3 4 5 6 7 8 9 10 11 12000\n"))
	add("nrrd", "list.nhdr", nrrdFile("raw", "data file: LIST 2\na.raw\nb.raw\n", nil), "a.raw", samples[:12], "b.raw", samples[12:])
	add("tiff", "pages.tif", makeTIFF([]byte{1, 2, 3, 4, 5, 6}, grayTags(3, 2), grayTags(3, 2)))
	add("npy", "a.npy", npyFile("'<u2'", "(2, 2, 3)", samples))
	add("npz", "a.npz", npzFile(t, zip.Deflate, "arr_0.npy"))
	add("npz", "s.npz#arr_0[1]", npzFile(t, zip.Store, "arr_0.npy"))
	add("dicom", "a.dcm", ctSlice(1, 0, nil))
	for _, name := range names(t, filepath.Join("testdata", "objects"), "*.npy") {
		add("npyobject", name+"#structures/liver", read(t, "testdata", "objects", name))
	}
	return out
}

// For every registered format: what it says of the header alone is that of the
// image; a file that is cut short at 200 places is an error, or the very same
// image where what was cut off holds nothing (the end of a JPEG, the newline
// behind a header); and bytes that lie give an error of the known kinds or an image as the header says, within
// 256 MiB.
func TestEveryFormat(t *testing.T) {
	images := everyImage(t)
	for _, f := range All() {
		if len(images[f.Name]) == 0 {
			t.Errorf("no image of the format %s to test with", f.Name)
		}
		for _, im := range images[f.Name] {
			t.Run(f.Name+"/"+im.path, func(t *testing.T) {
				// Pickles are read where a recipe names their format alone.
				if g, err := For(im.path, nil); f.Name != "npyobject" && (err != nil || g.Name != f.Name) {
					t.Fatalf("by its name: %q, %v", g.Name, err)
				}
				whole, err := f.Decode(t.Context(), im, []string{im.path})
				if err != nil {
					t.Fatal(err)
				}
				h, err := f.Header(t.Context(), im, []string{im.path})
				if err != nil || h != whole.Header() || h.EncodedSize() != whole.Header().EncodedSize() {
					t.Fatalf("header %+v, %v; image %+v", h, err, whole.Header())
				}
				rng := rand.New(rand.NewPCG(5, 6))
				for _, name := range slices.Sorted(maps.Keys(im.files)) {
					cutEverywhere(t, f, im, name, whole, rng)
					spoil(t, f, im, name, rng)
				}
			})
		}
	}
}

func cutEverywhere(t *testing.T, f convertcore.Format, im rawImage, name string, whole convertcore.Image, rng *rand.Rand) {
	file := im.files[name]
	for range 200 {
		n := rng.IntN(len(file))
		got, err := f.Decode(t.Context(), im.with(name, file[:n]), []string{im.path})
		same := err == nil && len(file)-n <= 16 && got.Header() == whole.Header() && bytes.Equal(got.Lead(), whole.Lead()) && bytes.Equal(got.Payload(), whole.Payload())
		if !same && !expected(err) {
			t.Fatalf("%s cut at %d of %d: %v", name, n, len(file), err)
		}
	}
}

func spoil(t *testing.T, f convertcore.Format, im rawImage, name string, rng *rand.Rand) {
	for range 100 {
		b := bytes.Clone(im.files[name])
		for range 1 + rng.IntN(3) {
			b[rng.IntN(min(len(b), 512))] = byte(rng.UintN(256))
		}
		bad := im.with(name, b)
		var h convertcore.Header
		var got convertcore.Image
		var herr, err error
		if n := allocated(func() {
			h, herr = f.Header(t.Context(), bad, []string{im.path})
			got, err = f.Decode(t.Context(), bad, []string{im.path})
		}); n > 256<<20 {
			t.Fatalf("%d bytes allocated for %q", n, b)
		}
		if err != nil && !expected(err) || herr != nil && !expected(herr) {
			t.Fatalf("header %v, image %v of %q", herr, err, b)
		}
		if err == nil && (herr != nil || got.Header() != h && h.Affine == h.Affine) {
			t.Fatalf("header %+v, %v; image %+v of %q", h, herr, got.Header(), b)
		}
	}
}

// What declares a large image and holds little costs little: gigabytes are
// not taken at the word of a file of kilobytes.
func TestLittleFilesThatDeclareMuch(t *testing.T) {
	large := niiFile(func(b []byte) {
		for i := range 3 {
			copy(b[42+2*i:], []byte{0, 4}) // 1024
		}
	})[:352]
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	z.Write(make([]byte, 3<<20))
	z.Close()
	noise := make([]byte, 1<<20-1<<12)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	meta := "ObjectType = Image\nNDims = 3\nDimSize = 1000 1000 500\nElementType = MET_USHORT\nCompressedData = True\nElementDataFile = LOCAL\n"
	for path, file := range map[string][]byte{
		"a.nii.gz": gzipped(t, append(large, noise[:1<<20-1<<14]...)),
		"a.mha":    append([]byte(meta), append(packed.Bytes(), noise[:1<<19]...)...),
	} {
		f, err := For(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := allocated(func() {
			if _, err := f.Decode(t.Context(), one(file), []string{path}); !expected(err) || err == nil {
				t.Errorf("%s: %v", path, err)
			}
		}); n > 256<<20 || len(file) > 1<<20 {
			t.Errorf("%s: %d bytes allocated for %d", path, n, len(file))
		}
	}
}

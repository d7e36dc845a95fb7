package dicom

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// corpus returns pydicom's files; without them the test is skipped.
func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(pydicomFiles, "*.dcm"))
	if len(paths) == 0 {
		t.Skip("needs Debian's python3-pydicom")
	}
	out := map[string][]byte{}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(p)] = b
	}
	return out
}

func decodeAll(file []byte) error {
	d, err := Read(blob.Bytes(file), int64(len(file)))
	if err != nil {
		return err
	}
	f, err := d.Frames()
	if err != nil {
		return err
	}
	var b []byte
	for i := range min(f.Frames, 64) {
		if b, err = f.DecodeInto(b, i); err != nil {
			return err
		}
		if int64(len(b)) != f.FrameSize() {
			return errors.New("frame of the wrong size")
		}
	}
	return nil
}

// Files cut anywhere before the end of their pixels are malformed.
func TestTruncated(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for name, file := range corpus(t) {
		d, err := Read(blob.Bytes(file), int64(len(file)))
		if err != nil || !d.HasPixels() || decodeAll(file) != nil {
			continue
		}
		f, _ := d.Frames()
		off, n := f.Span(f.Frames - 1)
		end := off + n
		switch _, length, _ := d.PixelSpan(); {
		case d.Syntax == deflated:
			end = int64(len(file)) - 8
		case length >= 0:
			end = off + min(n, length)
		}
		for range 200 {
			cut := rng.Int64N(end)
			if err := decodeAll(file[:cut]); !errors.Is(err, convertcore.ErrFormat) && !errors.Is(err, convertcore.ErrUnsupported) {
				t.Fatalf("%s of %d bytes cut at %d: %v", name, len(file), cut, err)
			}
		}
	}
}

// What odd files of pydicom's hold is read, where they hold it.
func TestOddFiles(t *testing.T) {
	files := corpus(t)
	for name, want := range map[string]string{
		"ExplVR_LitEndNoMeta.dcm":   "RTPLAN",
		"image_dfl.dcm":             "OT",
		"MR_small_bigendian.dcm":    "MR",
		"reportsi.dcm":              "SR",
		"rtplan.dcm":                "RTPLAN",
		"nested_priv_SQ.dcm":        "",
		"ExplVR_BigEndNoMeta.dcm":   "RTPLAN",
		"priv_SQ.dcm":               "",
		"test-SR.dcm":               "SR",
		"JPEG2000.dcm":              "NM",
		"SC_rgb_16bit_2frame.dcm":   "OT",
		"rtdose_rle.dcm":            "RTDOSE",
		"emri_small_big_endian.dcm": "MR",
		"MR_small_padded.dcm":       "MR",
		"UN_sequence.dcm":           "",
		"empty_charset_LEI.dcm":     "",
	} {
		file, ok := files[name]
		if !ok {
			continue
		}
		d, err := Read(blob.Bytes(file), int64(len(file)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := d.String(Modality); want != "" && got != want {
			t.Errorf("%s: modality %q, want %q", name, got, want)
		}
	}
}

func TestSequences(t *testing.T) {
	file, ok := corpus(t)["rtplan.dcm"]
	if !ok {
		t.Skip("no rtplan.dcm")
	}
	d, err := Read(blob.Bytes(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	const beams, beamName, controlPoints, energy = 0x300a00b0, 0x300a00c2, 0x300a0111, 0x300a0114
	beam := d.Item(beams)
	if beam.String(beamName) != "Field 1" || len(beam.Items(controlPoints)) != 2 {
		t.Errorf("beam %q with %d control points", beam.String(beamName), len(beam.Items(controlPoints)))
	}
	if v, ok := beam.Item(controlPoints).Float(energy); !ok || v != 6 {
		t.Errorf("energy %v", v)
	}
	if _, err := d.Pixels(); !errors.Is(err, convertcore.ErrFormat) {
		t.Errorf("pixels of a plan: %v", err)
	}
}

// Undefined lengths nested without end, and more elements than bytes allow.
func TestHostile(t *testing.T) {
	deep := []byte{8, 0, 5, 0, 'C', 'S', 0, 0}
	for range 100000 {
		deep = append(deep, 8, 0, 0x40, 0x11, 'S', 'Q', 0, 0, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff)
	}
	for name, file := range map[string][]byte{
		"deep":  deep,
		"long":  {8, 0, 0x60, 0, 'U', 'T', 0, 0, 0xf0, 0xff, 0xff, 0x7f},
		"zeros": make([]byte, 200),
		"text":  []byte("<!DOCTYPE html><html>"),
	} {
		if _, err := Read(blob.Bytes(file), int64(len(file))); !errors.Is(err, convertcore.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func addCorpus(f *testing.F) {
	paths, _ := filepath.Glob(filepath.Join(pydicomFiles, "*.dcm"))
	for _, p := range paths {
		if b, err := os.ReadFile(p); err == nil && len(b) < 20<<10 {
			f.Add(b)
		}
	}
	f.Add([]byte{8, 0, 5, 0, 'C', 'S', 0, 0})
}

func checkErr(t *testing.T, err error) {
	if err != nil && !errors.Is(err, convertcore.ErrFormat) && !errors.Is(err, convertcore.ErrUnsupported) {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	addCorpus(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		d, err := Read(blob.Bytes(file), int64(len(file)))
		checkErr(t, err)
		if err != nil {
			return
		}
		for _, e := range d.Elements {
			_, err := d.Strings(e.Tag)
			checkErr(t, err)
			_, err = d.Ints(e.Tag)
			checkErr(t, err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	addCorpus(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := decodeAll(file)
		runtime.ReadMemStats(&after)
		checkErr(t, err)
		if n := after.TotalAlloc - before.TotalAlloc; n > 256<<20 && len(file) < 1<<20 {
			t.Errorf("%d bytes allocated for %d", n, len(file))
		}
	})
}

package format

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

const realData = "../../../shared/real"

// nrrdShorts reads the voxels of the reference label maps: short, gzip, on the
// grid of the CT in the order L, P, S.
func nrrdShorts(t *testing.T, name string) []byte {
	b := read(t, realData, "dicom-seg", name)
	z, err := gzip.NewReader(bytes.NewReader(b[bytes.Index(b, []byte("\n\n"))+2:]))
	if err != nil {
		t.Fatal(err)
	}
	voxels, err := io.ReadAll(z)
	if err != nil || len(voxels) != 512*512*3*2 {
		t.Fatalf("%s: %d bytes, %v", name, len(voxels), err)
	}
	return voxels
}

func TestSEGReal(t *testing.T) {
	if _, err := os.Stat(realData); err != nil {
		t.Skip("real data:", err)
	}
	dims := [3]int{512, 512, 3}
	for file, maps := range map[string][]string{
		"liver.dcm":            {"liver_seg.nrrd"},
		"partial_overlaps.dcm": {"partial_overlaps-1.nrrd", "partial_overlaps-2.nrrd", "partial_overlaps-3.nrrd"},
	} {
		s, err := OpenSEG(t.Context(), folder(filepath.Join(realData, "dicom-seg")), file)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range s.Segments() {
			want, n := make([]byte, 512*512*3), 0
			for _, m := range maps {
				for i, v := range nrrdShorts(t, m) {
					if i%2 == 0 && int(v) == g.Number {
						want[i/2] = 1
						n++
					}
				}
			}
			if n == 0 {
				t.Errorf("%s: segment %d is in no label map", file, g.Number)
			}
			lattices(dims, [3]float64{-235.199997, -226.800003, -128.690002}, [3]float64{0.810547, 0.810547, 1}, func(grid convertcore.Header, index func(x, y, z int) int) {
				dst := make([]byte, grid.Pixels())
				_, _, err := s.Draw(t.Context(), dst, grid, 0.5, func(h Segment) bool { return h.Number == g.Number })
				if err != nil || !bytes.Equal(plain(dst, dims, index), want) {
					t.Errorf("%s, segment %d %q on %s: differs, %v", file, g.Number, g.Label, geom.Orientation(grid.Affine), err)
				}
			})
		}
	}
}

// plastimatch fills the real structure set alike; mirrored it would not be.
func TestRTStructAgainstPlastimatch(t *testing.T) {
	plastimatch, err := exec.LookPath("plastimatch")
	if err != nil {
		t.Skip("plastimatch:", err)
	}
	if _, err := os.Stat(realData); err != nil {
		t.Skip("real data:", err)
	}
	in, out := filepath.Join(realData, "rtstruct"), t.TempDir()
	cmd := exec.Command(plastimatch, "convert", "--input", filepath.Join(in, "rt.dcm"), "--referenced-ct", in,
		"--output-prefix", out, "--prefix-format", "nrrd", "--xor-contours") // a contour within another is a hole
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("plastimatch: %v\n%s", err, text)
	}
	b := read(t, out, names(t, out, "*.nrrd")[0])
	body := b[bytes.Index(b, []byte("\n\n"))+2:]
	if bytes.Contains(b[:len(b)-len(body)], []byte("encoding: gzip")) {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	s, err := ReadRTStruct(context.Background(), folder(in), "rt.dcm")
	if err != nil {
		t.Fatal(err)
	}
	dims := [3]int{512, 512, 2}
	lattices(dims, [3]float64{-125, -125, 60}, [3]float64{0.488281, 0.488281, 5}, func(grid convertcore.Header, index func(x, y, z int) int) {
		dst := make([]byte, grid.Pixels())
		if _, _, err := s.Draw(t.Context(), dst, grid, func(ROI) bool { return true }); err != nil {
			t.Fatal(err)
		}
		got := plain(dst, dims, index)
		d := dice(got, body)
		t.Logf("Dice %.4f on %s", d, geom.Orientation(grid.Affine))
		if d < 0.98 {
			t.Errorf("Dice %.4f on %s", d, geom.Orientation(grid.Affine))
		}
		mirrored := plain(got, dims, func(x, y, z int) int { return 511 - x + 512*(y+512*z) })
		if d := dice(mirrored, body); d > 0.9 {
			t.Errorf("Dice %.4f even when mirrored", d)
		}
	})
}

func dice(a, b []byte) float64 {
	both, sum := 0, 0
	for i := range a {
		x, y := a[i] != 0, i < len(b) && b[i] != 0
		if x && y {
			both += 2
		}
		if x {
			sum++
		}
		if y {
			sum++
		}
	}
	return float64(both) / float64(max(1, sum))
}

// A real file that ends too early is an error; what a structure set has after its contours may be
// lost, as it says nothing of them.
func TestLabelsRealTruncated(t *testing.T) {
	if _, err := os.Stat(realData); err != nil {
		t.Skip("real data:", err)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for _, name := range []string{"dicom-seg/liver.dcm", "dicom-seg/partial_overlaps.dcm", "rtstruct/rt.dcm"} {
		file := read(t, realData, name)
		whole, err := ReadRTStruct(t.Context(), one(file), name)
		if (err == nil) != strings.HasSuffix(name, "rt.dcm") {
			t.Fatal(name, err)
		}
		same := 0
		for range 200 {
			n := rng.IntN(len(file))
			seg, errSEG := OpenSEG(t.Context(), one(file[:n]), name)
			if errSEG == nil {
				t.Errorf("%s cut at %d of %d is read: %v", name, n, len(file), seg.Names())
			}
			set, errRT := ReadRTStruct(t.Context(), one(file[:n]), name)
			if errRT == nil {
				same++
				if !reflect.DeepEqual(set, whole) {
					t.Errorf("%s cut at %d of %d is read otherwise", name, n, len(file))
				}
			}
			for _, err := range []error{errSEG, errRT} {
				if err != nil && !expected(err) {
					t.Errorf("%s cut at %d: %v", name, n, err)
				}
			}
		}
		t.Logf("%s: %d of 200 cuts lose nothing", name, same)
	}
}

package format

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/codec"
	"github.com/omnimedseg/omnimedfs/convertcore/dicom"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

const pydicomFiles = "/usr/lib/python3/dist-packages/pydicom/data/test_files"

// dcm2niix converts a folder; -x i leaves voxels as they are stored.
func dcm2niix(t *testing.T, dir string) string {
	t.Helper()
	bin, err := exec.LookPath("dcm2niix")
	if err != nil {
		t.Skip("needs Debian's dcm2niix")
	}
	out := t.TempDir()
	if text, err := exec.Command(bin, "-x", "i", "-b", "n", "-z", "n", "-f", "out", "-o", out, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return filepath.Join(out, "out.nii")
}

// TestDICOMAgainstDcm2niix compares shape, type, voxels and affine.
func TestDICOMAgainstDcm2niix(t *testing.T) {
	dirs := map[string]string{
		"ct-3slice": "../../../shared/real/dicom-seg/ct-3slice",
		"rtstruct":  "../../../shared/real/rtstruct",
	}
	if extra := os.Getenv("OMNIMED_DICOM_SERIES"); extra != "" {
		dirs["extra"] = extra
	}
	for name, made := range madeSeries() {
		dir := t.TempDir()
		for path, b := range made {
			if err := os.WriteFile(filepath.Join(dir, path), b, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		dirs[name] = dir
	}
	for name, dir := range dirs {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(dir); err != nil {
				t.Skip(err)
			}
			paths := imageFiles(t, dir)
			nii := dcm2niix(t, dir)
			got, err := dicomDecode(t.Context(), folder(dir), paths)
			if err != nil {
				t.Fatal(err)
			}
			want, err := niftiDecode(t.Context(), folder(filepath.Dir(nii)), []string{filepath.Base(nii)})
			if err != nil {
				t.Fatal(err)
			}
			compareVolumes(t, got, want, name == "extra")
		})
	}
}

// imageFiles are the files of a folder that have pixels.
func imageFiles(t *testing.T, dir string) (out []string) {
	t.Helper()
	for _, p := range names(t, dir, "*.dcm") {
		b, err := blob.File(filepath.Join(dir, p))
		if err != nil {
			t.Fatal(err)
		}
		if d, err := dicom.Read(b, b.Size()); err == nil && d.HasPixels() {
			out = append(out, p)
		}
		b.Close()
	}
	return out
}

// compareVolumes allows, where positions were rounded, that dcm2niix takes the
// spacing from the first two slices and we from the whole stack.
func compareVolumes(t *testing.T, got, want convertcore.Image, rounded bool) {
	t.Helper()
	g, w := got.Header(), want.Header()
	if rounded {
		f := geom.Spacing(g.Affine)[2] / geom.Spacing(w.Affine)[2]
		if math.Abs(f-1) > 0.02 {
			t.Errorf("spacing %v of dcm2niix's", f)
		}
		for i := range 3 {
			w.Affine[i][2] *= f
		}
	}
	far := 0.0
	for i := range g.Affine {
		if unplaced(want) {
			break
		}
		for j := range g.Affine[i] {
			far = math.Max(far, math.Abs(g.Affine[i][j]-w.Affine[i][j]))
		}
	}
	if far > 1e-4 {
		t.Errorf("affine %v, dcm2niix %v", g.Affine, w.Affine)
	}
	w.Affine, w.Lead = g.Affine, g.Lead
	if g != w {
		t.Errorf("%+v, dcm2niix %+v", g, w)
	}
	gs, gi := got.(*convertcore.Volume).Scaling()
	ws, wi := want.(*convertcore.Volume).Scaling()
	if gs != ws || gi != wi {
		t.Errorf("scaling %v %v, dcm2niix %v %v", gs, gi, ws, wi)
	}
	if !bytes.Equal(got.Payload(), want.Payload()) {
		t.Errorf("voxels differ: % x, dcm2niix % x", got.Payload()[:16], want.Payload()[:16])
	}
}

// unplaced tells that dcm2niix knows no place in the patient: neither form has a
// code. Ours keeps the spacing of the detector.
func unplaced(img convertcore.Image) bool {
	const qformCode, sformCode = 252, 254
	return bytes.Equal(img.Lead()[qformCode:sformCode+2], make([]byte, 4))
}

// TestDICOMRealSeries compares with dcm2niix, series by series, the files of
// pydicom's DICOMDIR: headers of real scanners, pixels cut to 16×16. What
// dcm2niix splits into images is refused as one series, and read one by one.
func TestDICOMRealSeries(t *testing.T) {
	bySeries := map[string][]string{}
	_ = filepath.WalkDir(filepath.Join(pydicomFiles, "dicomdirtests"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := blob.File(path)
		if err != nil {
			return err
		}
		defer b.Close()
		if d, err := dicom.Read(b, b.Size()); err == nil && d.HasPixels() {
			uid := d.String(dicom.SeriesInstanceUID)
			bySeries[uid] = append(bySeries[uid], path)
		}
		return nil
	})
	if len(bySeries) == 0 {
		t.Skip("needs Debian's python3-pydicom")
	}
	equal, single := 0, 0
	var refused []string
	for uid, list := range bySeries {
		dir := t.TempDir()
		var paths []string
		for i, p := range list {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, fmt.Sprintf("%d.dcm", i))
			if err := os.WriteFile(filepath.Join(dir, paths[i]), b, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		out := filepath.Dir(dcm2niix(t, dir))
		made := names(t, out, "*.nii")
		img, err := dicomDecode(t.Context(), folder(dir), paths)
		switch {
		case err == nil && len(made) == 1:
			equal++
			want, err := niftiDecode(t.Context(), folder(out), made)
			if err != nil {
				t.Fatal(err)
			}
			compareVolumes(t, img, want, false)
		case err == nil:
			t.Errorf("%s: dcm2niix makes %v of it", uid, made)
		case !errors.Is(err, convertcore.ErrMismatch) && !errors.Is(err, convertcore.ErrFormat):
			t.Errorf("%s: %v", uid, err)
		case len(made) != len(paths):
			refused = append(refused, fmt.Sprintf("%d files: %v", len(list), err))
		default:
			for _, name := range made {
				want, err := niftiDecode(t.Context(), folder(out), []string{name})
				if err != nil {
					t.Fatal(err)
				}
				compareVolumes(t, byInstance(t, dir, paths, name), want, false)
				single++
			}
		}
	}
	t.Logf("%d series and %d single images equal; refused as no even grid, where dcm2niix guesses:\n%s", equal, single, strings.Join(refused, "\n"))
	if equal != 8 || single != 13 || len(refused) != 2 {
		t.Error("want 8 series, 13 images and 2 refused")
	}
}

// byInstance decodes the file that dcm2niix named by its instance number.
func byInstance(t *testing.T, dir string, paths []string, name string) convertcore.Image {
	t.Helper()
	var n int
	if _, err := fmt.Sscanf(name, "out_i%05d.nii", &n); err != nil {
		t.Fatal(name, err)
	}
	for _, p := range paths {
		b, d, err := openDataset(t.Context(), folder(dir), p)
		if err != nil {
			t.Fatal(err)
		}
		b.Close()
		if v, ok := d.Int(dicom.InstanceNumber); ok && v == n {
			img, err := dicomDecode(t.Context(), folder(dir), []string{p})
			if err != nil {
				t.Fatal(err)
			}
			return img
		}
	}
	t.Fatalf("no instance %d", n)
	return nil
}

// The header that is read before is that of the image, for every file of
// pydicom's, and so is the size of what is served.
func TestDICOMHeaderIsTheImages(t *testing.T) {
	paths, _ := filepath.Glob(filepath.Join(pydicomFiles, "*.dcm"))
	if len(paths) == 0 {
		t.Skip("needs Debian's python3-pydicom")
	}
	decoded := 0
	for _, path := range paths {
		name := filepath.Base(path)
		h, herr := mustFormat(t, "dicom").Header(t.Context(), folder(pydicomFiles), []string{name})
		img, err := dicomDecode(t.Context(), folder(pydicomFiles), []string{name})
		if err != nil {
			if !errors.Is(err, convertcore.ErrFormat) && !errors.Is(err, convertcore.ErrUnsupported) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		decoded++
		var served countWriter
		if err := img.Encode(&served); err != nil || herr != nil || img.Header() != h || int64(served) != h.EncodedSize() {
			t.Errorf("%s: header %+v, %v; image %+v; %d bytes of %d, %v", name, h, herr, img.Header(), served, h.EncodedSize(), err)
		}
	}
	if want := map[bool]int{false: 37, true: 44}[codec.HaveLibraries]; decoded < want {
		t.Errorf("%d files decoded, want %d", decoded, want)
	}
	t.Logf("%d of %d files decoded", decoded, len(paths))
}

type countWriter int64

func (n *countWriter) Write(p []byte) (int, error) {
	*n += countWriter(len(p))
	return len(p), nil
}

// madeSeries are series of kinds that the real ones lack.
func madeSeries() map[string]files {
	zs := []float64{12, 9, 6, 3, 0}
	all := func(m map[dicom.Tag]string) func(int) map[dicom.Tag]string {
		return func(int) map[dicom.Tag]string { return m }
	}
	rng := rand.New(rand.NewPCG(1, 2))
	pix := make([]byte, 48)
	for i := range pix {
		pix[i] = byte(rng.Uint32())
	}
	twelve := files{}
	for i, z := range zs {
		twelve[strconv.Itoa(i)+".dcm"] = ctFile(i+1, z, 6, 4, pix, map[dicom.Tag]string{dicom.BitsStored: "12", dicom.HighBit: "11", dicom.PixelRepresentation: "0"})
	}
	return map[string]files{
		"descending": series(zs, nil),
		"unsigned":   series(zs, all(map[dicom.Tag]string{dicom.PixelRepresentation: "0"})),
		"sagittal":   sagittal(),
		"per slice": series(zs, func(i int) map[dicom.Tag]string {
			return map[dicom.Tag]string{dicom.RescaleSlope: strconv.Itoa(i+1) + ".37"}
		}),
		"12 bits": twelve,
	}
}

func sagittal() files {
	f := files{}
	for i := range 4 {
		f[strconv.Itoa(i)+".dcm"] = ctSlice(i+1, 0, map[dicom.Tag]string{
			dicom.ImageOrientationPatient: `0\0.99\0.1411\0\0.1411\-0.99`,
			dicom.ImagePositionPatient:    strconv.Itoa(20-3*i) + `\-40\60`,
		})
	}
	return f
}

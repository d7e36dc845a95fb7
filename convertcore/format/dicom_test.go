package format

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/dicom"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// dcm writes explicit little-endian files for tests.
type dcm struct{ bytes.Buffer }

func (w *dcm) elem(t dicom.Tag, vr string, value []byte) {
	le := binary.LittleEndian
	if len(value)%2 == 1 {
		value = append(value, map[bool]byte{true: 0, false: ' '}[vr == "UI" || vr == "OB"])
	}
	w.Write(le.AppendUint16(le.AppendUint16(nil, uint16(t>>16)), uint16(t)))
	w.WriteString(vr)
	if vr == "OW" || vr == "OB" {
		w.Write(le.AppendUint32([]byte{0, 0}, uint32(len(value))))
	} else {
		w.Write(le.AppendUint16(nil, uint16(len(value))))
	}
	w.Write(value)
}

func (w *dcm) text(t dicom.Tag, vr, s string) { w.elem(t, vr, []byte(s)) }
func (w *dcm) us(t dicom.Tag, v int) {
	w.elem(t, "US", binary.LittleEndian.AppendUint16(nil, uint16(v)))
}

// ctSlice is a slice of 6×4 pixels of which all bits are used; change may set
// attributes by tag, "" leaves one out.
func ctSlice(n int, z float64, change map[dicom.Tag]string) []byte {
	pix := make([]byte, 6*4*2)
	for i := range 24 {
		binary.LittleEndian.PutUint16(pix[2*i:], uint16(int16(100*n+i-50)))
	}
	return ctFile(n, z, 6, 4, pix, change)
}

func ctFile(n int, z float64, cols, rows int, pix []byte, change map[dicom.Tag]string) []byte {
	w := &dcm{}
	w.Write(make([]byte, 128))
	w.WriteString("DICM")
	num := strconv.Itoa
	type elem struct {
		t     dicom.Tag
		vr, v string
	}
	list := []elem{
		{dicom.TransferSyntaxUID, "UI", "1.2.840.10008.1.2.1"},
		{dicom.SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.2"},
		{dicom.SOPInstanceUID, "UI", "1.2.3." + num(n)},
		{0x00080020, "DA", "20200101"}, {0x00080030, "TM", "101010"}, {0x00080032, "TM", "101010"},
		{dicom.Modality, "CS", "CT"}, {0x00080070, "LO", "ACME"},
		{0x00100010, "PN", "A^B"}, {dicom.SliceThickness, "DS", "2.5"},
		{0x0020000d, "UI", "1.2.3"}, {dicom.SeriesInstanceUID, "UI", "1.2.4"}, {0x00200011, "IS", "7"},
		{dicom.AcquisitionNumber, "IS", ""}, {dicom.InstanceNumber, "IS", num(n)},
		{dicom.ImagePositionPatient, "DS", `-100.5\-80\` + strconv.FormatFloat(z, 'g', 10, 64)},
		{dicom.ImageOrientationPatient, "DS", `1\0\0\0\1\0`}, {dicom.TemporalPosition, "IS", ""},
		{dicom.SamplesPerPixel, "US", "1"}, {dicom.PhotometricInterp, "CS", "MONOCHROME2"}, {dicom.NumberOfFrames, "IS", ""},
		{dicom.Rows, "US", num(rows)}, {dicom.Columns, "US", num(cols)}, {dicom.PixelSpacing, "DS", `0.75\0.5`},
		{dicom.BitsAllocated, "US", "16"}, {dicom.BitsStored, "US", "16"}, {dicom.HighBit, "US", "15"}, {dicom.PixelRepresentation, "US", "1"},
		{dicom.RescaleIntercept, "DS", "-1024"}, {dicom.RescaleSlope, "DS", "2"},
	}
	for _, e := range list {
		if v, ok := change[e.t]; ok {
			e.v = v
		}
		switch {
		case e.v == "":
		case e.vr == "US":
			v, _ := strconv.Atoi(e.v)
			w.us(e.t, v)
		default:
			w.text(e.t, e.vr, e.v)
		}
	}
	w.elem(dicom.PixelData, "OW", pix)
	return w.Bytes()
}

// files is a Raw of several contents.
type files map[string][]byte

func (f files) Files(context.Context) ([]blob.Info, error) { return nil, nil }
func (f files) Open(_ context.Context, path string) (blob.Blob, error) {
	return blob.Bytes(f[path]), nil
}

func (f files) paths() (out []string) {
	for p := range f {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// series is slices of which change alters attributes of the i-th.
func series(zs []float64, change func(i int) map[dicom.Tag]string) files {
	f := files{}
	for i, z := range zs {
		var c map[dicom.Tag]string
		if change != nil {
			c = change(i)
		}
		f[strconv.Itoa(i)+".dcm"] = ctSlice(i+1, z, c)
	}
	return f
}

func TestDICOMSeries(t *testing.T) {
	f := series([]float64{30, 10, 20}, nil)
	h, err := mustFormat(t, "dicom").Header(t.Context(), f, f.paths())
	if err != nil {
		t.Fatal(err)
	}
	want := geom.Affine{{-0.5, 0, 0, 100.5}, {0, 0.75, 0, 80 - 3*0.75}, {0, 0, 10, 10}, {0, 0, 0, 1}}
	if h.Dims != [4]int{6, 4, 3, 1} || !h.Signed || h.Bits != 16 || h.Affine != want {
		t.Errorf("%+v", h)
	}
	img, err := dicomDecode(t.Context(), f, f.paths())
	if err != nil || img.Header() != h {
		t.Fatal(err)
	}
	v := img.(*convertcore.Volume)
	if s, i := v.Scaling(); s != 2 || i != -1024 {
		t.Errorf("scaling %v %v", s, i)
	}
	// Voxel (1,0,0) is column 1 of the last row of the slice at z = 10, file 1.
	if got := int16(binary.LittleEndian.Uint16(img.Payload()[2:])); got != 200+3*6+1-50 {
		t.Errorf("voxel %d", got)
	}
	list, err := DICOMSlices(t.Context(), f, f.paths())
	if err != nil || len(list) != 3 || list[0].Path != "1.dcm" || list[0].SOPInstanceUID != "1.2.3.2" || *list[2].Position != [3]float64{-100.5, -80, 30} || list[2].Z != 2 || list[2].T != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

func mustFormat(t testing.TB, name string) convertcore.Format {
	t.Helper()
	for _, f := range All() {
		if f.Name == name {
			return f
		}
	}
	t.Fatal("no format " + name)
	return convertcore.Format{}
}

func TestDICOMSeriesFaults(t *testing.T) {
	set := func(at int, tag dicom.Tag, v string) func(int) map[dicom.Tag]string {
		return func(i int) map[dicom.Tag]string {
			if i == at {
				return map[dicom.Tag]string{tag: v}
			}
			return nil
		}
	}
	even := []float64{0, 1, 2, 3, 4}
	for name, c := range map[string]struct {
		z      []float64
		change func(int) map[dicom.Tag]string
		want   error
		warns  int
	}{
		"even":           {even, nil, nil, 0},
		"missing slice":  {[]float64{0, 1, 2, 4, 5}, nil, convertcore.ErrFormat, 0},
		"of three":       {[]float64{0, 1, 3}, nil, convertcore.ErrFormat, 0},
		"uneven":         {[]float64{0, 1, 2.4, 3, 4}, nil, convertcore.ErrFormat, 0},
		"nearly even":    {[]float64{0, 1.05, 2, 3, 4}, nil, nil, 1},
		"duplicate":      {[]float64{0, 1, 1, 2}, nil, convertcore.ErrFormat, 0},
		"all double":     {[]float64{0, 1, 0, 1}, nil, convertcore.ErrFormat, 0},
		"a copy":         {[]float64{0, 1, 1, 2}, set(2, dicom.SOPInstanceUID, "1.2.3.2"), nil, 1},
		"other series":   {even, set(3, dicom.SeriesInstanceUID, "1.9"), convertcore.ErrMismatch, 0},
		"localizer":      {even, set(3, dicom.ImageOrientationPatient, `0\1\0\0\0\-1`), convertcore.ErrMismatch, 0},
		"other spacing":  {even, set(3, dicom.PixelSpacing, `1\1`), convertcore.ErrMismatch, 0},
		"unsigned":       {even, set(3, dicom.PixelRepresentation, "0"), convertcore.ErrMismatch, 0},
		"no position":    {even, set(0, dicom.ImagePositionPatient, ""), convertcore.ErrMismatch, 0},
		"slope differs":  {even, set(3, dicom.RescaleSlope, "3"), nil, 1},
		"beside":         {even, set(3, dicom.ImagePositionPatient, `-90\-80\3`), convertcore.ErrFormat, 0},
		"no orientation": {even, set(-1, 0, ""), nil, 0},
		"bad number":     {even, set(1, dicom.RescaleSlope, "x"), convertcore.ErrFormat, 0},
		"oblique":        {even, set(1, dicom.ImageOrientationPatient, `1\0\0\1\0\0`), convertcore.ErrFormat, 0},
	} {
		f := series(c.z, c.change)
		img, err := dicomDecode(t.Context(), f, f.paths())
		if !errors.Is(err, c.want) || err == nil && len(img.Warnings()) != c.warns {
			t.Errorf("%s: %v", name, err)
			continue
		}
		h, herr := mustFormat(t, "dicom").Header(t.Context(), f, f.paths())
		if !errors.Is(herr, c.want) || err == nil && h != img.Header() {
			t.Errorf("%s: header %+v, %v", name, h, herr)
		}
	}
}

// Of several files each must be one plane: how stacks of many frames go together
// is not guessed.
func TestDICOMSeriesOfMultiFrame(t *testing.T) {
	f := files{}
	for _, path := range []string{"a.dcm", "b.dcm"} {
		f[path] = read(t, "testdata/labels", "binary.dcm") // many frames
	}
	_, err := dicomDecode(t.Context(), f, f.paths())
	_, herr := mustFormat(t, "dicom").Header(t.Context(), f, f.paths())
	for _, err := range []error{err, herr} {
		if !errors.Is(err, convertcore.ErrUnsupported) || !strings.Contains(err.Error(), "must have one frame in each") {
			t.Errorf("%v", err)
		}
	}
}

// Times, tilted gantries, float rescaling and piles without positions.
func TestDICOMLayouts(t *testing.T) {
	f := series([]float64{0, 1, 0, 1, 0, 1}, func(i int) map[dicom.Tag]string {
		return map[dicom.Tag]string{dicom.TemporalPosition: strconv.Itoa(3 - i/2)}
	})
	img, err := dicomDecode(t.Context(), f, f.paths())
	if err != nil || img.Header().Dims != [4]int{6, 4, 2, 3} || img.Payload()[2*18] != byte((500-50)&0xff) {
		t.Errorf("times: %v", err)
	}
	f = series([]float64{0, 5, 10}, func(i int) map[dicom.Tag]string {
		return map[dicom.Tag]string{dicom.ImagePositionPatient: `0\` + strconv.Itoa(i) + `\` + strconv.Itoa(5*i)}
	})
	img, err = dicomDecode(t.Context(), f, f.paths())
	if err != nil || img.Header().Affine[1][2] != -1 || img.Header().Affine[2][2] != 5 || len(img.Warnings()) != 1 {
		t.Errorf("tilt: %v", err)
	}
	f = series([]float64{0, 5}, func(i int) map[dicom.Tag]string {
		return map[dicom.Tag]string{dicom.RescaleSlope: strconv.Itoa(i + 1), dicom.RescaleIntercept: "0.5"}
	})
	img, err = dicomDecode(t.Context(), f, f.paths())
	if err != nil || !img.Header().Float {
		t.Fatalf("float: %v", err)
	}
	if v := math.Float32frombits(binary.LittleEndian.Uint32(img.Payload()[4*(24+18):])); v != 2*(200-50)+0.5 {
		t.Errorf("rescaled %v", v)
	}
	f = series([]float64{0, 0}, func(i int) map[dicom.Tag]string {
		return map[dicom.Tag]string{dicom.ImagePositionPatient: ""}
	})
	img, err = dicomDecode(t.Context(), f, f.paths())
	if err != nil || img.Header().Affine[2] != [4]float64{0, 0, 2.5, -1.25} || len(img.Warnings()) != 1 {
		t.Errorf("pile: %v", err)
	}
}

func TestDICOMSingle(t *testing.T) {
	plain := map[dicom.Tag]string{dicom.ImagePositionPatient: "", dicom.RescaleSlope: "", dicom.RescaleIntercept: "", dicom.PixelRepresentation: "0"}
	with := func(t dicom.Tag, v string) map[dicom.Tag]string {
		m := map[dicom.Tag]string{t: v}
		for k, v := range plain {
			if _, ok := m[k]; !ok {
				m[k] = v
			}
		}
		return m
	}
	for name, c := range map[string]struct {
		change map[dicom.Tag]string
		form   convertcore.Form
		dims   [4]int
		warns  int
	}{
		"X-ray":       {plain, convertcore.PNG, [4]int{6, 4, 1, 1}, 0},
		"signed":      {with(dicom.PixelRepresentation, "1"), convertcore.NIfTI, [4]int{6, 4, 1, 1}, 0},
		"rescaled":    {with(dicom.RescaleSlope, "2"), convertcore.NIfTI, [4]int{6, 4, 1, 1}, 0},
		"placed":      {with(dicom.ImagePositionPatient, `0\0\0`), convertcore.NIfTI, [4]int{6, 4, 1, 1}, 0},
		"MONOCHROME1": {with(dicom.PhotometricInterp, "MONOCHROME1"), convertcore.PNG, [4]int{6, 4, 1, 1}, 1},
	} {
		f := files{"a": ctSlice(1, 0, c.change)}
		img, err := dicomDecode(t.Context(), f, f.paths())
		if err != nil || img.Header().Form != c.form || img.Header().Dims != c.dims || len(img.Warnings()) != c.warns {
			t.Errorf("%s: %+v, %v", name, img, err)
		}
		if c.form == convertcore.PNG && binary.BigEndian.Uint16(img.Payload()) != 50 {
			t.Errorf("%s: pixel %d", name, binary.BigEndian.Uint16(img.Payload()))
		}
	}
}

func TestDICOMTruncated(t *testing.T) {
	file := ctSlice(1, 0, nil)
	for n := range file {
		f := files{"a": file[:n]}
		if _, err := dicomDecode(t.Context(), f, f.paths()); !errors.Is(err, convertcore.ErrFormat) {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if _, err := mustFormat(t, "dicom").Header(t.Context(), f, f.paths()); !errors.Is(err, convertcore.ErrFormat) {
			t.Fatalf("header cut at %d: %v", n, err)
		}
	}
}

func TestDICOMHeaderReadsFewBytes(t *testing.T) {
	c := &counting{Blob: blob.Bytes(ctFile(1, 0, 512, 512, make([]byte, 512*512*2), nil))}
	if _, err := mustFormat(t, "dicom").Header(t.Context(), rawOf{c}, []string{"a.dcm"}); err != nil || c.n > 8<<10 {
		t.Errorf("%d bytes, %v", c.n, err)
	}
}

func FuzzDICOMSeries(f *testing.F) {
	f.Add(ctSlice(1, 0, nil), ctSlice(2, 1, nil))
	f.Add(ctSlice(1, 0, nil), ctSlice(2, 1, map[dicom.Tag]string{dicom.RescaleSlope: "3"}))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, raw := range []files{{"a": a}, {"a": a, "b": b}} {
			h, herr := mustFormat(t, "dicom").Header(t.Context(), raw, raw.paths())
			img, err := dicomDecode(t.Context(), raw, raw.paths())
			if err != nil {
				if !errors.Is(err, convertcore.ErrFormat) && !errors.Is(err, convertcore.ErrUnsupported) && !errors.Is(err, convertcore.ErrMismatch) {
					t.Error(err)
				}
				continue
			}
			if herr != nil || img.Header() != h {
				t.Errorf("header %+v, %v; image %+v", h, herr, img.Header())
			}
		}
	})
}

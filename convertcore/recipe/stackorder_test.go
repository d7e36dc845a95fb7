package recipe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// dicomSlice is a slice of 8×6 pixels of 0 at z mm along the patient's axis.
func dicomSlice(number int, z float64) []byte {
	var b bytes.Buffer
	b.Write(make([]byte, 128))
	b.WriteString("DICM")
	le := binary.LittleEndian
	elem := func(tag uint32, vr, value string) {
		if len(value)%2 != 0 {
			value += map[bool]string{true: "\x00", false: " "}[vr == "UI"]
		}
		b.Write(le.AppendUint16(le.AppendUint16(nil, uint16(tag>>16)), uint16(tag)))
		b.WriteString(vr)
		if vr == "OW" {
			b.Write(le.AppendUint32([]byte{0, 0}, uint32(len(value))))
		} else {
			b.Write(le.AppendUint16(nil, uint16(len(value))))
		}
		b.WriteString(value)
	}
	us := func(tag uint32, v uint16) { elem(tag, "US", string(le.AppendUint16(nil, v))) }
	elem(0x00020010, "UI", "1.2.840.10008.1.2.1")
	elem(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.4")
	elem(0x00080018, "UI", fmt.Sprintf("1.2.3.%d", number))
	elem(0x00080060, "CS", "MR")
	elem(0x0020000e, "UI", "1.2.4")
	elem(0x00200013, "IS", fmt.Sprint(number))
	elem(0x00200032, "DS", fmt.Sprintf(`0\0\%g`, z))
	elem(0x00200037, "DS", `1\0\0\0\1\0`)
	us(0x00280002, 1)
	elem(0x00280004, "CS", "MONOCHROME2")
	us(0x00280010, 6)
	us(0x00280011, 8)
	elem(0x00280030, "DS", `1\1`)
	us(0x00280100, 16)
	us(0x00280101, 16)
	us(0x00280102, 15)
	us(0x00280103, 0)
	elem(0x7fe00010, "OW", string(make([]byte, 96)))
	return b.Bytes()
}

// The slices of the label follow the names of the DICOM files, whose positions
// follow another order.
func TestStackInTheImagesOrder(t *testing.T) {
	r := parsed(t, "dim = 2", "dim = 3", imageLine, "image = \"x.zip!/{case}/*.dcm\"\nseries = true",
		labelLine, "label = \"x.zip!/{case}/*.png\"\nseries = true\nstack = { order = \"image\" }\nflip = [\"y\"]", `raw = "x.zip!/1.png"`, `raw = "x.zip!/1/1.dcm"`)
	files := map[string][]byte{}
	for number, z := range map[int]float64{1: 5, 2: 10, 10: 0} {
		files[fmt.Sprintf("x.zip!/a/%d.dcm", number)] = dicomSlice(number, z)
		files[fmt.Sprintf("x.zip!/a/m%d.png", number)] = gray(t, 8, 6, func(x, y int) bool { return y == 1 && x == number%7 })
	}
	im, m := convertFirst(t, r, files)
	if d := im.Header().Dims; d != [4]int{8, 6, 3, 1} {
		t.Fatalf("volume of %v", d)
	}
	wantMask(t, m, 8, func(x, y int) bool { return y%6 == 4 && x == []int{3, 1, 2}[y/6] })
	delete(files, "x.zip!/a/m2.png")
	conv, raw := r.Converter(), mapRaw(files)
	cases, err := conv.Cases(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conv.Convert(t.Context(), raw, &cases[0], &cases[0].Labels[0]); err == nil || !strings.Contains(err.Error(), "2 slices of labels") {
		t.Errorf("a label without one slice: %v", err)
	}
	if got := fmt.Sprint(Lint(parsed(t, labelLine, labelLine+"\nseries = true\nstack = { order = \"name\" }"))); !strings.Contains(got, "stack.order") {
		t.Errorf("lint says %s", got)
	}
}

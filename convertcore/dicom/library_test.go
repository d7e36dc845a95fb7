package dicom

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources/blob"
	lib "github.com/suyashkumar/dicom"
)

// TestAgainstLibrary compares every element of pydicom's files, those of
// sequences among them, with what github.com/suyashkumar/dicom reads. It is no
// judge of pixels.
func TestAgainstLibrary(t *testing.T) {
	files, elements := 0, 0
	for name, file := range corpus(t) {
		// The library panics on some malformed files.
		theirs, err := func() (d lib.Dataset, err error) {
			defer func() {
				if p := recover(); p != nil {
					err = fmt.Errorf("%v", p)
				}
			}()
			return lib.Parse(bytes.NewReader(file), int64(len(file)), nil, lib.SkipPixelData(), lib.AllowMissingMetaElementGroupLength(), lib.AllowUnknownSpecificCharacterSet())
		}()
		if err != nil {
			continue
		}
		ours, err := Read(blob.Bytes(file), int64(len(file)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		files++
		elements += compareElements(t, name, ours, theirs.Elements)
	}
	if files < 60 || elements < 5500 {
		t.Errorf("compared %d elements of %d files", elements, files)
	}
	t.Logf("compared %d elements of %d files", elements, files)
}

func compareElements(t *testing.T, where string, d *Dataset, list []*lib.Element) (n int) {
	t.Helper()
	for _, e := range list {
		tag := Tag(e.Tag.Group)<<16 | Tag(e.Tag.Element)
		if tag >= PixelData || tag == FloatPixelData || tag == DoubleFloatPixelData || tag.group() == 0xfffe {
			continue
		}
		here := where + " " + tag.String()
		ours := d.Get(tag)
		if ours == nil {
			t.Errorf("%s: not read", here)
			continue
		}
		n++
		switch v := e.Value.GetValue().(type) {
		case []*lib.SequenceItemValue:
			if len(v) != len(ours.Items) {
				t.Errorf("%s: %d items, the library %d", here, len(ours.Items), len(v))
				continue
			}
			for i := range v {
				n += compareElements(t, fmt.Sprintf("%s[%d]", here, i), ours.Items[i], v[i].GetValue().([]*lib.Element))
			}
		case []string:
			if want := textOf(v); d.String(tag) != want && !sameNumbers(d, tag, v) {
				t.Errorf("%s: %q, the library %q", here, d.String(tag), want)
			}
		case []int:
			if got, err := d.Ints(tag); err != nil || !slices.Equal(got, v) && len(got)+len(v) > 0 {
				t.Errorf("%s: %v, %v, the library %v", here, got, err, v)
			}
		case []float64:
			got, err := d.Floats(tag)
			if err != nil || len(got) != len(v) {
				t.Errorf("%s: %v, %v, the library %v", here, got, err, v)
				continue
			}
			for i := range v {
				if math.Abs(got[i]-v[i]) > 1e-6*math.Abs(v[i]) { // it parses FL by way of text
					t.Errorf("%s: %v, the library %v", here, got, v)
					break
				}
			}
		case []byte:
			if ours.VR == "SQ" { // a sequence without representation, which the library leaves
				continue
			}
			if got, err := d.Bytes(tag); err != nil || !bytes.Equal(got, v) {
				t.Errorf("%s: %d bytes, %v, the library %d", here, len(got), err, len(v))
			}
		}
	}
	return n
}

// textOf joins values without their padding.
func textOf(values []string) string { return trim(strings.Join(values, `\`)) }

// sameNumbers tells that values are the same but for how they are written.
func sameNumbers(d *Dataset, t Tag, values []string) bool {
	got, err := d.Strings(t)
	if err != nil || len(got) != len(values) {
		return false
	}
	for i := range got {
		a, errA := strconv.ParseFloat(got[i], 64)
		b, errB := strconv.ParseFloat(trim(values[i]), 64)
		if got[i] != trim(values[i]) && (errA != nil || errB != nil || a != b) {
			return false
		}
	}
	return true
}

package dicom

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/suyashkumar/dicom/pkg/charset"
	"golang.org/x/text/encoding"
)

// String returns the whole value as text without padding; "" where there is
// none or it cannot be read.
func (d *Dataset) String(t Tag) string {
	b, err := d.Bytes(t)
	if err != nil {
		return ""
	}
	return d.text(t, trim(string(b)))
}

// Strings returns the values of a text element, which a backslash divides.
func (d *Dataset) Strings(t Tag) ([]string, error) {
	b, err := d.Bytes(t)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	switch d.Get(t).VR {
	case "LT", "ST", "UT", "UR": // one value, in which a backslash is a letter
		return []string{d.text(t, trim(string(b)))}, nil
	}
	out := strings.Split(d.text(t, trim(string(b))), `\`)
	for i := range out {
		out[i] = trim(out[i])
	}
	return out, nil
}

func trim(s string) string { return strings.Trim(s, " \x00\t\r\n") }

// text is s in UTF-8 where its representation follows the character set.
func (d *Dataset) text(t Tag, s string) string {
	ascii := true
	for i := range len(s) {
		ascii = ascii && s[i] < 0x80 && s[i] != 0x1b
	}
	if ascii {
		return s
	}
	vr := d.Get(t).VR
	if t == SpecificCharacterSet { // a CS, whatever the file says: no set applies to its own name
		vr = "CS"
	}
	switch vr {
	case "SH", "LO", "ST", "LT", "PN", "UC", "UT":
	default:
		return strings.ToValidUTF8(s, string(utf8.RuneError))
	}
	sets, _ := d.Strings(SpecificCharacterSet)
	if sets == nil {
		sets, _ = d.file().Strings(SpecificCharacterSet)
	}
	if dec := decoder(sets); dec != nil {
		if out, err := dec.String(s); err == nil {
			s = out
		}
	}
	return strings.ToValidUTF8(s, string(utf8.RuneError))
}

// decoder is that of the last character set that is known, which is the one
// that letters beyond ASCII are of; nil where there is none.
func decoder(sets []string) (dec *encoding.Decoder) {
	defer func() { // the library panics where an encoding has another name
		if recover() != nil {
			dec = nil
		}
	}()
	if len(sets) == 0 {
		return nil
	}
	c, err := charset.ParseSpecificCharacterSet(sets[len(sets)-1:])
	if err != nil {
		return nil
	}
	return c.Ideographic
}

// Floats returns the values of a numeric element, whether text or binary; nil
// where there is none.
func (d *Dataset) Floats(t Tag) ([]float64, error) {
	b, err := d.Bytes(t)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	e := d.Get(t)
	size, read := binaryReader(e)
	if read == nil {
		return d.textFloats(t, b)
	}
	if len(b)%size != 0 {
		return nil, malformed("%v of %d bytes", t, len(b))
	}
	out := make([]float64, len(b)/size)
	for i := range out {
		out[i] = read(b[i*size:])
	}
	return out, nil
}

// binaryReader returns the size of a binary value and how to read it; nil for
// text.
func binaryReader(e *Element) (int, func([]byte) float64) {
	bo := order(e.big)
	switch e.VR {
	case "US", "OW", "AT": // a tag is two numbers
		return 2, func(b []byte) float64 { return float64(bo.Uint16(b)) }
	case "SS":
		return 2, func(b []byte) float64 { return float64(int16(bo.Uint16(b))) }
	case "UL", "OL":
		return 4, func(b []byte) float64 { return float64(bo.Uint32(b)) }
	case "SL":
		return 4, func(b []byte) float64 { return float64(int32(bo.Uint32(b))) }
	case "UV", "OV":
		return 8, func(b []byte) float64 { return float64(bo.Uint64(b)) }
	case "SV":
		return 8, func(b []byte) float64 { return float64(int64(bo.Uint64(b))) }
	case "FL", "OF":
		return 4, func(b []byte) float64 { return float64(math.Float32frombits(bo.Uint32(b))) }
	case "FD", "OD":
		return 8, func(b []byte) float64 { return math.Float64frombits(bo.Uint64(b)) }
	}
	return 0, nil
}

// textFloats parses decimal and integer strings.
func (d *Dataset) textFloats(t Tag, b []byte) ([]float64, error) {
	s := trim(string(b))
	if s == "" {
		return nil, nil
	}
	out := make([]float64, 0, strings.Count(s, `\`)+1)
	for part := range strings.SplitSeq(s, `\`) {
		v, err := strconv.ParseFloat(trim(part), 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, malformed("%v has %.32q for a number", t, part)
		}
		out = append(out, v)
	}
	return out, nil
}

// Ints returns the values of an element of whole numbers; nil where there is
// none.
func (d *Dataset) Ints(t Tag) ([]int, error) {
	f, err := d.Floats(t)
	if err != nil || f == nil {
		return nil, err
	}
	out := make([]int, len(f))
	for i, v := range f {
		if v != math.Trunc(v) || math.Abs(v) > 1<<53 {
			return nil, malformed("%v has %v for a whole number", t, v)
		}
		out[i] = int(v)
	}
	return out, nil
}

// Float returns the first number of an element; false where there is none.
func (d *Dataset) Float(t Tag) (float64, bool) {
	f, err := d.Floats(t)
	if err != nil || len(f) == 0 {
		return 0, false
	}
	return f[0], true
}

// Int returns the first whole number of an element; false where there is none.
func (d *Dataset) Int(t Tag) (int, bool) {
	n, err := d.Ints(t)
	if err != nil || len(n) == 0 {
		return 0, false
	}
	return n[0], true
}

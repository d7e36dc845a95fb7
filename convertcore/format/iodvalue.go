package format

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/suyashkumar/dicom/pkg/charset"
	"github.com/suyashkumar/dicom/pkg/tag"
)

// text returns a value in the file's character set without its padding; "" where
// it is absent. Several values stay together.
func (s iodSet) text(t tag.Tag) string {
	e, ok := s.find(t)
	if !ok {
		return ""
	}
	raw := string(bytes.Trim(e.value, " \x00"))
	if isASCII(raw) && !strings.Contains(raw, "\x1b") {
		return raw
	}
	if coding, err := charset.ParseSpecificCharacterSet(s.charset); err == nil && coding.Ideographic != nil {
		if decoded, err := coding.Ideographic.String(raw); err == nil {
			return decoded
		}
	}
	return strings.ToValidUTF8(raw, string(utf8.RuneError))
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// ushort returns a value of VR US; false where it is absent or no such.
func (s iodSet) ushort(t tag.Tag) (int, bool) {
	e, ok := s.find(t)
	if !ok || len(e.value) < 2 {
		return 0, false
	}
	return int(e.order.bytes().Uint16(e.value)), true
}

// integer returns a value of VR IS, of at most 12 characters.
func (s iodSet) integer(t tag.Tag) (int, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(s.text(t)), 10, 32)
	return int(n), err == nil
}

// decimals returns the values of VR DS; none where it is absent.
func (s iodSet) decimals(t tag.Tag) ([]float64, error) {
	e, _ := s.find(t)
	value := bytes.Trim(e.value, " \x00")
	if len(value) == 0 {
		return nil, nil
	}
	out := make([]float64, 0, bytes.Count(value, []byte{'\\'})+1)
	for more := true; more; {
		var field []byte
		field, value, more = bytes.Cut(value, []byte{'\\'})
		v, err := strconv.ParseFloat(string(bytes.TrimSpace(field)), 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, malformed("%v: %q is no decimal number", t, field[:min(len(field), 32)])
		}
		out = append(out, v)
	}
	return out, nil
}

// vector fills dst with exactly as many decimals as it holds; false where the
// element is absent.
func (s iodSet) vector(t tag.Tag, dst []float64) (bool, error) {
	v, err := s.decimals(t)
	if err != nil || len(v) == 0 {
		return false, err
	}
	if len(v) != len(dst) {
		return false, malformed("%v has %d values, not %d", t, len(v), len(dst))
	}
	copy(dst, v)
	return true, nil
}

// texts returns t of every item of a path of sequences, without repetitions.
func (s iodSet) texts(t tag.Tag, path ...tag.Tag) ([]string, error) {
	if len(path) == 0 {
		if v := s.text(t); v != "" {
			return []string{v}, nil
		}
		return nil, nil
	}
	items, err := s.items(path[0])
	if err != nil {
		return nil, err
	}
	var out []string
	for _, item := range items {
		texts, err := item.texts(t, path[1:]...)
		if err != nil {
			return nil, err
		}
		for _, v := range texts {
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	return out, nil
}

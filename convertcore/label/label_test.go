package label

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

func raster(t testing.TB, channels, bits int, pix ...byte) *convertcore.Raster {
	t.Helper()
	r, err := convertcore.NewRaster(len(pix)/channels/(bits/8), 1, channels, bits, pix)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// volume makes voxels of any fixed-size type, with a slope and intercept.
func volume(t testing.TB, voxels any, slope, inter float32) *convertcore.Volume {
	t.Helper()
	h := convertcore.Header{Form: convertcore.NIfTI, Dims: [4]int{1, 1, 1, 1}, Channels: 1, Lead: 352}
	switch voxels.(type) {
	case []int8, []int16, []int32, []int64:
		h.Signed = true
	case []float32, []float64:
		h.Float = true
	case [][3]byte:
		h.Channels = 3
	}
	data, err := binary.Append(nil, binary.LittleEndian, voxels)
	if err != nil {
		t.Fatal(err)
	}
	lead := make([]byte, 352)
	binary.LittleEndian.PutUint32(lead[112:], math.Float32bits(slope))
	binary.LittleEndian.PutUint32(lead[116:], math.Float32bits(inter))
	h.Dims[0] = 4
	h.Bits = 8 * len(data) / 4 / h.Channels
	v, err := convertcore.NewVolume(h, lead, data)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func table(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

func list(items ...any) []any { return items }

func TestMask(t *testing.T) {
	indexed, err := raster(t, 3, 8, 9, 9, 9, 1, 1, 1, 200, 0, 0, 0, 0, 0).WithIndices([]byte{0, 1, 2, 1})
	if err != nil {
		t.Fatal(err)
	}
	rgb := raster(t, 3, 8, 255, 0, 0, 250, 5, 5, 7, 7, 7, 0, 0, 0)
	rgba := raster(t, 4, 8, 0, 0, 0, 255, 0, 1, 0, 0, 7, 7, 7, 9, 7, 7, 8, 7)
	ga := raster(t, 2, 8, 0, 255, 1, 0, 7, 7, 255, 255)
	gray16 := raster(t, 1, 16, 0, 7, 1, 0, 255, 255, 0, 0)
	for _, c := range []struct {
		name   string
		table  map[string]any
		src    convertcore.Image
		expect string
	}{
		{"values uint8", table("values", list(int64(1), int64(3))), raster(t, 1, 8, 0, 1, 2, 3), "0101"},
		{"one value", table("values", int64(2)), raster(t, 1, 8, 0, 1, 2, 3), "0010"},
		{"range", table("values", list("1-2", int64(9))), raster(t, 1, 8, 0, 1, 2, 9), "0111"},
		{"negative range", table("values", list("-5--1")), volume(t, []int16{-6, -5, -1, 0}, 1, 0), "0110"},
		{"values gray16", table("values", list(int64(7), int64(256))), gray16, "1100"},
		{"values gray in RGB", table("values", list(int64(7))), rgb, "0010"},
		{"values RGBA", table("values", list(int64(7))), rgba, "0010"},
		{"values gray+alpha", table("values", list(int64(7), int64(0))), ga, "1010"},
		{"values are indices", table("values", list(int64(1))), indexed, "0101"},
		{"values int8", table("values", list(int64(-1))), volume(t, []int8{-1, 1, 127, 0}, 0, 0), "1000"},
		{"values uint16", table("values", list(int64(65535))), volume(t, []uint16{65535, 1, 2, 0}, 1, 0), "1000"},
		{"values int32", table("values", list(int64(-70000))), volume(t, []int32{-70000, 1, 2, 0}, 1, 0), "1000"},
		{"values uint32", table("values", list(int64(1<<32-1))), volume(t, []uint32{1<<32 - 1, 1, 2, 0}, 1, 0), "1000"},
		{"values int64", table("values", list(int64(-1))), volume(t, []int64{-1, 1, 2, 0}, 1, 0), "1000"},
		{"values uint64", table("values", list(int64(2))), volume(t, []uint64{1 << 63, 1, 2, 0}, 1, 0), "0010"},
		{"values float32", table("values", list(int64(2), 0.5)), volume(t, []float32{2, 0.5, 2.0001, float32(math.NaN())}, 1, 0), "1100"},
		{"values float64", table("values", list(int64(2))), volume(t, []float64{2, 0.5, 2.0000001, math.NaN()}, 0, 0), "1000"},
		{"values scaled", table("values", list(int64(3))), volume(t, []int16{1, 2, 3, 4}, 0.5, 1), "0001"},
		{"values scaled float", table("values", list(int64(3))), volume(t, []float32{1, 2, 3, 4}, 0.5, 1), "0001"},
		{"above gray", table("above", int64(0)), raster(t, 1, 8, 0, 1, 127, 255), "0111"},
		{"above 127", table("above", 127.0), raster(t, 1, 8, 0, 1, 127, 128), "0001"},
		{"above RGB", table("above", int64(4)), rgb, "1110"},
		{"above RGBA", table("above", int64(0)), rgba, "0111"},
		{"above gray+alpha", table("above", int64(0)), ga, "0111"},
		{"above gray16", table("above", int64(7)), gray16, "0110"},
		{"above colours of a palette", table("above", int64(100)), indexed, "0010"},
		{"above int16", table("above", int64(0)), volume(t, []int16{-1, 0, 1, 300}, 1, 0), "0011"},
		{"above float", table("above", 0.5), volume(t, []float32{0.5, 0.75, -1, float32(math.NaN())}, 1, 0), "0100"},
		{"above rgb24", table("above", int64(8)), volume(t, [][3]byte{{9, 0, 0}, {0, 8, 0}, {0, 0, 9}, {0, 0, 0}}, 3, 3), "1010"},
		{"color", table("color", "#ff0000"), rgb, "1000"},
		{"color with tolerance", table("color", "#ff0000", "tolerance", int64(5)), rgb, "1100"},
		{"color RGBA", table("color", "#070708"), rgba, "0001"},
		{"color of gray", table("color", "#070707"), ga, "0010"},
		{"color of gray16", table("color", "#ffffff"), gray16, "0010"},
		{"color of rgb24", table("color", "#000900"), volume(t, [][3]byte{{9, 0, 0}, {0, 9, 0}, {0, 0, 9}, {0, 0, 0}}, 1, 0), "0100"},
	} {
		s, err := New(c.table)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		dst := make([]byte, 4)
		if err := s.Mask(dst, c.src); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		want := []byte(c.expect)
		for i := range want {
			want[i] -= '0'
		}
		if !bytes.Equal(dst, want) {
			t.Errorf("%s: %v, want %v", c.name, dst, want)
		}
		full := []byte{1, 1, 1, 1}
		if err := s.Mask(full, c.src); err != nil || !bytes.Equal(full, []byte{1, 1, 1, 1}) {
			t.Errorf("%s does not unite: %v, %v", c.name, full, err)
		}
		if err := s.Mask(make([]byte, 3), c.src); !errors.Is(err, convertcore.ErrMismatch) {
			t.Errorf("%s over too few pixels: %v", c.name, err)
		}
	}
}

func TestColorOfNumbers(t *testing.T) {
	err := Color{}.Mask(make([]byte, 4), volume(t, []int16{0, 0, 0, 0}, 1, 0))
	if !errors.Is(err, convertcore.ErrUnsupported) {
		t.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	for words, m := range map[string]map[string]any{
		"none of above, all, any": table(),
		"none of":                 table("value", int64(1)),
		"both above and values":   table("above", int64(1), "values", int64(1)),
		"tolerance is no option":  table("values", int64(1), "tolerance", int64(1)),
		"no value":                table("values", list()),
		"neither a number":        table("values", list("1..2")),
		"is empty":                table("values", list("5-4")),
		"out of range":            table("values", list("1-99999999999999999999")),
		"beyond 2^53":             table("values", int64(1<<53+1)),
		"(bool) is not a number":  table("above", true),
		"not a number":            table("above", math.NaN()),
		"is not a colour":         table("color", "red"),
		"5 is not a colour":       table("color", int64(5)),
		"#ff00 is not":            table("color", "#ff00"),
		" is not a colour":        table("color", ""),
		"0 to 255":                table("color", "#ff0000", "tolerance", int64(256)),
		"1.5 is not an integer":   table("color", "#ff0000", "tolerance", 1.5),
	} {
		if s, err := New(m); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v: %v, %v, want %q", m, s, err, words)
		}
	}
}

func FuzzRange(f *testing.F) {
	f.Add("55-70")
	f.Add("-5--1")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRange(text)
		if err == nil && !(r.Lo <= r.Hi) {
			t.Errorf("%q: %v", text, r)
		}
	})
}

func BenchmarkValues(b *testing.B) {
	h := convertcore.Header{Form: convertcore.NIfTI, Dims: [4]int{256, 256, 128, 1}, Channels: 1, Bits: 16, Signed: true, Lead: 352}
	v, err := convertcore.NewVolume(h, make([]byte, 352), make([]byte, h.PayloadSize()))
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, h.Pixels())
	b.SetBytes(h.PayloadSize())
	for b.Loop() {
		if err := (Values{{1, 3}}).Mask(dst, v); err != nil {
			b.Fatal(err)
		}
	}
}

package convertcore

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func metas(t testing.TB) []*Meta {
	r, v := raster(t, 31, 17, 3, 16), volume(t, 5, 6, 7, 16, 400)
	h := v.Header()
	h.Affine = [4][4]float64{{-0.5, 0, 0, 3}, {0, 1e-7, 0, math.Copysign(0, -1)}, {0, 0, 2, 1e9}, {0, 0, 0, 1}}
	return []*Meta{
		{Header: r.Header(), Sums: sums(t, r)},
		{
			Header: h, Lead: v.Lead(), Sums: sums(t, v),
			Raw:      []blob.Info{{Path: "a.zip!/ü b.nii", Size: 12, Sum: "sha256:00"}, {Path: "c", Size: -1}},
			Warnings: []string{"qform and sform differ", ""},
		},
	}
}

func TestMetaRoundTrip(t *testing.T) {
	for _, m := range metas(t) {
		data, err := m.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var got Meta
		if err := got.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(m, &got); d != "" {
			t.Error(d)
		}
		for n := range data {
			if err := got.UnmarshalBinary(data[:n]); !errors.Is(err, ErrFormat) {
				t.Fatalf("cut at %d: %v", n, err)
			}
		}
		if err := got.UnmarshalBinary(append(data, 0)); !errors.Is(err, ErrFormat) {
			t.Errorf("one byte more: %v", err)
		}
		data[0]++
		if err := got.UnmarshalBinary(data); !errors.Is(err, ErrFormat) {
			t.Errorf("later version: %v", err)
		}
	}
}

func TestMetaOfAnotherImage(t *testing.T) {
	m := metas(t)[1]
	m.Lead = m.Lead[1:]
	if _, err := m.MarshalBinary(); !errors.Is(err, ErrMismatch) {
		t.Error(err)
	}
}

func TestMetaBlobs(t *testing.T) {
	r, v := raster(t, 31, 17, 3, 16), volume(t, 5, 6, 7, 16, 400)
	ms := metas(t)
	sameBytes(t, encoded(t, r), ms[0].Blob(blob.Bytes(r.Payload())))
	sameBytes(t, encoded(t, v), ms[1].Blob(blob.Bytes(v.Payload())))
	sameBytes(t, append(bytes.Clone(v.Lead()), v.Payload()...), ms[1].NiiBlob(blob.Bytes(v.Payload())))
}

func TestHeaderRoundTrip(t *testing.T) {
	for _, m := range metas(t) {
		var got Header
		if err := got.UnmarshalBinary(m.Header.AppendBinary(nil)); err != nil || got != m.Header {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func FuzzMeta(f *testing.F) {
	for _, m := range metas(f) {
		data, _ := m.MarshalBinary()
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m Meta
		if m.UnmarshalBinary(data) != nil {
			return
		}
		if again, err := m.MarshalBinary(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%v", err)
		}
	})
}

package format

import (
	"bytes"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

func TestOrient(t *testing.T) {
	src, err := convertcore.NewRaster(3, 2, 1, 8, []byte{1, 2, 3, 4, 5, 6})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]byte{
		{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
		{1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3}, {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4},
	} {
		got, err := Orient(src, i+1)
		if err != nil || !bytes.Equal(got.Payload(), want) || (i >= 4) != (got.Header().Dims[0] == 2) {
			t.Errorf("orientation %d: %v, %v", i+1, got.Payload(), err)
		}
	}
	for _, bad := range []int{0, 9} {
		if _, err := Orient(src, bad); err == nil {
			t.Errorf("orientation %d", bad)
		}
	}
}

func TestJPEGOrientation(t *testing.T) {
	file := smallJPEG(t)
	for _, want := range []int{1, 6, 8} {
		exif := append([]byte("Exif\x00\x00"), makeTIFF(nil, []tiffTag{{tagOrientation, []uint32{uint32(want)}}})...)
		app := append([]byte{0xff, 0xe1, 0, byte(len(exif) + 2)}, exif...)
		with := append(append(bytes.Clone(file[:2]), app...), file[2:]...)
		got, err := JPEGOrientation(t.Context(), one(with), "a.jpg")
		if err != nil || got != want {
			t.Errorf("orientation %d, %v, want %d", got, err, want)
		}
		img, err := jpegDecode(t.Context(), one(with), []string{"a.jpg"})
		if err != nil || (want != 1) != strings.Contains(strings.Join(img.Warnings(), ""), "orientation") {
			t.Errorf("%d: %v", want, err)
		}
	}
	if got, err := JPEGOrientation(t.Context(), one(file), "a.jpg"); err != nil || got != 1 {
		t.Errorf("without EXIF: %d, %v", got, err)
	}
}

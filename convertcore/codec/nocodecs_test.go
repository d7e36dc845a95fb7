//go:build !codecs || !cgo

package codec

import (
	"errors"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

func TestWithoutLibraries(t *testing.T) {
	jls, j2k := samples(t, "testdata", ".jls"), samples(t, "testdata", ".j2k")
	for _, s := range jls {
		if _, err := JPEGLS(s.stream, s.f); !errors.Is(err, convertcore.ErrUnsupported) {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	for _, s := range j2k {
		if _, err := JPEG2000(s.stream, s.f); !errors.Is(err, convertcore.ErrUnsupported) {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}

//go:build !codecs || !cgo

package dicom

import (
	"errors"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// What this build cannot decode says how to make one that can.
func TestDecodeWithoutLibrary(t *testing.T) {
	for _, name := range []string{"MR_small_jpeg_ls_lossless.dcm", "MR_small_jp2klossless.dcm"} {
		err := decodeAll(corpus(t)[name])
		if !errors.Is(err, convertcore.ErrUnsupported) || !strings.Contains(err.Error(), "go build -tags codecs") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package format

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// Transfer syntaxes, PS3.6 table A-1.
const (
	syntaxImplicit      = "1.2.840.10008.1.2"
	syntaxExplicit      = "1.2.840.10008.1.2.1"
	syntaxDeflated      = "1.2.840.10008.1.2.1.99"
	syntaxBigEndian     = "1.2.840.10008.1.2.2"
	syntaxRLE           = "1.2.840.10008.1.2.5"
	syntaxDeflatedFrame = "1.2.840.10008.1.2.8.1"
)

// SOP classes of labels, PS3.6 table A-1.
const (
	classSEG      = "1.2.840.10008.5.1.4.1.1.66.4"
	classLabelMap = "1.2.840.10008.5.1.4.1.1.66.7"
	classRTStruct = "1.2.840.10008.5.1.4.1.1.481.3"
)

// iodFile is a DICOM file.
type iodFile struct {
	iodSet
	syntax string // Transfer Syntax UID
}

// readIOD reads and parses one file.
func readIOD(ctx context.Context, raw convertcore.Raw, path string) (*iodFile, error) {
	b, err := raw.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	data, err := readAll(b)
	if err != nil {
		return nil, err
	}
	return parseIOD(data)
}

// parseIOD parses a file with or without the preamble and the meta elements of
// PS3.10, section 7.1. Values stay within data.
func parseIOD(data []byte) (*iodFile, error) {
	if len(data) >= 132 && string(data[128:132]) == "DICM" {
		data = data[132:]
	}
	f := &iodFile{}
	meta := iodReader{rest: data}
	for len(meta.rest) >= 2 && meta.rest[0] == 2 && meta.rest[1] == 0 {
		e, err := meta.next()
		if err != nil {
			return nil, err
		}
		f.elems = append(f.elems, e)
	}
	f.syntax = strings.TrimSpace(f.text(tag.TransferSyntaxUID))
	order, data, err := f.dataset(meta.rest)
	if err != nil {
		return nil, err
	}
	body := iodReader{rest: data, order: order}
	if f.iodSet, err = body.set(nil); err != nil {
		return nil, err
	}
	if len(f.elems) == 0 {
		return nil, malformed("DICOM file without data elements")
	}
	if names := f.text(tag.SpecificCharacterSet); names != "" {
		f.charset = strings.Split(names, `\`)
		for i, name := range f.charset {
			f.charset[i] = strings.TrimSpace(name)
		}
	}
	return f, nil
}

// dataset tells how the elements after the meta elements are written, and
// inflates them where they are deflated.
func (f *iodFile) dataset(data []byte) (iodOrder, []byte, error) {
	switch f.syntax {
	case syntaxImplicit:
		return iodOrder{implicit: true}, data, nil
	case syntaxBigEndian:
		return iodOrder{big: true}, data, nil
	case syntaxDeflated:
		data, err := inflate(data)
		return iodOrder{}, data, err
	case "":
		// Old files have no meta elements, and hardly ever anything but the
		// default; where there is a VR after the first tag, it is explicit.
		if len(data) < 8 || data[1] != 0 || data[0] > 0x10 {
			return iodOrder{}, nil, malformed("not DICOM")
		}
		return iodOrder{implicit: !isVR(data[4:6])}, data, nil
	}
	return iodOrder{}, data, nil
}

// inflate undoes the deflated transfer syntax. Masks deflate well, but what
// grows to more than 32 MiB and 64 times its length is taken for an attack.
func inflate(data []byte) ([]byte, error) {
	z := flate.NewReader(bytes.NewReader(data))
	defer z.Close()
	limit := max(32<<20, 64*int64(len(data)))
	var out bytes.Buffer
	n, err := out.ReadFrom(io.LimitReader(z, limit+1))
	if err != nil {
		return nil, malformed("deflated data set: %v", noEOF(err))
	}
	if n > limit {
		return nil, malformed("%d deflated bytes grow to more than %d", len(data), limit)
	}
	return out.Bytes(), nil
}

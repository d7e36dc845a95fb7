// Package validate says what must hold for every converted image and mask,
// whatever dataset it is of.
package validate

import (
	"bytes"
	"fmt"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Image checks that header, payload and container agree: the payload has the
// header's length, and what Encode writes is what the arithmetic blob serves,
// of exactly EncodedSize bytes.
func Image(img convertcore.Image) error {
	h := img.Header()
	if err := h.Check(); err != nil {
		return err
	}
	if n := int64(len(img.Payload())); n != h.PayloadSize() {
		return fmt.Errorf("%w: payload of %d bytes where the header says %d", convertcore.ErrMismatch, n, h.PayloadSize())
	}
	if len(img.Lead()) != h.Lead {
		return fmt.Errorf("%w: lead of %d bytes where the header says %d", convertcore.ErrMismatch, len(img.Lead()), h.Lead)
	}
	var file bytes.Buffer
	if err := img.Encode(&file); err != nil {
		return err
	}
	if n := int64(file.Len()); n != h.EncodedSize() {
		return fmt.Errorf("%w: container of %d bytes where the header says %d", convertcore.ErrMismatch, n, h.EncodedSize())
	}
	sums, err := convertcore.SumsOf(img)
	if err != nil {
		return err
	}
	meta := convertcore.Meta{Header: h, Lead: img.Lead(), Sums: sums}
	served, err := blob.ReadAll(meta.Blob(blob.Bytes(img.Payload())))
	if err != nil {
		return err
	}
	if !bytes.Equal(served, file.Bytes()) {
		return fmt.Errorf("%w: encoded and served containers differ", convertcore.ErrMismatch)
	}
	return nil
}

// Mask checks that a mask has one sample of 8 bits a pixel and is binary: 0 and
// 255 in PNG, 0 and 1 in NIfTI.
func Mask(mask convertcore.Image) error {
	h := mask.Header()
	if h.Channels != 1 || h.Bits != 8 || h.Float || h.Signed {
		return fmt.Errorf("%w: mask of %d samples of %d bits", convertcore.ErrFormat, h.Channels, h.Bits)
	}
	top := byte(255)
	if h.Form == convertcore.NIfTI {
		top = 1
	}
	for i, v := range mask.Payload() {
		if v != 0 && v != top {
			return fmt.Errorf("%w: mask has %d at pixel %d, not 0 or %d", convertcore.ErrFormat, v, i, top)
		}
	}
	return nil
}

// Pair checks an image and one of its masks, and that they lie on one grid.
func Pair(image, mask convertcore.Image) error {
	if err := Image(image); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	if err := Image(mask); err != nil {
		return fmt.Errorf("mask: %w", err)
	}
	if err := Mask(mask); err != nil {
		return err
	}
	return geom.SameGrid(image.Header(), mask.Header())
}

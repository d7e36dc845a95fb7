package convertcore

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// metaVersion is the first byte of a marshalled Meta.
const metaVersion = 1

// Meta is what is kept of a converted image beside its payload: all that the
// containers need, and where it comes from.
type Meta struct {
	Header   Header
	Lead     []byte // before the voxels in a .nii; nil for PNG
	Sums     Sums
	Raw      []blob.Info // the raw files that it is made of
	Warnings []string
}

// Blob is the listed container over the payload, PNG or .nii.gz.
func (m *Meta) Blob(payload blob.Blob) blob.Blob {
	if m.Header.Form == NIfTI {
		return GzipBlob(m.Header, m.Sums, m.Lead, payload)
	}
	return PNGBlob(m.Header, m.Sums, payload)
}

// NiiBlob is the .nii over the payload.
func (m *Meta) NiiBlob(payload blob.Blob) blob.Blob { return NiiBlob(m.Header, m.Lead, payload) }

// MarshalBinary is deterministic: equal records give equal bytes.
func (m *Meta) MarshalBinary() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	b := append(m.Header.AppendBinary([]byte{metaVersion}), m.Lead...)
	b = binary.AppendUvarint(b, uint64(len(m.Sums.IDAT)))
	for _, crc := range append(m.Sums.IDAT[:len(m.Sums.IDAT):len(m.Sums.IDAT)], m.Sums.Adler, m.Sums.Nii) {
		b = binary.LittleEndian.AppendUint32(b, crc)
	}
	b = append(b, m.Sums.SHA256[:]...)
	b = binary.AppendUvarint(b, uint64(len(m.Raw)))
	for _, r := range m.Raw {
		b = appendText(b, r.Path)
		b = binary.AppendVarint(b, r.Size)
		b = appendText(b, r.Sum)
	}
	b = binary.AppendUvarint(b, uint64(len(m.Warnings)))
	for _, w := range m.Warnings {
		b = appendText(b, w)
	}
	return b, nil
}

func (m *Meta) check() error {
	if err := m.Header.Check(); err != nil {
		return err
	}
	want := int64(0)
	if m.Header.Form == PNG {
		want = idatChunks(m.Header.zlibSize(), maxIDAT)
	}
	if len(m.Lead) != m.Header.Lead || int64(len(m.Sums.IDAT)) != want {
		return fmt.Errorf("%w: lead of %d bytes and %d IDAT sums do not fit the header", ErrMismatch, len(m.Lead), len(m.Sums.IDAT))
	}
	return nil
}

// UnmarshalBinary reads what MarshalBinary wrote, and nothing else: any other
// bytes are ErrFormat.
func (m *Meta) UnmarshalBinary(data []byte) error {
	r := reader{b: data}
	if v := r.byte(); v != metaVersion {
		return fmt.Errorf("%w: metadata of version %d", ErrFormat, v)
	}
	var out Meta
	out.Header = r.header()
	if r.bad || out.Header.Check() != nil {
		return fmt.Errorf("%w: metadata", ErrFormat)
	}
	if n := out.Header.Lead; n > 0 {
		out.Lead = bytes.Clone(r.take(uint64(n)))
	}
	for n := r.count(4); n > 0; n-- {
		out.Sums.IDAT = append(out.Sums.IDAT, r.uint32())
	}
	out.Sums.Adler, out.Sums.Nii = r.uint32(), r.uint32()
	copy(out.Sums.SHA256[:], r.take(32))
	for n := r.count(3); n > 0; n-- {
		out.Raw = append(out.Raw, blob.Info{Path: r.text(), Size: r.varint(), Sum: r.text()})
	}
	for n := r.count(1); n > 0; n-- {
		out.Warnings = append(out.Warnings, r.text())
	}
	if r.bad || len(r.b) != 0 {
		return fmt.Errorf("%w: metadata", ErrFormat)
	}
	// Only one spelling of each number is ours.
	if again, err := out.MarshalBinary(); err != nil || !bytes.Equal(again, data) {
		return fmt.Errorf("%w: metadata", ErrFormat)
	}
	*m = out
	return nil
}

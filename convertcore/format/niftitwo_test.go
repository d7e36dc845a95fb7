package format

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

func TestNIfTI2AgainstNibabel(t *testing.T) { agree(t, "make_nifti2.py", 40) }

// nii2File is a small int16 volume; change may spoil its header.
func nii2File(change func(head []byte)) []byte {
	b := make([]byte, nifti2Lead+2*4*3*2)
	le := binary.LittleEndian
	le.PutUint32(b, 540)
	copy(b[4:], "n+2\x00\r\n\x1a\n")
	le.PutUint16(b[12:], 4)
	le.PutUint16(b[14:], 16)
	for i, d := range []uint64{3, 4, 3, 2, 1, 1, 1, 1} {
		le.PutUint64(b[16+8*i:], d)
	}
	le.PutUint64(b[168:], nifti2Lead)
	if change != nil {
		change(b)
	}
	return b
}

func TestNIfTI2Hostile(t *testing.T) {
	truncated(t, "a.nii", nii2File(nil))
	le := binary.LittleEndian
	for name, c := range map[string]struct {
		change func([]byte)
		want   error
	}{
		"long axis": {func(b []byte) { le.PutUint64(b[24:], 40000) }, convertcore.ErrUnsupported},
		"negative":  {func(b []byte) { le.PutUint64(b[24:], 1<<63) }, convertcore.ErrFormat},
		"complex":   {func(b []byte) { b[12] = 32 }, convertcore.ErrUnsupported},
		"line ends": {func(b []byte) { b[8] = '\n' }, convertcore.ErrFormat},
		"pair":      {func(b []byte) { copy(b[4:], magic2Pair) }, convertcore.ErrFormat},
		"offset":    {func(b []byte) { le.PutUint64(b[168:], 1<<62) }, convertcore.ErrFormat},
	} {
		if _, err := niftiDecode(t.Context(), one(nii2File(c.change)), []string{"a.nii"}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzNIfTI2(f *testing.F) {
	f.Add(nii2File(nil))
	f.Add(nii2File(func(b []byte) { b[540] = 1 }))
	fuzzFile(f, "a.nii")
}

package format

import (
	"encoding/binary"
	"math"

	"github.com/okieraised/gonii/pkg/nifti"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

const (
	magicSingle = "n+1\x00"
	magicPair   = "ni1\x00"
)

// niftiTypes are the datatypes that are served as they are.
var niftiTypes = map[int32]struct {
	channels, bits int
	float, signed  bool
}{
	nifti.DT_UINT8:   {1, 8, false, false},
	nifti.DT_INT8:    {1, 8, false, true},
	nifti.DT_UINT16:  {1, 16, false, false},
	nifti.DT_INT16:   {1, 16, false, true},
	nifti.DT_UINT32:  {1, 32, false, false},
	nifti.DT_INT32:   {1, 32, false, true},
	nifti.DT_UINT64:  {1, 64, false, false},
	nifti.DT_INT64:   {1, 64, false, true},
	nifti.DT_FLOAT32: {1, 32, true, false},
	nifti.DT_FLOAT64: {1, 64, true, false},
	nifti.DT_RGB24:   {3, 8, false, false},
	nifti.DT_RGBA32:  {4, 8, false, false},
}

// niftiHead is a parsed NIfTI-1 header.
type niftiHead struct {
	head     [convertcore.MinLead]byte // as it is served: little-endian, single file
	header   convertcore.Header
	offset   int64 // of the voxels in their file
	big      bool  // the file is big-endian
	pair     bool
	extended bool // extensions follow
	warning  string
}

// parseNIfTI parses a header and the extension flag after it.
func parseNIfTI(b []byte) (f niftiHead, err error) {
	copy(f.head[:], b)
	if f.big, err = niftiOrder(b); err != nil {
		return f, err
	}
	if f.big {
		swapHead(f.head[:])
	}
	switch string(b[344:348]) {
	case magicSingle:
	case magicPair:
		f.pair = true
	case "\x00\x00\x00\x00":
		return f, unsupported("Analyze 7.5 header without voxels in a file of their own")
	default:
		return f, malformed("NIfTI magic %q", b[344:348])
	}
	var n nifti.Nii1Header
	if _, err := binary.Decode(f.head[:], binary.LittleEndian, &n); err != nil {
		return f, malformed("%v", err)
	}
	if f.header, err = niftiShape(&n); err != nil {
		return f, err
	}
	f.header.Affine = niftiAffine(&n)
	off := float64(n.VoxOffset)
	if !(off >= 0 && off < 1<<31) || off != math.Trunc(off) {
		return f, malformed("NIfTI voxels at %v", off)
	}
	f.offset = int64(off)
	f.extended = f.head[348] != 0
	lead := convertcore.MinLead
	if !f.pair {
		f.offset = max(f.offset, convertcore.MinLead)
		if f.extended {
			lead = int(f.offset)
		}
	}
	f.setLead(lead)
	return f, nil
}

// setLead makes n the place of the voxels in the served file.
func (f *niftiHead) setLead(n int) {
	f.header.Lead = n
	copy(f.head[344:], magicSingle)
	binary.LittleEndian.PutUint32(f.head[108:], math.Float32bits(float32(n)))
}

// niftiOrder tells by sizeof_hdr whether a header is big-endian.
func niftiOrder(b []byte) (big bool, err error) {
	le, be := binary.LittleEndian.Uint32(b), binary.BigEndian.Uint32(b)
	switch {
	case le == nifti.NII1HeaderSize:
		return false, nil
	case be == nifti.NII1HeaderSize:
		return true, nil
	case le == nifti.NII2HeaderSize || be == nifti.NII2HeaderSize:
		return false, unsupported("NIfTI-2")
	}
	return false, malformed("NIfTI header of %d bytes", le)
}

// niftiShape is the Header but for affine and lead. Axes beyond the fourth are
// counted into it.
func niftiShape(n *nifti.Nii1Header) (h convertcore.Header, err error) {
	t, ok := niftiTypes[int32(n.Datatype)]
	if !ok {
		return h, unsupported("NIfTI datatype %d", n.Datatype)
	}
	h = convertcore.Header{
		Form: convertcore.NIfTI, Dims: [4]int{1, 1, 1, 1},
		Channels: t.channels, Bits: t.bits, Float: t.float, Signed: t.signed,
	}
	if n.Dim[0] < 1 || n.Dim[0] > 7 {
		return h, malformed("NIfTI of %d dimensions", n.Dim[0])
	}
	for i, d := range n.Dim[1 : 1+n.Dim[0]] {
		if d < 1 {
			return h, malformed("NIfTI dimensions %v", n.Dim)
		}
		h.Dims[min(i, 3)] *= int(d)
		if h.Dims[3] > math.MaxInt32 {
			return h, malformed("NIfTI dimensions %v", n.Dim)
		}
	}
	return h, nil
}

// niftiAffine follows nifti1.h: sform where its code is positive, else qform,
// else the spacing alone.
func niftiAffine(n *nifti.Nii1Header) geom.Affine {
	if n.SformCode > 0 {
		a := geom.Affine{3: {0, 0, 0, 1}}
		for i, row := range [3][4]float32{n.SrowX, n.SrowY, n.SrowZ} {
			for j, v := range row {
				a[i][j] = float64(v)
			}
		}
		return a
	}
	var spacing [3]float64
	for i := range spacing {
		spacing[i] = math.Abs(float64(n.Pixdim[i+1]))
		if !(spacing[i] > 0) {
			spacing[i] = 1
		}
	}
	if n.QformCode <= 0 {
		return geom.FromSpacing(spacing)
	}
	offset := [3]float64{float64(n.QoffsetX), float64(n.QoffsetY), float64(n.QoffsetZ)}
	return geom.FromQuaternion(float64(n.QuaternB), float64(n.QuaternC), float64(n.QuaternD), spacing, offset, float64(n.Pixdim[0]))
}

// niftiFields are the numbers in a header: offset of the first and of the end,
// bytes each. They are swapped in place, so that not a bit is lost.
var niftiFields = [][3]int{
	{0, 4, 4}, {32, 36, 4}, {36, 38, 2}, {40, 56, 2}, {56, 68, 4}, {68, 76, 2}, {76, 120, 4},
	{120, 122, 2}, {124, 148, 4}, {252, 256, 2}, {256, 328, 4},
}

func swapHead(head []byte) {
	for _, f := range niftiFields {
		swapElems(head[f[0]:f[1]], f[2])
	}
}

// swapExtensions swaps the size and code of each header extension. What they
// hold is theirs; after a size that cannot be, the rest is left alone.
func swapExtensions(b []byte) {
	for len(b) >= 8 {
		swapElems(b[:8], 4)
		n := binary.LittleEndian.Uint32(b)
		if n < 8 || uint64(n) > uint64(len(b)) {
			return
		}
		b = b[n:]
	}
}

package geom

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/okieraised/gonii/pkg/nifti"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// NewVolume makes a volume of voxels (little-endian, x fastest) that came from
// another format than NIfTI. h.Lead is set. The NIfTI-1 header has h.Affine as
// sform, its orthonormal part as qform, both with code 1 (scanner), and value =
// stored·slope + inter.
func NewVolume(h convertcore.Header, slope, inter float64, voxels []byte) (*convertcore.Volume, error) {
	h, err := VolumeHeader(h)
	if err != nil {
		return nil, err
	}
	lead, err := lead(h, slope, inter)
	if err != nil {
		return nil, err
	}
	return convertcore.NewVolume(h, lead, voxels)
}

// VolumeHeader completes the Header of what NewVolume makes of h.
func VolumeHeader(h convertcore.Header) (convertcore.Header, error) {
	h.Form, h.Lead = convertcore.NIfTI, convertcore.MinLead
	for _, d := range h.Dims {
		if d > math.MaxInt16 {
			return h, fmt.Errorf("%w: %v voxels are beyond NIfTI-1", convertcore.ErrUnsupported, h.Dims)
		}
	}
	return h, h.Check()
}

// datatype is the NIfTI-1 code of h's samples; 0 where there is none.
func datatype(h convertcore.Header) int32 {
	type kind struct {
		channels, bits int
		float, signed  bool
	}
	return map[kind]int32{
		{1, 8, false, false}:  nifti.DT_UINT8,
		{1, 8, false, true}:   nifti.DT_INT8,
		{1, 16, false, false}: nifti.DT_UINT16,
		{1, 16, false, true}:  nifti.DT_INT16,
		{1, 32, false, false}: nifti.DT_UINT32,
		{1, 32, false, true}:  nifti.DT_INT32,
		{1, 64, false, false}: nifti.DT_UINT64,
		{1, 64, false, true}:  nifti.DT_INT64,
		{1, 32, true, false}:  nifti.DT_FLOAT32,
		{1, 64, true, false}:  nifti.DT_FLOAT64,
		{3, 8, false, false}:  nifti.DT_RGB24,
		{4, 8, false, false}:  nifti.DT_RGBA32,
	}[kind{h.Channels, h.Bits, h.Float, h.Signed && !h.Float}]
}

// lead is the 348 bytes of a NIfTI-1 header and an extension flag of zero.
func lead(h convertcore.Header, slope, inter float64) ([]byte, error) {
	code := datatype(h)
	if code == 0 {
		return nil, fmt.Errorf("%w: NIfTI of %d samples of %d bits", convertcore.ErrUnsupported, h.Channels, h.Bits)
	}
	n := nifti.Nii1Header{
		SizeofHdr: nifti.NII1HeaderSize, Regular: 'r', Magic: [4]uint8{'n', '+', '1'},
		Datatype: int16(code), Bitpix: int16(h.Channels * h.Bits), VoxOffset: convertcore.MinLead,
		SclSlope: float32(slope), SclInter: float32(inter),
		XyztUnits: 2, // mm
		SformCode: 1, QformCode: 1,
	}
	n.Dim = [8]int16{3, 1, 1, 1, 1, 1, 1, 1}
	for i, d := range h.Dims {
		n.Dim[i+1] = int16(d)
	}
	if h.Dims[3] > 1 {
		n.Dim[0] = 4
	}
	b, c, d, qfac, ok := quaternion(h.Affine)
	if !ok {
		n.QformCode = 0
	}
	n.QuaternB, n.QuaternC, n.QuaternD = float32(b), float32(c), float32(d)
	n.Pixdim = [8]float32{float32(qfac), 1, 1, 1, 1, 1, 1, 1}
	for i, s := range Spacing(h.Affine) {
		n.Pixdim[i+1] = float32(s)
	}
	n.QoffsetX, n.QoffsetY, n.QoffsetZ = float32(h.Affine[0][3]), float32(h.Affine[1][3]), float32(h.Affine[2][3])
	for i, row := range []*[4]float32{&n.SrowX, &n.SrowY, &n.SrowZ} {
		for j := range row {
			row[j] = float32(h.Affine[i][j])
		}
	}
	out, err := binary.Append(make([]byte, 0, convertcore.MinLead), binary.LittleEndian, &n)
	if err != nil {
		return nil, err
	}
	return append(out, 0, 0, 0, 0), nil
}

package format

import (
	"encoding/binary"
	"math"

	"github.com/okieraised/gonii/pkg/nifti"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// nifti2Lead is a NIfTI-2 header of 540 bytes and its extension flag.
const nifti2Lead = 544

// isNIfTI2 reports whether a file begins as NIfTI-2 of either byte order.
func isNIfTI2(b []byte) bool {
	return len(b) >= 12 && (binary.LittleEndian.Uint32(b) == nifti.NII2HeaderSize || binary.BigEndian.Uint32(b) == nifti.NII2HeaderSize) &&
		(string(b[4:8]) == magic2Single || string(b[4:8]) == magic2Pair)
}

const (
	magic2Single = "n+2\x00"
	magic2Pair   = "ni2\x00"
)

// parseNIfTI2 parses a NIfTI-2 header (nifti2.h) into the NIfTI-1 header that
// it is served with: its 64-bit floats keep what 32 bits hold, and sizes that
// 16 bits do not hold are ErrUnsupported.
func parseNIfTI2(b []byte) (f niftiHead, err error) {
	if len(b) < nifti2Lead {
		return f, malformed("NIfTI-2 header of %d bytes", len(b))
	}
	var bo binary.ByteOrder = binary.LittleEndian
	if f.big = bo.Uint32(b) != nifti.NII2HeaderSize; f.big {
		bo = binary.BigEndian
	}
	if string(b[8:12]) != "\r\n\x1a\n" {
		return f, malformed("NIfTI-2 magic %q", b[4:12])
	}
	f.pair = string(b[4:8]) == magic2Pair
	n := nifti.Nii1Header{SizeofHdr: nifti.NII1HeaderSize, Regular: 'r', Magic: [4]uint8{'n', '+', '1'}}
	if err := nifti2Fields(&n, b, bo); err != nil {
		return f, err
	}
	if f.header, err = niftiShape(&n); err != nil {
		return f, err
	}
	f.header.Affine = niftiAffine(&n)
	f.offset = int64(bo.Uint64(b[168:]))
	if f.offset < 0 || f.offset >= 1<<31 {
		return f, malformed("NIfTI-2 voxels at %d", f.offset)
	}
	if _, err := binary.Encode(f.head[:], binary.LittleEndian, &n); err != nil {
		return f, malformed("%v", err)
	}
	f.extended = b[540] != 0
	f.head[348] = b[540]
	lead := convertcore.MinLead
	if !f.pair {
		f.offset = max(f.offset, nifti2Lead)
		if f.extended {
			lead += int(f.offset) - nifti2Lead
		}
	}
	f.setLead(lead)
	return f, nil
}

// nifti2Fields copies the fields that both headers have.
func nifti2Fields(n *nifti.Nii1Header, b []byte, bo binary.ByteOrder) error {
	i32 := func(at int) int16 { return int16(int32(bo.Uint32(b[at:]))) }
	f64 := func(at int) float32 { return float32(math.Float64frombits(bo.Uint64(b[at:]))) }
	n.Datatype, n.Bitpix = int16(bo.Uint16(b[12:])), int16(bo.Uint16(b[14:]))
	for i := range n.Dim {
		d := int64(bo.Uint64(b[16+8*i:]))
		if d > math.MaxInt16 {
			return unsupported("NIfTI-2 of %d voxels along axis %d is beyond NIfTI-1", d, i)
		}
		n.Dim[i] = int16(max(d, -1))
		n.Pixdim[i] = f64(104 + 8*i)
	}
	n.IntentP1, n.IntentP2, n.IntentP3 = f64(80), f64(88), f64(96)
	n.SclSlope, n.SclInter, n.CalMax, n.CalMin = f64(176), f64(184), f64(192), f64(200)
	n.SliceDuration, n.Toffset = f64(208), f64(216)
	n.SliceStart, n.SliceEnd = int16(bo.Uint64(b[224:])), int16(bo.Uint64(b[232:]))
	n.QformCode, n.SformCode = i32(344), i32(348)
	n.QuaternB, n.QuaternC, n.QuaternD = f64(352), f64(360), f64(368)
	n.QoffsetX, n.QoffsetY, n.QoffsetZ = f64(376), f64(384), f64(392)
	for i, row := range []*[4]float32{&n.SrowX, &n.SrowY, &n.SrowZ} {
		for j := range row {
			row[j] = f64(400 + 32*i + 8*j)
		}
	}
	n.IntentCode = i32(504)

	n.SliceCode, n.XyztUnits, n.DimInfo = uint8(i32(496)), uint8(i32(500)), b[524]
	copy(n.Descrip[:], b[240:320])
	copy(n.AuxFile[:], b[320:344])
	copy(n.IntentName[:], b[508:524])
	return nil
}

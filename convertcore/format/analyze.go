package format

import (
	"encoding/binary"
	"math"

	"github.com/okieraised/gonii/pkg/nifti"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// analyzeWarning is kept with every image from an Analyze header.
const analyzeWarning = "Analyze 7.5 does not store an orientation: x runs to the left, as SPM and nibabel have it by convention"

// isAnalyze reports whether the header of a pair is Analyze 7.5, which has no
// magic where NIfTI-1 has its own.
func isAnalyze(head []byte) bool { return string(head[344:348]) == "\x00\x00\x00\x00" }

// parseAnalyze parses an Analyze 7.5 header as nibabel does (its
// Spm2AnalyzeImage): x runs to the left, SPM's origin where it is set, else the
// center of the volume; SPM's scale factor where it is finite and not 0.
func parseAnalyze(b []byte) (f niftiHead, err error) {
	if f.big, err = niftiOrder(b); err != nil {
		return f, err
	}
	var bo binary.ByteOrder = binary.LittleEndian
	if f.big {
		bo = binary.BigEndian
	}
	f32 := func(at int) float32 { return math.Float32frombits(bo.Uint32(b[at:])) }
	n := nifti.Nii1Header{SizeofHdr: nifti.NII1HeaderSize, Regular: 'r', SformCode: 2, SclSlope: 1}
	for i := range n.Dim {
		n.Dim[i], n.Pixdim[i] = int16(bo.Uint16(b[40+2*i:])), f32(76+4*i)
	}
	n.Pixdim[0] = 1
	n.Datatype, n.Bitpix = int16(bo.Uint16(b[70:])), int16(bo.Uint16(b[72:]))
	if int32(n.Datatype) > nifti.DT_RGB24 {
		return f, unsupported("Analyze datatype %d", n.Datatype)
	}
	if f.header, err = niftiShape(&n); err != nil {
		return f, err
	}
	if slope, inter := f32(112), f32(116); slope != 0 && finite(slope) {
		n.SclSlope = slope
		if finite(inter) {
			n.SclInter = inter
		}
	}
	analyzePlace(&n, f.header.Dims, b, bo)
	f.header.Affine = niftiAffine(&n)
	copy(n.Descrip[:], b[148:228])
	off := f32(108)
	if !(off >= 0 && off < 1<<31) {
		return f, malformed("Analyze voxels at %v", off)
	}
	f.offset, f.pair, f.warning = int64(off), true, analyzeWarning
	if _, err := binary.Encode(f.head[:], binary.LittleEndian, &n); err != nil {
		return f, malformed("%v", err)
	}
	f.setLead(convertcore.MinLead)
	return f, nil
}

func finite(v float32) bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }

// analyzePlace sets the sform by spacing and origin (1-based voxels, SPM99).
func analyzePlace(n *nifti.Nii1Header, dims [4]int, b []byte, bo binary.ByteOrder) {
	var origin [3]float64
	set, sensible := false, true
	for i := range origin {
		o := int(int16(bo.Uint16(b[253+2*i:])))
		set = set || o != 0
		sensible = sensible && o > -dims[i] && o < 2*dims[i]
		origin[i] = float64(o - 1)
	}
	a := geom.FromSpacing([3]float64{-float64(n.Pixdim[1]), float64(n.Pixdim[2]), float64(n.Pixdim[3])})
	for i, row := range []*[4]float32{&n.SrowX, &n.SrowY, &n.SrowZ} {
		if !set || !sensible {
			origin[i] = float64(dims[i]-1) / 2
		}
		row[i] = float32(a[i][i])
		row[3] = float32(-origin[i] * a[i][i])
	}
}

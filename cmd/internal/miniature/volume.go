package miniature

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
)

// number is how the numbers of a volume are stored.
type number struct {
	bits   int
	float  bool
	signed bool
	nifti  int16  // datatype of NIfTI-1
	meta   string // ElementType of MetaImage
	nrrd   string
	numpy  string
}

var numbers = []number{
	{8, false, false, 2, "MET_UCHAR", "unsigned char", "|u1"},
	{16, false, true, 4, "MET_SHORT", "short", "<i2"},
	{16, false, false, 512, "MET_USHORT", "ushort", "<u2"},
	{32, false, true, 8, "MET_INT", "int", "<i4"},
	{32, true, true, 16, "MET_FLOAT", "float", "<f4"},
}

// numberFor is the first type that holds all samples.
func numberFor(pics []*Picture) number {
	lo, hi := 0.0, 0.0
	for _, p := range pics {
		if p.Float || slices.ContainsFunc(p.Px, func(v float64) bool { return v != math.Trunc(v) }) {
			return numbers[4]
		}
		lo, hi = min(lo, slices.Min(p.Px)), max(hi, slices.Max(p.Px))
	}
	switch {
	case lo >= 0 && hi <= 255:
		return numbers[0]
	case lo >= -32768 && hi <= 32767:
		return numbers[1]
	case lo >= 0 && hi <= 65535:
		return numbers[2]
	}
	return numbers[3]
}

func (n number) append(out []byte, v float64) []byte {
	le := binary.LittleEndian
	switch {
	case n.float:
		return le.AppendUint32(out, math.Float32bits(float32(v)))
	case n.bits == 8:
		return append(out, uint8(v))
	case n.bits == 16:
		return le.AppendUint16(out, uint16(int32(v)))
	}
	return le.AppendUint32(out, uint32(int64(v)))
}

// encodeVolume writes a file of voxels, and beside an .mhd its voxels.
func (b *builder) encodeVolume(out map[string][]byte, name, format string, pieces []piece) error {
	var pics []*Picture
	for _, p := range pieces {
		if p.rd.Crop != nil || p.array != "" || p.pic.C != 1 {
			return cannot("a part of a volume as %s", format)
		}
		k := 0
		if p.rd.Plane != nil {
			k = *p.rd.Plane
		} else if len(pieces) > 1 {
			return cannot("several parts of %s without planes", format)
		}
		for len(pics) <= k {
			pics = append(pics, nil)
		}
		pics[k] = p.pic
	}
	for i := range pics {
		if pics[i] == nil {
			pics[i] = pieces[0].pic.like(1)
		}
	}
	n := numberFor(pics)
	var data []byte
	for _, p := range pics {
		for _, v := range p.Px {
			data = n.append(data, v)
		}
	}
	var err error
	switch p := pics[0]; format {
	case ".nii", ".nii.gz", ".nifti":
		out[name] = niftiBytes(p, len(pics), n, data)
		if format == ".nii.gz" {
			out[name], err = zipped(out[name])
		}
	case ".mha", ".mhd":
		if len(pics) > 1 {
			return cannot("planes of %s", format)
		}
		file := "LOCAL"
		if format == ".mhd" {
			file = strings.TrimSuffix(path.Base(name), path.Ext(name)) + ".raw"
			out[strings.TrimSuffix(name, path.Ext(name))+".raw"] = data
			data = nil
		}
		out[name] = append(metaHead(p, n, file), data...)
	case ".nrrd":
		if len(pics) > 1 {
			return cannot("planes of %s", format)
		}
		out[name], err = nrrdBytes(p, n, data)
	default:
		return cannot("%s", format)
	}
	return err
}

func zipped(data []byte) ([]byte, error) {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	err := z.Close()
	return buf.Bytes(), err
}

// niftiBytes writes NIfTI-1 with an sform.
func niftiBytes(p *Picture, planes int, n number, data []byte) []byte {
	h := make([]byte, 352)
	le := binary.LittleEndian
	le.PutUint32(h, 348)
	dims := []int{3, p.W, p.H, p.D, planes, 1, 1, 1}
	switch {
	case planes > 1:
		dims[0] = 4
	case p.D == 1:
		dims[0] = 2
	}
	for i, d := range dims {
		le.PutUint16(h[40+2*i:], uint16(d))
	}
	le.PutUint16(h[70:], uint16(n.nifti))
	le.PutUint16(h[72:], uint16(n.bits))
	f32 := func(at int, v float64) { le.PutUint32(h[at:], math.Float32bits(float32(v))) }
	f32(76, 1)
	for i, s := range p.Spacing {
		f32(80+4*i, s)
	}
	f32(108, 352)
	f32(112, 1)
	h[123] = 2 // mm
	le.PutUint16(h[254:], 1)
	for i := range 3 {
		f32(280+16*i+4*i, p.Spacing[i])
		f32(280+16*i+12, p.Origin[i])
	}
	copy(h[344:], "n+1\x00")
	return append(h, data...)
}

// lps turns a RAS position or direction round.
func lps(v [3]float64) [3]float64 { return [3]float64{-v[0], -v[1], v[2]} }

func metaHead(p *Picture, n number, file string) []byte {
	o := lps(p.Origin)
	dims, spacing, matrix, offset := fmt.Sprint(p.W, p.H, p.D), fmt.Sprint(p.Spacing[0], p.Spacing[1], p.Spacing[2]), "-1 0 0 0 -1 0 0 0 1", fmt.Sprint(o[0], o[1], o[2])
	return fmt.Appendf(nil, "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"+
		"TransformMatrix = %s\nOffset = %s\nElementSpacing = %s\nDimSize = %s\nElementType = %s\nElementDataFile = %s\n", matrix, offset, spacing, dims, n.meta, file)
}

func nrrdBytes(p *Picture, n number, data []byte) ([]byte, error) {
	o := lps(p.Origin)
	head := fmt.Sprintf("NRRD0004\ntype: %s\ndimension: 3\nspace: left-posterior-superior\nsizes: %d %d %d\n"+
		"space directions: (%g,0,0) (0,%g,0) (0,0,%g)\nkinds: domain domain domain\nendian: little\nencoding: gzip\nspace origin: (%g,%g,%g)\n\n",
		n.nrrd, p.W, p.H, p.D, -p.Spacing[0], -p.Spacing[1], p.Spacing[2], o[0], o[1], o[2])
	z, err := zipped(data)
	return append([]byte(head), z...), err
}

package format

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/hdf5"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// MATLAB's .mat of version 4, 5 (which MATLAB names v6 and, compressed, v7) and
// 7.3, which is HDF5 ("MAT-File Format", The MathWorks). Numeric and logical
// arrays are read, also in structures and cells; they have the class that
// MATLAB shows, whatever they are stored as. Complex and sparse ones, text and
// objects are convertcore.ErrUnsupported.
func init() {
	Register(convertcore.Format{
		Name: "mat",
		Match: func(path string, head []byte) bool {
			if len(head) == 0 {
				return hasExt(filePath(path), ".mat")
			}
			return strings.HasPrefix(string(head), "MATLAB 5.0 MAT-file") || strings.HasPrefix(string(head), "MATLAB 7.3 MAT-file")
		},
		Header: func(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Header, error) {
			return arrayFile(ctx, raw, paths, matArray, func(a *fileArray) (convertcore.Header, error) { return a.header, nil })
		},
		Decode: func(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Image, error) {
			return arrayFile(ctx, raw, paths, matArray, func(a *fileArray) (convertcore.Image, error) { return a.decode(ctx) })
		},
	})
	shapers["mat"] = func(ctx context.Context, raw convertcore.Raw, address Array) ([]int64, error) {
		return arrayShape(ctx, raw, address, matArray)
	}
}

// matHead is the length of the header of version 5.
const matHead = 128

func matArray(ctx context.Context, b blob.Blob, address Array) (*fileArray, []int64, error) {
	head := make([]byte, max(0, min(b.Size(), 520)))
	if err := readFull(b, head, 0); err != nil {
		return nil, nil, err
	}
	for _, at := range []int{0, 512} {
		if len(head) >= at+8 && string(head[at:at+8]) == hdf5.Signature {
			if !hasExt(address.Path, ".mat") {
				address.Path += ".mat" // by its content: MATLAB's axes
			}
			return hdf5Array(ctx, b, address)
		}
	}
	if len(head) >= 20 && bytes.IndexByte(head[:4], 0) >= 0 {
		return mat4Array(ctx, b, address)
	}
	if len(head) < matHead {
		return nil, nil, malformed("MATLAB file of %d bytes", len(head))
	}
	m := &mat5{ctx: ctx, blob: b}
	switch string(head[126:128]) {
	case "IM":
	case "MI":
		m.big = true
	default:
		return nil, nil, malformed("MATLAB file with byte order %q", head[126:128])
	}
	if v := m.order().Uint16(head[124:]); v != 0x100 {
		return nil, nil, unsupported("MATLAB file of version %#x", v)
	}
	found, err := m.find(address.Name)
	if err != nil {
		return nil, nil, err
	}
	return m.array(found, address)
}

// matClass are the samples of MATLAB's numeric classes, from mxDOUBLE_CLASS on.
var matClass = map[byte]sample{
	6: {bits: 64, float: true}, 7: {bits: 32, float: true},
	8: {bits: 8, signed: true}, 9: {bits: 8}, 10: {bits: 16, signed: true}, 11: {bits: 16},
	12: {bits: 32, signed: true}, 13: {bits: 32}, 14: {bits: 64, signed: true}, 15: {bits: 64},
}

// matTypes are the types that numbers are stored as, from miINT8 on.
var matTypes = map[uint32]sample{
	1: {bits: 8, signed: true}, 2: {bits: 8}, 3: {bits: 16, signed: true}, 4: {bits: 16}, 5: {bits: 32, signed: true}, 6: {bits: 32},
	7: {bits: 32, float: true}, 9: {bits: 64, float: true}, 12: {bits: 64, signed: true}, 13: {bits: 64},
}

// array is the array that a matrix, of which m stands at the samples, holds.
func (m *mat5) array(x *matrix, address Array) (*fileArray, []int64, error) {
	class, ok := matClass[x.class]
	switch {
	case !ok && x.class == 5:
		return nil, nil, unsupported("sparse matrix of MATLAB")
	case !ok:
		return nil, nil, unsupported("%s of MATLAB as an image", matNames[x.class])
	case x.complex:
		return nil, nil, unsupported("complex numbers of MATLAB")
	case x.logical:
		class = sample{bits: 8}
	}
	tag, err := m.tag()
	if err != nil {
		return nil, nil, err
	}
	stored, ok := matTypes[tag.typ]
	if !ok {
		return nil, nil, malformed("MATLAB samples of type %d", tag.typ)
	}
	array, err := newNDArray(class, false, x.dims, true)
	if err != nil {
		return nil, nil, err
	}
	array.matlab = true
	total := int64(1)
	for _, n := range x.dims {
		total *= n // bounded by newNDArray
	}
	elem := int64(stored.elem())
	if tag.n != total*elem {
		return nil, nil, malformed("MATLAB array of %v in %d bytes", x.dims, tag.n)
	}
	if left := m.have(); tag.small == nil && (tag.n > left && m.z == nil || tag.n/maxInflate > left) {
		return nil, nil, malformed("MATLAB array of %d bytes in %d", tag.n, left)
	}
	a := &fileArray{array: array}
	a.header, a.layout, err = arrayHeader(array, address)
	if err != nil {
		return nil, x.dims, err
	}
	a.read = func(ctx context.Context) ([]byte, error) {
		off, n := array.span()
		first, count := off/int64(class.elem()), n/int64(class.elem())
		b, err := m.samples(ctx, tag, first*elem, count*elem)
		if err != nil {
			return nil, err
		}
		if first+count == total && tag.small == nil {
			if err := m.drain(); err != nil {
				return nil, err
			}
		}
		return convertMAT(b, stored, m.big, class, x.logical)
	}
	return a, x.dims, nil
}

// samples returns n bytes that begin at off of an element's.
func (m *mat5) samples(ctx context.Context, tag matTag, off, n int64) ([]byte, error) {
	if tag.small != nil {
		return bytes.Clone(tag.small[off : off+n]), nil
	}
	if err := m.skip(off); err != nil {
		return nil, err
	}
	b, err := readPayload(ctx, m.reader(), n, m.have())
	if err != nil {
		return nil, m.fault(err)
	}
	return b, nil
}

// mat4Array finds an array in a file of version 4: matrices one after another,
// each of a header of five numbers, its name and its columns.
func mat4Array(ctx context.Context, b blob.Blob, address Array) (*fileArray, []int64, error) {
	types := []sample{{bits: 64, float: true}, {bits: 32, float: true}, {bits: 32, signed: true}, {bits: 16, signed: true}, {bits: 16}, {bits: 8}}
	var a *fileArray
	var shape []int64
	var names []string
	for at := int64(0); at < b.Size(); {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		h, err := parseMAT4(b, at)
		if err != nil {
			return nil, nil, err
		}
		precision := h.kind / 10 % 10
		if h.kind/100%10 != 0 || precision > 5 || h.kind%10 > 2 || h.kind >= 2000 {
			return nil, nil, malformed("MATLAB matrix of type %d", h.kind)
		}
		typ := types[precision]
		from := at + 20 + h.name
		if h.rows > 1<<31 || h.cols > 1<<31 || h.rows*max(h.cols, 1) > (1<<40) {
			return nil, nil, malformed("MATLAB matrix of %d×%d", h.rows, h.cols)
		}
		n := h.rows * h.cols * int64(typ.elem())
		size := n * (1 + h.imaginary)
		if size > b.Size()-from {
			return nil, nil, malformed("MATLAB matrix of %d bytes in %d", size, b.Size()-from)
		}
		at = from + size
		if address.Name != "" && address.Name != h.text || address.Name == "" && h.kind%10 == 1 {
			names = append(names, h.text)
			continue
		}
		if names = append(names, h.text); a != nil {
			return nil, nil, malformed("several arrays, of which the raw path chooses none: %.200q", names)
		}
		switch {
		case h.kind%10 == 2:
			return nil, nil, unsupported("sparse matrix of MATLAB")
		case h.kind%10 == 1:
			return nil, nil, unsupported("text of MATLAB as an image")
		case h.imaginary != 0:
			return nil, nil, unsupported("complex numbers of MATLAB")
		}
		shape = []int64{h.rows, h.cols}
		array, err := newNDArray(typ, h.kind >= 1000, shape, true)
		if err != nil {
			return nil, shape, err
		}
		array.matlab = true
		a = &fileArray{array: array}
		if a.header, a.layout, err = arrayHeader(array, address); err != nil {
			return nil, shape, err
		}
		a.read = func(ctx context.Context) ([]byte, error) {
			off, n := array.span()
			src := &source{r: io.NewSectionReader(b, from+off, n)}
			out, err := readPayload(ctx, src, n, n)
			if err != nil {
				return nil, src.fault(err)
			}
			return out, nil
		}
		if address.Name != "" {
			break
		}
	}
	if a == nil {
		return nil, nil, malformed("no array %q among %.200q", address.Name, names)
	}
	return a, shape, nil
}

type mat4Head struct {
	kind                        int64 // 1000·(big-endian) + 10·precision + text or sparse
	rows, cols, imaginary, name int64
	text                        string
}

func parseMAT4(b blob.Blob, at int64) (h mat4Head, err error) {
	var head [20]byte
	if err := readFull(b, head[:], at); err != nil {
		return h, err
	}
	m := mat5{big: head[0] == 0 && (head[2] != 0 || head[3] != 0)}
	u := func(i int) int64 { return int64(m.order().Uint32(head[4*i:])) }
	h = mat4Head{kind: u(0), rows: u(1), cols: u(2), imaginary: u(3), name: u(4)}
	if h.imaginary > 1 || h.name < 2 || h.name > 1<<10 || m.big != (h.kind >= 1000) {
		return h, malformed("MATLAB matrix of type %d with a name of %d bytes", h.kind, h.name)
	}
	name := make([]byte, h.name)
	if err := readFull(b, name, at+20); err != nil {
		return h, err
	}
	h.text, _, _ = strings.Cut(string(name), "\x00")
	return h, nil
}

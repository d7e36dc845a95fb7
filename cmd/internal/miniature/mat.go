package miniature

import (
	"encoding/binary"
	"slices"
	"strings"
)

// matBytes writes a MAT-file of level 5, not compressed: variables, and structs
// of one level where an address is "struct/field".
func matBytes(pieces []piece) ([]byte, error) {
	out := make([]byte, 128)
	copy(out, "MATLAB 5.0 MAT-file, miniature")
	binary.LittleEndian.PutUint16(out[124:], 0x0100)
	copy(out[126:], "IM")
	structs := map[string][]piece{}
	var order []string
	for _, p := range pieces {
		name, _, _ := strings.Cut(p.array, "/")
		if name == "" || strings.Count(p.array, "/") > 1 || strings.Contains(p.array, "[") {
			return nil, cannot("the address %q in a .mat", p.array)
		}
		if !slices.Contains(order, name) {
			order = append(order, name)
		}
		structs[name] = append(structs[name], p)
	}
	for _, name := range order {
		list := structs[name]
		if list[0].array == name {
			out = append(out, matArray(name, list[0].pic)...)
			continue
		}
		body := matElement(6, []byte{2, 0, 0, 0, 0, 0, 0, 0}) // array flags: a struct
		body = append(body, matElement(5, le32(1, 1))...)
		body = append(body, matElement(1, []byte(name))...)
		body = append(body, matElement(5, le32(32))...)
		fields := make([]byte, 32*len(list))
		for i, p := range list {
			copy(fields[32*i:], strings.TrimPrefix(p.array, name+"/"))
		}
		body = append(body, matElement(1, fields)...)
		for _, p := range list {
			body = append(body, matArray("", p.pic)...)
		}
		out = append(out, matElement(14, body)...)
	}
	return out, nil
}

func le32(values ...int) (out []byte) {
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, uint32(v))
	}
	return out
}

// matElement is a data element, padded to 8 bytes.
func matElement(kind int, data []byte) []byte {
	out := append(le32(kind, len(data)), data...)
	for len(out)%8 != 0 {
		out = append(out, 0)
	}
	return out
}

// matArray is a numeric array: rows are y, columns x, stored column after
// column.
func matArray(name string, p *Picture) []byte {
	n := numberFor([]*Picture{p})
	class := map[string]byte{"|u1": 9, "<i2": 10, "<u2": 11, "<i4": 12, "<f4": 7}[n.numpy]
	kind := map[string]int{"|u1": 2, "<i2": 3, "<u2": 4, "<i4": 5, "<f4": 7}[n.numpy]
	body := matElement(6, []byte{class, 0, 0, 0, 0, 0, 0, 0})
	dims := []int{p.H, p.W}
	if p.D > 1 {
		dims = append(dims, p.D)
	}
	body = append(body, matElement(5, le32(dims...))...)
	body = append(body, matElement(1, []byte(name))...)
	var data []byte
	for z := range p.D {
		for x := range p.W {
			for y := range p.H {
				data = n.append(data, p.Px[(z*p.H+y)*p.W+x])
			}
		}
	}
	body = append(body, matElement(kind, data)...)
	return matElement(14, body)
}

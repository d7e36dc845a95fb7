package miniature

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
)

// encodeObject writes an .npy that holds one pickled dict of arrays, as
// numpy.save writes it: array is the way through the dicts, "structures/liver".
// The opcodes are those of pickletools, protocol 3.
func encodeObject(pieces []piece) ([]byte, error) {
	root := map[string]any{}
	for _, p := range pieces {
		if p.pic.D > 1 || p.pic.C > 1 || p.rd.Crop != nil || p.array == "" {
			return nil, cannot("a part of an array in a pickle")
		}
		dict, keys := root, strings.Split(p.array, "/")
		for _, key := range keys[:len(keys)-1] {
			next, ok := dict[key].(map[string]any)
			if !ok {
				next = map[string]any{}
				dict[key] = next
			}
			dict = next
		}
		dict[keys[len(keys)-1]] = p.pic
	}
	var buf bytes.Buffer
	buf.Write(npyHead(number{numpy: "|O"}, ""))
	buf.WriteString("\x80\x03")
	pickleArray(&buf, nil, "O8", "|", 63, func() {
		buf.WriteString("](") // a list of the one object
		pickleDict(&buf, root)
		buf.WriteByte('e')
	})
	buf.WriteByte('.')
	return buf.Bytes(), nil
}

// pickleDict writes a dict of dicts and pictures.
func pickleDict(buf *bytes.Buffer, dict map[string]any) {
	buf.WriteString("}(")
	for _, key := range slices.Sorted(maps.Keys(dict)) {
		pickleText(buf, key)
		pic, ok := dict[key].(*Picture)
		if !ok {
			pickleDict(buf, dict[key].(map[string]any))
			continue
		}
		n := numberFor([]*Picture{pic})
		pickleArray(buf, []int{pic.H, pic.W}, n.numpy[1:], n.numpy[:1], 0, func() {
			var data []byte
			for _, v := range pic.Px {
				data = n.append(data, v)
			}
			buf.WriteByte('B')
			buf.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(data))))
			buf.Write(data)
		})
	}
	buf.WriteByte('u')
}

// pickleArray writes the call that makes an empty array and the state that
// fills it: version, shape, dtype, order of the axes, samples. The flags of a
// dtype of objects are 63 in numpy.
func pickleArray(buf *bytes.Buffer, shape []int, dtype, order string, flags byte, samples func()) {
	buf.WriteString("cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01(")
	for _, n := range shape {
		buf.WriteByte('J')
		buf.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
	}
	buf.WriteString("tcnumpy\ndtype\n")
	pickleText(buf, dtype)
	buf.WriteString("\x89\x88\x87R(K\x03")
	pickleText(buf, order)
	buf.WriteString("NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK")
	buf.WriteByte(flags)
	buf.WriteString("tb\x89")
	samples()
	buf.WriteString("tb")
}

func pickleText(buf *bytes.Buffer, text string) {
	buf.WriteByte('X')
	buf.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(text))))
	buf.WriteString(text)
}

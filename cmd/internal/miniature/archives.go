package miniature

import (
	"encoding/binary"
	"hash/crc32"
	"maps"
	"slices"
	"unicode/utf16"
)

// sevenZip writes a .7z of files that are stored one behind the other, after
// 7zFormat.txt.
func sevenZip(members map[string][]byte) []byte {
	le := binary.LittleEndian
	names := slices.Sorted(maps.Keys(members))
	var data, utf []byte
	for _, n := range names {
		data = append(data, members[n]...)
		for _, u := range append(utf16.Encode([]rune(n)), 0) {
			utf = le.AppendUint16(utf, u)
		}
	}
	h := []byte{0x01, 0x04, 0x06}
	h = append(h, sevenNumber(0)...)
	h = append(h, 0x01, 0x09)
	h = append(h, sevenNumber(uint64(len(data)))...)
	h = append(h, 0x00, 0x07, 0x0b, 0x01, 0x00, 0x01, 0x01, 0x00, 0x0c) // one folder, one coder: copy
	h = append(h, sevenNumber(uint64(len(data)))...)
	h = append(h, 0x00, 0x08, 0x0d)
	h = append(h, sevenNumber(uint64(len(names)))...)
	h = append(h, 0x09)
	for _, n := range names[:len(names)-1] { // the last is what is left
		h = append(h, sevenNumber(uint64(len(members[n])))...)
	}
	h = append(h, 0x0a, 0x01)
	for _, n := range names {
		h = le.AppendUint32(h, crc32.ChecksumIEEE(members[n]))
	}
	h = append(h, 0x00, 0x00, 0x05)
	h = append(h, sevenNumber(uint64(len(names)))...)
	h = append(h, 0x11)
	h = append(h, sevenNumber(uint64(len(utf)+1))...)
	h = append(h, 0x00)
	h = append(h, utf...)
	h = append(h, 0x00, 0x00)
	start := le.AppendUint64(nil, uint64(len(data)))
	start = le.AppendUint64(start, uint64(len(h)))
	start = le.AppendUint32(start, crc32.ChecksumIEEE(h))
	out := append([]byte("7z\xbc\xaf\x27\x1c"), 0, 4)
	out = le.AppendUint32(out, crc32.ChecksumIEEE(start))
	return append(append(append(out, start...), data...), h...)
}

// sevenNumber is a number whose first byte says how many follow.
func sevenNumber(v uint64) []byte {
	first, mask := byte(0), byte(0x80)
	var rest []byte
	for range 8 {
		if v < uint64(mask) {
			return append([]byte{first | byte(v)}, rest...)
		}
		rest = append(rest, byte(v))
		v >>= 8
		first |= mask
		mask >>= 1
	}
	return append([]byte{0xff}, rest...)
}

// rar5 writes a .rar of stored files, after the technical note of RAR 5.0.
func rar5(members map[string][]byte) []byte {
	out := []byte("Rar!\x1a\x07\x01\x00")
	block := func(fields ...uint64) []byte {
		var b []byte
		for _, f := range fields {
			b = binary.AppendUvarint(b, f)
		}
		return b
	}
	header := func(body []byte) {
		sized := append(binary.AppendUvarint(nil, uint64(len(body))), body...)
		out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(sized))
		out = append(out, sized...)
	}
	header(block(1, 0, 0)) // main: type, flags, archive flags
	for _, n := range slices.Sorted(maps.Keys(members)) {
		data := members[n]
		// type 2, a data area; its size; file flags: CRC-32; unpacked size; attributes
		b := block(2, 2, uint64(len(data)), 4, uint64(len(data)), 0o100644)
		b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(data))
		b = append(b, block(0, 1, uint64(len(n)))...) // stored; Unix; name
		header(append(b, n...))
		out = append(out, data...)
	}
	header(block(5, 0, 0))
	return out
}

package archive

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// An index is kept as zstd over: version, the archive's size, the end of the
// members, their number, hasCRC, the warnings as JSON, then for each member in
// the order of names the length of the prefix that it shares with the one
// before, the rest of the name, and its fields; all numbers as varints.

const (
	indexVersion = 1
	partSize     = 1 << 20 // a fact of many megabytes would not fit into a transaction
	maxIndex     = 2 << 30
)

func (x *index) encode(size, end int64) ([]byte, error) {
	warn, err := json.Marshal(x.warn.list())
	if err != nil {
		return nil, err
	}
	b := binary.AppendUvarint(nil, indexVersion)
	b = binary.AppendUvarint(b, uint64(size))
	b = binary.AppendUvarint(b, uint64(end))
	b = binary.AppendUvarint(b, uint64(len(x.members)))
	b = append(b, btoi(x.hasCRC))
	b = binary.AppendUvarint(b, uint64(len(warn)))
	b = append(b, warn...)
	prev, at := "", int64(0)
	for i := range x.members {
		m := &x.members[i]
		name := x.name(i)
		n := common(prev, name)
		b = binary.AppendUvarint(b, uint64(n))
		b = binary.AppendUvarint(b, uint64(len(name)-n))
		b = append(b, name[n:]...)
		b = binary.AppendVarint(b, m.off-at)
		b = binary.AppendUvarint(b, uint64(m.csize))
		b = binary.AppendVarint(b, m.size-m.csize)
		b = binary.LittleEndian.AppendUint32(b, m.crc)
		b = binary.AppendUvarint(b, uint64(m.head))
		b = binary.AppendUvarint(b, uint64(m.meth))
		b = binary.AppendUvarint(b, uint64(m.flags))
		b = binary.AppendVarint(b, m.limit-m.off)
		prev, at = name, m.off
	}
	return squeeze(b)
}

func squeeze(b []byte) ([]byte, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer enc.Close()
	return enc.EncodeAll(b, nil), nil
}

// unsqueeze returns at most limit bytes.
func unsqueeze(b []byte, limit uint64) ([]byte, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(limit))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	raw, err := dec.DecodeAll(b, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errIndex, err)
	}
	return raw, nil
}

func btoi(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

var errIndex = errors.New("index not usable")

// indexReader reads varints; after the first failure all reads give zero.
type indexReader struct {
	b   []byte
	bad bool
}

func (r *indexReader) uint(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > limit {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *indexReader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *indexReader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

// decodeIndex reads what encode wrote for an archive of the given size.
func decodeIndex(data []byte, size int64) (*index, error) {
	raw, err := unsqueeze(data, maxIndex)
	if err != nil {
		return nil, err
	}
	r := &indexReader{b: raw}
	const top = 1 << 62
	if r.uint(top) != indexVersion || r.uint(top) != uint64(size) {
		return nil, errIndex
	}
	end := int64(r.uint(top)) // of an unpacked stream it is beyond size
	count := r.uint(uint64(len(raw)))
	x := &index{members: make([]member, 0, min(count, uint64(len(raw)/12)))}
	if c := r.take(1); !r.bad {
		x.hasCRC = c[0] == 1
	}
	if err := json.Unmarshal(r.take(r.uint(1<<20)), &x.warn.lines); err != nil {
		return nil, errIndex
	}
	var arena strings.Builder
	var prev []byte
	at := int64(0)
	for range count {
		n := r.uint(uint64(len(prev)))
		suffix := r.take(r.uint(maxName))
		before := string(prev)
		prev = append(prev[:n], suffix...)
		if r.bad || len(prev) > maxName || string(prev) <= before || arena.Len()+len(prev) > 1<<31 {
			return nil, errIndex
		}
		m := r.member(at)
		m.name, m.nlen = uint32(arena.Len()), uint16(len(prev))
		if r.bad || m.off < 0 || m.size < 0 || m.limit > end {
			return nil, errIndex
		}
		arena.Write(prev)
		x.members = append(x.members, m)
		at = m.off
	}
	x.arena = arena.String()
	return x, nil
}

func (r *indexReader) member(at int64) member {
	var m member
	const top = 1 << 62
	m.off = at + r.int()
	m.csize = int64(r.uint(top))
	m.size = m.csize + r.int()
	if c := r.take(4); !r.bad {
		m.crc = binary.LittleEndian.Uint32(c)
	}
	m.head = uint16(r.uint(1<<16 - 1))
	m.meth = uint16(r.uint(1<<16 - 1))
	m.flags = uint16(r.uint(1<<16 - 1))
	m.limit = m.off + r.int()
	return m
}

// load returns the index that is kept under key, if there is a good one.
func load(facts blob.Facts, key string, size int64) (*index, bool) {
	data, ok := loadParts(facts, key)
	if !ok {
		return nil, false
	}
	x, err := decodeIndex(data, size)
	return x, err == nil
}

// save keeps the index. Without a key it does nothing.
func (x *index) save(facts blob.Facts, key string, size, end int64) error {
	if key == "" {
		return nil
	}
	data, err := x.encode(size, end)
	if err != nil {
		return err
	}
	return saveParts(facts, key, data)
}

func loadParts(facts blob.Facts, key string) ([]byte, bool) {
	if key == "" {
		return nil, false
	}
	head, ok := facts.Get(key)
	if !ok || len(head) != 4 {
		return nil, false
	}
	parts := binary.LittleEndian.Uint32(head)
	if parts > maxIndex/partSize {
		return nil, false
	}
	var data []byte
	for i := range parts {
		p, ok := facts.Get(fmt.Sprintf("%s#%d", key, i))
		if !ok {
			return nil, false
		}
		data = append(data, p...)
	}
	return data, true
}

// saveParts keeps data in parts. The head is written last: without it there is
// nothing.
func saveParts(facts blob.Facts, key string, data []byte) error {
	parts := uint32(0)
	for len(data) > 0 {
		n := min(len(data), partSize)
		if err := facts.Set(fmt.Sprintf("%s#%d", key, parts), data[:n]); err != nil {
			return err
		}
		data = data[n:]
		parts++
	}
	return facts.Set(key, binary.LittleEndian.AppendUint32(nil, parts))
}

package cache

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// Key names a payload: a hash of the recipe, the converter's version, the case
// and the part.
type Key [32]byte

// record is what is kept of one payload beside its chunks. Writing it is the
// commit: chunks that no record names are not there.
type record struct {
	size   int64  // decoded bytes
	chunk  int    // decoded bytes a chunk; the last may be shorter
	serial uint64 // names the chunks
	layout Layout
	stored int64  // encoded bytes, for statistics
	meta   []byte // the caller's
	inline []byte // the only chunk, where it is small; otherwise empty
}

const (
	recordHead = 64
	maxMeta    = 1 << 20
	maxSize    = 1 << 46
	// inlineChunk is the encoded size up to which a payload of one chunk lies
	// within its record: one read and one write fewer for masks and tiny images.
	inlineChunk = 8 << 10
)

var errRecord = errors.New("payload record is damaged")

// chunks returns how many chunks the payload has.
func (r *record) chunks() int { return int((r.size + int64(r.chunk) - 1) / int64(r.chunk)) }

// length returns the decoded length of chunk i.
func (r *record) length(i int) int {
	return int(min(int64(r.chunk), r.size-int64(i)*int64(r.chunk)))
}

// marshal writes the record:
//
//	0 size  8 stored  16 serial  24 chunk  28 row  32 channels  36 elem
//	40 length of meta  44 length of inline  48 zero  56 xxhash64 of all else and the key
//	64 meta, inline
func (r *record) marshal(k Key) []byte {
	b := make([]byte, recordHead, recordHead+len(r.meta)+len(r.inline))
	le := binary.LittleEndian
	le.PutUint64(b[0:], uint64(r.size))
	le.PutUint64(b[8:], uint64(r.stored))
	le.PutUint64(b[16:], r.serial)
	le.PutUint32(b[24:], uint32(r.chunk))
	le.PutUint32(b[28:], uint32(r.layout.Row))
	le.PutUint32(b[32:], uint32(r.layout.Channels))
	le.PutUint32(b[36:], uint32(r.layout.Elem))
	le.PutUint32(b[40:], uint32(len(r.meta)))
	le.PutUint32(b[44:], uint32(len(r.inline)))
	b = append(append(b, r.meta...), r.inline...)
	le.PutUint64(b[56:], recordSum(b, k))
	return b
}

func recordSum(b []byte, k Key) uint64 {
	var d xxhash.Digest
	d.ResetWithSeed(format)
	d.Write(k[:])
	d.Write(b[:56])
	d.Write(b[recordHead:])
	return d.Sum64()
}

// parseRecord checks b and returns the record; it keeps no reference to b.
func parseRecord(b []byte, k Key) (*record, error) {
	le := binary.LittleEndian
	if len(b) < recordHead || le.Uint64(b[56:]) != recordSum(b, k) {
		return nil, errRecord
	}
	r := &record{
		size:   int64(le.Uint64(b[0:])),
		stored: int64(le.Uint64(b[8:])),
		serial: le.Uint64(b[16:]),
		chunk:  int(le.Uint32(b[24:])),
		layout: Layout{int(le.Uint32(b[28:])), int(le.Uint32(b[36:])), int(le.Uint32(b[32:]))},
	}
	meta, inline := int(le.Uint32(b[40:])), int(le.Uint32(b[44:]))
	if r.size < 0 || r.size > maxSize || r.chunk <= 0 || r.chunk > maxChunk || r.stored < 0 {
		return nil, fmt.Errorf("%w: impossible size", errRecord)
	}
	if meta > maxMeta || inline > inlineChunk || recordHead+meta+inline != len(b) {
		return nil, fmt.Errorf("%w: impossible length", errRecord)
	}
	if inline > 0 && r.chunks() != 1 {
		return nil, fmt.Errorf("%w: inline chunk of many", errRecord)
	}
	r.meta = append([]byte(nil), b[recordHead:recordHead+meta]...)
	r.inline = append([]byte(nil), b[recordHead+meta:]...)
	return r, nil
}

// recordKey and chunkKey are the keys in a generation.
func recordKey(k Key) []byte { return append([]byte{'r'}, k[:]...) }

func chunkKey(serial uint64, i int) []byte {
	b := make([]byte, 13)
	b[0] = 'c'
	binary.BigEndian.PutUint64(b[1:], serial)
	binary.BigEndian.PutUint32(b[9:], uint32(i))
	return b
}

// seed is what a chunk's checksum starts from.
func seed(serial uint64, i int) uint64 { return serial + uint64(i)*0x9e3779b97f4a7c15 }

package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"
)

// Layout says how a payload's bytes lie, so that neighbouring samples can be
// told apart: Row bytes a row, Elem bytes a sample (1, 2, 4 or 8), Channels
// interleaved samples a pixel (0 means 1). The zero Layout is plain bytes.
type Layout struct{ Row, Elem, Channels int }

const (
	// chunkTarget is the decoded size of a chunk before it is cut down to whole
	// rows: 256 KiB is where Badger's value log reads fastest and a 512×512 gray
	// image is one chunk.
	chunkTarget = 256 << 10
	// maxRow is the longest row that a chunk is aligned to; longer ones are cut
	// as plain bytes.
	maxRow   = 1 << 20
	maxChunk = maxRow
	// payoff is the share of the plain size from which storing raw is better
	// than decoding: 2 % of the disk is not worth the time.
	payoff = 0.98

	chunkHeader = 24
)

// errChunk is any way in which an encoded chunk is not what was written.
var errChunk = errors.New("chunk does not match its checksum or header")

// normal returns the layout with what cannot be used taken out, and the bytes
// of one chunk.
func (l Layout) normal() (Layout, int) {
	if l.Channels < 1 {
		l.Channels = 1
	}
	pixel := l.Elem * l.Channels
	switch l.Elem {
	case 1, 2, 4, 8:
	default:
		return Layout{}, chunkTarget
	}
	if l.Row <= 0 || l.Row > maxRow || l.Channels > 16 || l.Row%pixel != 0 {
		return Layout{}, chunkTarget
	}
	return l, max(1, chunkTarget/l.Row) * l.Row
}

// A chunk is a 24-byte header and its planes:
//
//	0  split: how the bytes are divided into planes
//	1  elem   2 channels   3 zero
//	4  row, bytes          8  decoded bytes    12 zero
//	16 xxhash64 of the header before it, the planes and the seed
//
// All integers are little endian. The seed is the chunk's own name, so that a
// sound chunk in the wrong place is damage too.
type chunkHead struct {
	split  split
	layout Layout
	size   int
}

var (
	encoders = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil,
			zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithAllLitEntropyCompression(true),
			zstd.WithEncoderCRC(false),
			zstd.WithSingleSegment(true),
			zstd.WithWindowSize(512<<10),
			zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)))
		if err != nil {
			panic(err) // constant options
		}
		return e
	})
	decoders = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(0),
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(4<<20),
			zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			panic(err) // constant options
		}
		return d
	})
)

// encodeChunk appends the encoded form of src to dst. src holds whole rows of
// l, save that the last row of a payload may be short.
func encodeChunk(dst, src []byte, l Layout, seed uint64) []byte {
	start := len(dst)
	var head [chunkHeader]byte
	dst = append(dst, head[:]...)
	plan := choosePlan(src, l)
	sp := plan.split
	scratch := getBuf(len(src))
	defer putBuf(scratch)
	for i, p := range sp.encode(*scratch, src, l) {
		p.pred = plan.preds[i]
		dst = packPlane(dst, p)
	}
	if sp != splitNone && float64(len(dst)-start-chunkHeader) >= payoff*float64(len(src)) {
		sp = splitNone
		dst = rawPlane(dst[:start+chunkHeader], src)
	}
	h := dst[start:]
	h[0], h[1], h[2] = byte(sp), byte(l.Elem), byte(l.Channels)
	binary.LittleEndian.PutUint32(h[4:], uint32(l.Row))
	binary.LittleEndian.PutUint32(h[8:], uint32(len(src)))
	binary.LittleEndian.PutUint64(h[16:], chunkSum(h, seed))
	return dst
}

func chunkSum(enc []byte, seed uint64) uint64 {
	var d xxhash.Digest
	d.ResetWithSeed(seed)
	d.Write(enc[:16])
	d.Write(enc[chunkHeader:])
	return d.Sum64()
}

// parseChunk checks the header and the checksum of an encoded chunk.
func parseChunk(enc []byte, seed uint64) (chunkHead, error) {
	if len(enc) < chunkHeader {
		return chunkHead{}, fmt.Errorf("%w: %d bytes", errChunk, len(enc))
	}
	if binary.LittleEndian.Uint64(enc[16:]) != chunkSum(enc, seed) {
		return chunkHead{}, errChunk
	}
	h := chunkHead{
		split:  split(enc[0]),
		layout: Layout{Row: int(binary.LittleEndian.Uint32(enc[4:])), Elem: int(enc[1]), Channels: int(enc[2])},
		size:   int(binary.LittleEndian.Uint32(enc[8:])),
	}
	l, chunk := h.layout.normal()
	if l != h.layout || h.size <= 0 || h.size > chunk || h.split >= splitCount {
		return chunkHead{}, fmt.Errorf("%w: impossible header", errChunk)
	}
	return h, nil
}

// decodeChunk writes the decoded chunk to dst, whose length must be the
// chunk's. Hostile input costs no more than dst and one scratch of its size.
func decodeChunk(dst, enc []byte, seed uint64) error {
	h, err := parseChunk(enc, seed)
	if err != nil {
		return err
	}
	if h.size != len(dst) {
		return fmt.Errorf("%w: holds %d bytes, not %d", errChunk, h.size, len(dst))
	}
	return h.split.decode(dst, enc[chunkHeader:], h.layout)
}

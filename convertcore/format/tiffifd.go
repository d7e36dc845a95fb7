package format

import (
	"encoding/binary"
	"strings"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// TIFF tags that are read (TIFF 6.0; Adobe's and libtiff's supplements).
const (
	tagSubfileType     = 254
	tagWidth           = 256
	tagHeight          = 257
	tagBits            = 258
	tagCompression     = 259
	tagPhotometric     = 262
	tagFillOrder       = 266
	tagDescription     = 270
	tagStripOffsets    = 273
	tagOrientation     = 274
	tagSamples         = 277
	tagRowsPerStrip    = 278
	tagStripCounts     = 279
	tagXResolution     = 282
	tagYResolution     = 283
	tagPlanar          = 284
	tagT4Options       = 292
	tagResolutionUnit  = 296
	tagPredictor       = 317
	tagColorMap        = 320
	tagTileWidth       = 322
	tagTileHeight      = 323
	tagTileOffsets     = 324
	tagTileCounts      = 325
	tagExtraSamples    = 338
	tagSampleFormat    = 339
	tagJPEGTables      = 347
	tagYCbCrSubsamples = 530
)

const (
	maxTIFFEntries = 4096     // of one directory
	maxTIFFPages   = 1 << 16  // of one file
	maxTIFFValue   = 64 << 20 // bytes of one entry's value
)

// tiffSizes are the bytes of a value of each type; 0 for none.
var tiffSizes = [19]int64{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8}

// tiffFile is an open TIFF of either byte order; big tells BigTIFF.
type tiffFile struct {
	b     blob.Blob
	order binary.ByteOrder
	big   bool
	first int64 // offset of the first directory
}

// tiffEntry is where the value of one tag stands.
type tiffEntry struct {
	kind   uint16
	count  uint64
	at     int64  // in the file
	inline []byte // the value where it fits into the entry; else nil
}

// tiffIFD is one image file directory.
type tiffIFD struct {
	file    *tiffFile
	entries map[uint16]tiffEntry
	next    int64 // offset of the next one; 0 for none
}

func openTIFF(b blob.Blob) (*tiffFile, error) {
	f := &tiffFile{b: b, order: binary.LittleEndian}
	head := make([]byte, 8, 16)
	if err := readFull(b, head, 0); err != nil {
		return nil, err
	}
	switch string(head[:4]) {
	case "MM\x00*", "MM\x00+":
		f.order = binary.BigEndian
	case "II*\x00", "II+\x00":
	default:
		return nil, malformed("not a TIFF")
	}
	if f.big = f.order.Uint16(head[2:]) == 43; !f.big {
		f.first = int64(f.order.Uint32(head[4:]))
		return f, nil
	}
	head = head[:16]
	if err := readFull(b, head[8:], 8); err != nil {
		return nil, err
	}
	if f.order.Uint16(head[4:]) != 8 || f.order.Uint16(head[6:]) != 0 {
		return nil, malformed("BigTIFF with offsets of %d bytes", f.order.Uint16(head[4:]))
	}
	f.first = int64(f.order.Uint64(head[8:]))
	return f, nil
}

// word is an offset or count as wide as the file's kind has them.
func (f *tiffFile) word(b []byte) uint64 {
	if f.big {
		return f.order.Uint64(b)
	}
	return uint64(f.order.Uint32(b))
}

// readIFD reads the directory at off; values that do not fit into an entry
// stay where they are.
func (f *tiffFile) readIFD(off int64) (*tiffIFD, error) {
	headLen, entryLen, wordLen := int64(2), 12, 4
	if f.big {
		headLen, entryLen, wordLen = 8, 20, 8
	}
	if off < 8 || off > f.b.Size()-headLen {
		return nil, malformed("TIFF directory at %d of %d bytes", off, f.b.Size())
	}
	head := make([]byte, headLen)
	if err := readFull(f.b, head, off); err != nil {
		return nil, err
	}
	n := uint64(f.order.Uint16(head))
	if f.big {
		n = f.order.Uint64(head)
	}
	if n == 0 || n > maxTIFFEntries {
		return nil, malformed("TIFF directory of %d entries", n)
	}
	body := make([]byte, int(n)*entryLen+wordLen)
	if err := readFull(f.b, body, off+headLen); err != nil {
		return nil, err
	}
	d := &tiffIFD{file: f, entries: make(map[uint16]tiffEntry, n)}
	for i := range int(n) {
		b := body[i*entryLen:][:entryLen]
		e := tiffEntry{kind: f.order.Uint16(b[2:]), count: f.word(b[4:])}
		value := b[entryLen-wordLen:]
		e.at = off + headLen + int64((i+1)*entryLen-wordLen)
		if size := e.size(); size >= 0 && size <= int64(wordLen) {
			e.inline = value[:size]
		} else {
			e.at = int64(f.word(value))
		}
		d.entries[f.order.Uint16(b)] = e
	}
	d.next = int64(f.word(body[int(n)*entryLen:]))
	return d, nil
}

// size is the length of the value in bytes; -1 for one that cannot be.
func (e tiffEntry) size() int64 {
	if int(e.kind) >= len(tiffSizes) || tiffSizes[e.kind] == 0 || e.count > maxTIFFValue {
		return -1
	}
	return int64(e.count) * tiffSizes[e.kind]
}

// raw returns the bytes of a tag's value; nil where there is no such tag.
func (d *tiffIFD) raw(tag uint16) ([]byte, error) {
	e, ok := d.entries[tag]
	if !ok || e.inline != nil {
		return e.inline, nil
	}
	size := e.size()
	if size < 0 || size > maxTIFFValue || e.at < 0 || size > d.file.b.Size()-e.at {
		return nil, malformed("TIFF tag %d of type %d with %d values at %d", tag, e.kind, e.count, e.at)
	}
	b := make([]byte, size)
	return b, readFull(d.file.b, b, e.at)
}

// uints returns the whole numbers of a tag; none where there is no such tag.
func (d *tiffIFD) uints(tag uint16) ([]uint64, error) {
	b, err := d.raw(tag)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	order, kind := d.file.order, d.entries[tag].kind
	size := int(tiffSizes[kind])
	out := make([]uint64, len(b)/size)
	for i := range out {
		switch at := b[i*size:]; kind {
		case 1, 6, 7:
			out[i] = uint64(at[0])
		case 3, 8:
			out[i] = uint64(order.Uint16(at))
		case 4, 9, 13:
			out[i] = uint64(order.Uint32(at))
		case 16, 17, 18:
			out[i] = order.Uint64(at)
		default:
			return nil, malformed("TIFF tag %d of type %d", tag, kind)
		}
	}
	return out, nil
}

// uint returns the first number of a tag, or what holds without it.
func (d *tiffIFD) uint(tag uint16, otherwise uint64) (uint64, error) {
	v, err := d.uints(tag)
	if err != nil || len(v) == 0 {
		return otherwise, err
	}
	return v[0], nil
}

// text returns a tag of ASCII; "" where there is none or it cannot be read, as
// no pixel depends on it.
func (d *tiffIFD) text(tag uint16) string {
	if d.entries[tag].kind != 2 {
		return ""
	}
	b, err := d.raw(tag)
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(b), "\x00")
}

// rational returns a tag's fraction; 0 where there is none.
func (d *tiffIFD) rational(tag uint16) float64 {
	if d.entries[tag].kind != 5 {
		return 0
	}
	b, err := d.raw(tag)
	if err != nil || len(b) < 8 || d.file.order.Uint32(b[4:]) == 0 {
		return 0
	}
	return float64(d.file.order.Uint32(b)) / float64(d.file.order.Uint32(b[4:]))
}

package dicom

import (
	"bytes"
	"encoding/binary"
	"io"
)

// Frames decodes the frames of a file. It is safe for many goroutines.
type Frames struct {
	Pixels
	d     *Dataset
	frags [][]fragment // of each frame; nil where pixels are native
}

// fragment is a piece of an encapsulated frame.
type fragment struct{ off, length int64 }

// Frames indexes the frames: arithmetic for native pixels, else one walk over
// the fragments' headers.
func (d *Dataset) Frames() (*Frames, error) {
	p, err := d.Pixels()
	if err != nil {
		return nil, err
	}
	f := &Frames{Pixels: *p, d: d}
	if d.pixels.length < 0 {
		if d.pixels.tag != PixelData {
			return nil, malformed("encapsulated %v", d.pixels.tag)
		}
		return f, f.index()
	}
	return f, nil
}

// index assigns the fragments to frames: by the extended or the basic offset
// table, by number, or by what each begins with.
func (f *Frames) index() error {
	table, all, err := f.walk()
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return malformed("encapsulated pixels without fragments")
	}
	starts, err := f.d.extendedOffsets()
	if err != nil {
		return err
	}
	if len(starts) != f.Frames {
		starts = table
	}
	switch {
	case f.Frames == 1:
		f.frags = [][]fragment{all}
		return nil
	case len(all) == f.Frames:
		for i := range all {
			f.frags = append(f.frags, all[i:i+1])
		}
		return nil
	case len(starts) == f.Frames && f.divide(all, starts):
		return nil
	}
	return f.divideByStart(all)
}

// maxFragments bounds the index of one file.
const maxFragments = 1 << 20

// walk reads the headers of all fragments up to the delimiter, and the basic
// offset table, whose offsets count from the first fragment.
func (f *Frames) walk() (table []int64, all []fragment, err error) {
	off, size := f.d.pixels.offset, f.d.size
	var b [8]byte
	for first := true; ; first = false {
		if err := readFull(f.d.src, b[:], off); err != nil {
			return nil, nil, err
		}
		t := Tag(binary.LittleEndian.Uint16(b[:]))<<16 | Tag(binary.LittleEndian.Uint16(b[2:]))
		n := int64(binary.LittleEndian.Uint32(b[4:]))
		off += 8
		switch {
		case t == tagSeqEnd:
			return table, all, nil
		case t != tagItem || n == undefined || off+n > size:
			return nil, nil, malformed("%v of %d bytes where a fragment begins, at %d", t, n, off-8)
		case first:
			raw, err := readSpan(f.d.src, off, n)
			if err != nil {
				return nil, nil, err
			}
			for ; len(raw) >= 4; raw = raw[4:] {
				table = append(table, int64(binary.LittleEndian.Uint32(raw)))
			}
		case len(all) == maxFragments:
			return nil, nil, malformed("more than %d fragments", maxFragments)
		default:
			all = append(all, fragment{off, n})
		}
		off += n
	}
}

// extendedOffsets are those of PS3.3, C.7.6.3.1.8; nil where there are none.
func (d *Dataset) extendedOffsets() (out []int64, err error) {
	b, err := d.Bytes(ExtendedOffsetTable)
	for ; len(b) >= 8; b = b[8:] {
		out = append(out, int64(binary.LittleEndian.Uint64(b)))
	}
	return out, err
}

// divide cuts the fragments where frames start; false where the offsets are of
// no fragments.
func (f *Frames) divide(all []fragment, starts []int64) bool {
	base := all[0].off - 8
	var out [][]fragment
	at := 0
	for i, s := range starts {
		if at >= len(all) || all[at].off-8-base != s {
			return false
		}
		from := at
		for at++; at < len(all) && (i+1 == len(starts) || all[at].off-8-base < starts[i+1]); {
			at++
		}
		out = append(out, all[from:at])
	}
	f.frags = out
	return at == len(all)
}

// divideByStart begins a frame where a fragment begins as a JPEG or JPEG 2000
// stream does.
func (f *Frames) divideByStart(all []fragment) error {
	var out [][]fragment
	for i, fr := range all {
		var b [3]byte
		if fr.length >= 3 {
			if err := readFull(f.d.src, b[:], fr.off); err != nil {
				return err
			}
		}
		start := bytes.Equal(b[:], []byte{0xff, 0xd8, 0xff}) || bytes.Equal(b[:], []byte{0xff, 0x4f, 0xff})
		if !start && i == 0 {
			break
		}
		if start {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], fr)
	}
	if len(out) != f.Frames {
		return malformed("%d fragments cannot be told apart into %d frames", len(all), f.Frames)
	}
	f.frags = out
	return nil
}

// Encapsulated returns the compressed bytes of frame i, its fragments joined.
func (f *Frames) Encapsulated(i int) ([]byte, error) {
	if i < 0 || i >= len(f.frags) {
		return nil, malformed("frame %d of %d", i, len(f.frags))
	}
	if len(f.frags[i]) == 1 {
		return readSpan(f.d.src, f.frags[i][0].off, f.frags[i][0].length)
	}
	var out []byte
	for _, fr := range f.frags[i] {
		b, err := readSpan(f.d.src, fr.off, fr.length)
		if err != nil {
			return nil, err
		}
		out = append(out, b...)
	}
	return out, nil
}

// Span is where frame i lies, for reading ahead: its first byte and the number
// of bytes up to its last. Of a deflated file it is within the inflated bytes.
func (f *Frames) Span(i int) (off, length int64) {
	if f.frags != nil {
		list := f.frags[i]
		last := list[len(list)-1]
		return list[0].off, last.off + last.length - list[0].off
	}
	bits := f.d.frameBits(&f.Pixels)
	from, to := bits*int64(i)/8, (bits*int64(i+1)+7)/8
	return f.d.pixels.offset + from, to - from
}

var _ io.ReaderAt = (*inflated)(nil)

package dicom

import (
	"errors"
	"slices"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

const (
	maxDepth    = 32      // of nested sequences; real files have 6
	maxElements = 1 << 22 // a segmentation of 100,000 frames has 2,600,000
	maxInline   = 64 << 10
	undefined   = 0xffffffff
)

// vrs are the value representations of PS3.5, section 6.2; true for those with
// a length of 32 bits.
var vrs = map[string]bool{
	"AE": false, "AS": false, "AT": false, "CS": false, "DA": false, "DS": false, "DT": false, "FL": false,
	"FD": false, "IS": false, "LO": false, "LT": false, "PN": false, "SH": false, "SL": false, "SS": false,
	"ST": false, "TM": false, "UI": false, "UL": false, "US": false,
	"OB": true, "OD": true, "OF": true, "OL": true, "OV": true, "OW": true, "SQ": true, "SV": true,
	"UC": true, "UN": true, "UR": true, "UT": true, "UV": true,
}

// coding is how the elements of a set are written.
type coding struct{ implicit, big bool }

// scanner reads data elements in order and skips what is large.
type scanner struct {
	w     window
	root  *Dataset
	count int
	limit int    // of elements
	slab  []byte // values are cut from it
}

// keep copies a value.
func (s *scanner) keep(b []byte) []byte {
	if len(b) > cap(s.slab)-len(s.slab) {
		s.slab = make([]byte, 0, max(len(b), 4<<10))
	}
	n := len(s.slab)
	s.slab = append(s.slab, b...)
	return s.slab[n:len(s.slab):len(s.slab)]
}

// header is the tag, representation and length of an element, and where its
// value begins.
type header struct {
	tag    Tag
	vr     string
	length int64 // undefined where there is none
	value  int64
}

// header reads one. A representation that is no two capitals is taken for a
// length: some writers fall back to implicit elements.
func (s *scanner) header(off int64, c coding) (h header, err error) {
	b, err := s.w.at(off, 8)
	if err != nil {
		return h, err
	}
	bo := order(c.big)
	h.tag = Tag(bo.Uint16(b))<<16 | Tag(bo.Uint16(b[2:]))
	h.value = off + 8
	capital := func(x byte) bool { return x >= 'A' && x <= 'Z' }
	if c.implicit || h.tag.group() == 0xfffe || !capital(b[4]) || !capital(b[5]) {
		h.length = int64(bo.Uint32(b[4:]))
		if h.tag.group() != 0xfffe {
			h.vr = dictionary(h.tag)
		}
		return h, nil
	}
	h.vr = string(b[4:6])
	if !vrs[h.vr] {
		h.length = int64(bo.Uint16(b[6:]))
		return h, nil
	}
	if b, err = s.w.at(off, 12); err != nil {
		return h, err
	}
	h.length, h.value = int64(bo.Uint32(b[8:])), off+12
	return h, nil
}

// set reads elements from off to end, or to the delimiter of an item where end
// is undefined. At the top it stops before the pixels.
func (s *scanner) set(ds *Dataset, off, end int64, c coding, depth int) (next int64, err error) {
	if depth > maxDepth {
		return 0, malformed("sequences nested deeper than %d", maxDepth)
	}
	defer ds.sort()
	for {
		if depth == 0 {
			if done, err := s.w.ended(off); done || err != nil {
				return off, err
			}
		} else if end != undefined && off >= end {
			if off > end {
				return 0, malformed("element beyond the end of its item at %d", end)
			}
			return off, nil
		}
		h, err := s.header(off, c)
		if err != nil {
			return 0, err
		}
		switch {
		case h.tag == tagItemEnd && end == undefined && depth > 0:
			return h.value, nil
		case h.tag.group() == 0xfffe && depth == 0:
			off = h.value // a delimiter too many
			continue
		case h.tag.group() == 0xfffe:
			return 0, malformed("delimiter %08x among elements at %d", uint32(h.tag), off)
		case depth == 0 && (h.tag == PixelData || h.tag == FloatPixelData || h.tag == DoubleFloatPixelData):
			return off, s.pixels(h, c)
		}
		if s.count++; s.count > s.limit {
			return 0, malformed("more than %d elements", s.limit)
		}
		e := Element{Tag: h.tag, VR: h.vr, Offset: h.value, Length: h.length, big: c.big}
		if off, err = s.value(&e, c, depth); err != nil {
			return 0, err
		}
		ds.Elements = append(ds.Elements, e)
	}
}

// value reads or skips an element's value and returns what follows it.
func (s *scanner) value(e *Element, c coding, depth int) (next int64, err error) {
	if e.Length == undefined {
		e.Length = -1
		if e.VR == "OB" || e.VR == "OW" || e.Tag == PixelData {
			return s.skipFragments(e.Offset, c)
		}
		if e.VR == "UN" { // PS3.5, section 6.2.2, note 2
			c = s.unknown(e.Offset, c)
		}
		e.VR = "SQ"
		return s.items(e, e.Offset, undefined, c, depth+1)
	}
	next = e.Offset + e.Length
	if next > s.w.size {
		return 0, malformed("%v of %d bytes ends beyond the file", e.Tag, e.Length)
	}
	if e.VR == "SQ" {
		return s.items(e, e.Offset, next, c, depth+1)
	}
	if e.VR == "UN" {
		if e.VR = dictionary(e.Tag); e.VR == "SQ" {
			end, err := s.items(e, e.Offset, next, s.unknown(e.Offset, c), depth+1)
			if err == nil || !errors.Is(err, convertcore.ErrFormat) {
				return end, err
			}
			e.VR, e.Items = "UN", nil
		}
	}
	if e.Length > maxInline {
		if s.w.open { // only what arrives is there
			_, err = s.w.at(next-1, 1)
		}
		return next, err
	}
	b, err := s.w.at(e.Offset, int(e.Length))
	if err != nil {
		return 0, err
	}
	e.value = s.keep(b)
	return next, nil
}

// unknown is the coding of a sequence whose representation was lost: implicit
// by the standard, yet some writers leave it as it was.
func (s *scanner) unknown(off int64, c coding) coding {
	b, err := s.w.at(off, 16)
	if err == nil {
		if _, ok := vrs[string(b[12:14])]; ok {
			return coding{false, c.big}
		}
	}
	return coding{true, false}
}

// items reads the items of a sequence up to end, or to its delimiter.
func (s *scanner) items(e *Element, off, end int64, c coding, depth int) (next int64, err error) {
	for end == undefined || off < end {
		h, err := s.header(off, c)
		if err != nil {
			return 0, err
		}
		if h.tag == tagSeqEnd {
			if end == undefined {
				return h.value, nil
			}
			off = h.value
			continue
		}
		if h.tag != tagItem {
			return 0, malformed("%v where an item of %v begins, at %d", h.tag, e.Tag, off)
		}
		if s.count++; s.count > s.limit {
			return 0, malformed("more than %d elements", s.limit)
		}
		item := &Dataset{parent: s.root}
		last := int64(undefined)
		if h.length != undefined {
			if last = h.value + h.length; end != undefined && last > end {
				return 0, malformed("item of %v ends beyond its sequence", e.Tag)
			}
		}
		if off, err = s.set(item, h.value, last, c, depth); err != nil {
			return 0, err
		}
		e.Items = append(e.Items, item)
	}
	if off > end {
		return 0, malformed("sequence %v ends at %d in place of %d", e.Tag, off, end)
	}
	return off, nil
}

// skipFragments passes over encapsulated bytes that are not the image's: an
// icon's.
func (s *scanner) skipFragments(off int64, c coding) (int64, error) {
	for {
		h, err := s.header(off, c)
		if err != nil {
			return 0, err
		}
		switch {
		case h.tag == tagSeqEnd:
			return h.value, nil
		case h.tag != tagItem || h.length == undefined || h.value+h.length > s.w.size:
			return 0, malformed("%v of %d bytes where a fragment begins, at %d", h.tag, h.length, off)
		}
		off = h.value + h.length
	}
}

// pixels notes where the pixels are.
func (s *scanner) pixels(h header, c coding) error {
	p := &pixelPlace{tag: h.tag, offset: h.value, length: h.length, big: c.big, word: h.vr == "OW"}
	if c.implicit {
		p.word = true // PS3.5, annex A.1
	}
	if h.length == undefined {
		p.length = -1
	} else if h.value+h.length > s.w.size {
		return malformed("pixels of %d bytes of which there are %d", h.length, s.w.size-h.value)
	}
	s.root.pixels = p
	return nil
}

// sort puts the elements in the order of their tags, as they should be.
func (d *Dataset) sort() {
	byTag := func(a, b Element) int { return int(int64(a.Tag) - int64(b.Tag)) }
	if !slices.IsSortedFunc(d.Elements, byTag) {
		slices.SortStableFunc(d.Elements, byTag)
	}
}

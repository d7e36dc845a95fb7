package format

import (
	"encoding/binary"
	"fmt"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// iodSet is a DICOM data set or one item of a sequence: its elements in order,
// their values as they stand in the file. Sequences are parsed when they are
// asked for, so that a file costs no more memory than its own length times a
// small constant, whatever it claims of itself. It reads the objects that are
// labels (SEG, RTSTRUCT): DICOM PS3.5, sections 7.1 to 7.5 and annex A.
type iodSet struct {
	elems   []iodElem
	charset []string // Specific Character Set of the file
}

// iodElem is one data element.
type iodElem struct {
	tag       tag.Tag
	vr        string // "" in implicit VR
	value     []byte
	undefined bool // its length was: value ends before the delimiter
	order     iodOrder
}

// iodOrder is how elements are written.
type iodOrder struct{ big, implicit bool }

func (o iodOrder) bytes() binary.ByteOrder {
	if o.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

const (
	undefinedLength = 0xffffffff
	// maxNesting bounds sequences within sequences of undefined length; the
	// objects read here need 5.
	maxNesting = 32
	// maxElems bounds the elements of one set and the items of one sequence:
	// the largest segmentations have some 100,000 frames.
	maxElems = 1 << 20
)

// iodReader reads elements one after the other.
type iodReader struct {
	rest  []byte
	order iodOrder
	depth int
}

// next reads one element. All of its value is there.
func (r *iodReader) next() (iodElem, error) {
	e, length, err := r.head()
	if err != nil {
		return e, err
	}
	if length != undefinedLength {
		if uint64(length) > uint64(len(r.rest)) {
			return e, malformed("element %v of %d bytes, of which there are %d", e.tag, length, len(r.rest))
		}
		e.value, r.rest = r.rest[:length], r.rest[length:]
		return e, nil
	}
	e.undefined = true
	if e.vr == "UN" { // PS3.5, section 6.2.2: then its items are implicit little-endian
		e.order = iodOrder{implicit: true}
	}
	inner := iodReader{r.rest, e.order, r.depth + 1}
	n, err := inner.skipItems()
	if err != nil {
		return e, err
	}
	e.value, r.rest = r.rest[:n], inner.rest
	return e, nil
}

// head reads an element up to its value.
func (r *iodReader) head() (e iodElem, length uint32, err error) {
	if len(r.rest) < 8 {
		return e, 0, malformed("element cut short")
	}
	order := r.order.bytes()
	e.tag = tag.Tag{Group: order.Uint16(r.rest), Element: order.Uint16(r.rest[2:])}
	e.order = r.order
	switch {
	case r.order.implicit || e.tag.Group == tag.Item.Group:
		length, r.rest = order.Uint32(r.rest[4:]), r.rest[8:]
		return e, length, nil
	case !isVR(r.rest[4:6]):
		return e, 0, malformed("element %v has value representation %q", e.tag, r.rest[4:6])
	}
	e.vr = string(r.rest[4:6])
	switch e.vr {
	case "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV":
		if len(r.rest) < 12 {
			return e, 0, malformed("element %v cut short", e.tag)
		}
		length, r.rest = order.Uint32(r.rest[8:]), r.rest[12:]
	default:
		length, r.rest = uint32(order.Uint16(r.rest[6:])), r.rest[8:]
	}
	return e, length, nil
}

func isVR(b []byte) bool { return 'A' <= b[0] && b[0] <= 'Z' && 'A' <= b[1] && b[1] <= 'Z' }

// skipItems passes over the items of an undefined length and the delimiter
// after them, and returns the length of what is before the delimiter.
func (r *iodReader) skipItems() (int, error) {
	if r.depth > maxNesting {
		return 0, malformed("sequences nested more than %d deep", maxNesting)
	}
	for start := len(r.rest); ; {
		end := start - len(r.rest)
		e, length, err := r.head()
		switch {
		case err != nil:
			return 0, err
		case e.tag == tag.SequenceDelimitationItem:
			return end, nil
		case e.tag != tag.Item:
			return 0, malformed("element %v among the items of a sequence", e.tag)
		case length == undefinedLength:
			err = r.skipItem()
		case uint64(length) > uint64(len(r.rest)):
			err = malformed("item of %d bytes, of which there are %d", length, len(r.rest))
		default:
			r.rest = r.rest[length:]
		}
		if err != nil {
			return 0, err
		}
	}
}

// skipItem passes over the elements of an item of undefined length and its
// delimiter.
func (r *iodReader) skipItem() error {
	for {
		e, err := r.next()
		if err != nil || e.tag == tag.ItemDelimitationItem {
			return err
		}
	}
}

// set reads elements to the end or to the delimiter of an item.
func (r *iodReader) set(charset []string) (iodSet, error) {
	s := iodSet{charset: charset}
	for len(r.rest) > 0 {
		e, err := r.next()
		if err != nil {
			return s, err
		}
		if e.tag == tag.ItemDelimitationItem {
			break
		}
		if len(s.elems) == maxElems {
			return s, malformed("more than %d elements", maxElems)
		}
		s.elems = append(s.elems, e)
	}
	return s, nil
}

// items parses the items of the sequence t; none where it is absent.
func (s iodSet) items(t tag.Tag) ([]iodSet, error) {
	e, ok := s.find(t)
	if !ok {
		return nil, nil
	}
	if e.vr == "UN" && !e.undefined {
		e.order = iodOrder{implicit: true}
	}
	var sets []iodSet
	for r := (iodReader{rest: e.value, order: e.order}); len(r.rest) > 0; {
		item, err := r.item(s.charset)
		if err != nil {
			return nil, fmt.Errorf("sequence %v: %w", t, err)
		}
		if len(sets) == maxElems {
			return nil, malformed("sequence %v of more than %d items", t, maxElems)
		}
		sets = append(sets, item)
	}
	return sets, nil
}

// item reads one item of a sequence.
func (r *iodReader) item(charset []string) (iodSet, error) {
	e, length, err := r.head()
	switch {
	case err != nil:
		return iodSet{}, err
	case e.tag != tag.Item:
		return iodSet{}, malformed("element %v where an item should be", e.tag)
	case length == undefinedLength:
		return r.set(charset)
	case uint64(length) > uint64(len(r.rest)):
		return iodSet{}, malformed("item of %d bytes, of which there are %d", length, len(r.rest))
	}
	inner := iodReader{rest: r.rest[:length], order: r.order}
	r.rest = r.rest[length:]
	return inner.set(charset)
}

// item returns the first item of the sequence t, an empty one where there is
// none.
func (s iodSet) item(t tag.Tag) (iodSet, error) {
	items, err := s.items(t)
	if err != nil || len(items) == 0 {
		return iodSet{}, err
	}
	return items[0], nil
}

func (s iodSet) find(t tag.Tag) (iodElem, bool) {
	for _, e := range s.elems {
		if e.tag == t {
			return e, true
		}
	}
	return iodElem{}, false
}

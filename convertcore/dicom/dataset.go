package dicom

import (
	"io"
	"sort"
)

// Dataset is the data elements of a file or of a sequence's item, in the order
// of their tags. Methods do not change it.
type Dataset struct {
	Elements []Element
	Syntax   string // transfer syntax UID of a file; "" where it does not say

	parent *Dataset // of an item: the file's
	src    io.ReaderAt
	size   int64
	big    bool
	pixels *pixelPlace
}

// Element is one data element.
type Element struct {
	Tag    Tag
	VR     string     // "UN" where neither file nor standard knows
	Offset int64      // of the value in the (inflated) file
	Length int64      // of the value in bytes; -1 where undefined
	Items  []*Dataset // of a sequence

	big   bool
	value []byte // nil where it was left in the file
}

// Get returns the element of a tag, nil where there is none.
func (d *Dataset) Get(t Tag) *Element {
	i := sort.Search(len(d.Elements), func(i int) bool { return d.Elements[i].Tag >= t })
	if i < len(d.Elements) && d.Elements[i].Tag == t {
		return &d.Elements[i]
	}
	return nil
}

// Items returns the items of a sequence, nil where there is none.
func (d *Dataset) Items(t Tag) []*Dataset {
	if e := d.Get(t); e != nil {
		return e.Items
	}
	return nil
}

// Item returns the first item of a sequence; an empty data set where there is
// none.
func (d *Dataset) Item(t Tag) *Dataset {
	if items := d.Items(t); len(items) > 0 {
		return items[0]
	}
	return &Dataset{parent: d.file()}
}

// file is the data set of the whole file.
func (d *Dataset) file() *Dataset {
	if d.parent != nil {
		return d.parent
	}
	return d
}

// Bytes returns an element's value as it is stored; nil where there is none.
// The caller does not change it.
func (d *Dataset) Bytes(t Tag) ([]byte, error) {
	e := d.Get(t)
	if e == nil || e.Length <= 0 {
		return nil, nil
	}
	if e.value != nil {
		return e.value, nil
	}
	if e.Items != nil || e.VR == "SQ" {
		return nil, malformed("%v is a sequence", t)
	}
	return readSpan(d.file().src, e.Offset, e.Length)
}

package hdf5

import (
	"bytes"
	"strings"
)

// Dataset is an array of numbers.
type Dataset struct {
	Shape []int64 // the last axis varies fastest
	Type  Type
	// Class is the attribute MATLAB_class, "" in files of others.
	Class string
	// Sparse and Empty are MATLAB's marks of what is stored as no plain array.
	Sparse, Empty bool

	f       *File
	limits  []int64
	fill    []byte // of one element; nil: zeros
	filters []filter
	layout  layout
}

// layout is where the elements lie (section IV.A.2.i).
type layout struct {
	class  byte   // 0 compact, 1 contiguous, 2 chunked
	data   []byte // compact
	addr   uint64 // contiguous, or of the chunks' index
	size   int64  // contiguous
	chunk  []int64
	index  byte // 0: B-tree of version 1; else the number of the index
	edges  bool // chunks that reach over the edge are not filtered
	single int64
	mask   uint32 // of the single chunk
}

// dataset parses the header of a dataset.
func (f *File) dataset(o *object) (*Dataset, error) {
	d := &Dataset{f: f}
	space, ok1 := o.find(msgDataspace)
	typ, ok2 := o.find(msgDatatype)
	lay, ok3 := o.find(msgLayout)
	if !ok1 || !ok2 || !ok3 {
		return nil, malformed("HDF5 object without a shape, type or layout: no dataset")
	}
	if _, ok := o.find(msgExternal); ok {
		return nil, unsupported("HDF5 dataset that lies in other files")
	}
	if (space.flags|lay.flags)&shared != 0 {
		return nil, unsupported("HDF5 dataset whose shape or layout is shared")
	}
	d.attributes(o)
	var err error
	if d.Shape, d.limits, err = f.parseShape(space.data); err != nil {
		return nil, err
	}
	if typ.flags&shared != 0 {
		if typ, err = f.committed(typ); err != nil {
			return nil, err
		}
	}
	if d.Type, err = parseType(typ.data); err != nil {
		return nil, err
	}
	if m, ok := o.find(msgFilters); ok {
		if d.filters, err = parseFilters(m.data); err != nil {
			return nil, err
		}
	}
	d.fillValue(o)
	return d, d.parseLayout(lay.data)
}

// committed follows a shared message to the named datatype that it is.
func (f *File) committed(m message) (message, error) {
	c := &cursor{b: m.data}
	version, kind := c.u8(), c.u8()
	switch {
	case version == 1:
		c.skip(6)
	case version == 3 && kind == 1:
		return m, unsupported("HDF5 message in a shared heap")
	}
	addr := c.u(f.offSize)
	if err := c.check("shared message"); err != nil {
		return m, err
	}
	o, err := f.object(addr)
	if err != nil {
		return m, err
	}
	t, ok := o.find(msgDatatype)
	if !ok || t.flags&shared != 0 {
		return m, malformed("HDF5 shared datatype at %#x is none", addr)
	}
	return t, nil
}

// attributes looks for MATLAB's marks (section IV.A.2.m).
func (d *Dataset) attributes(o *object) {
	for _, m := range o.messages {
		if m.typ != msgAttribute || len(m.data) < 9 {
			continue
		}
		c := &cursor{b: m.data}
		version := c.u8()
		c.skip(1)
		sizes := [3]int{int(c.u16()), int(c.u16()), int(c.u16())}
		if version == 3 {
			c.skip(1)
		}
		var parts [3][]byte
		for i, n := range sizes {
			parts[i] = c.take(n)
			if pad := -n & 7; version == 1 {
				c.skip(pad)
			}
		}
		switch name := strings.TrimRight(string(parts[0]), "\x00"); {
		case c.short:
		case name == "MATLAB_class" && len(parts[1]) >= 8 && parts[1][0]&15 == classString:
			n := min(len(c.b), int(parts[1][4]))
			text, _, _ := bytes.Cut(c.b[:n], []byte{0})
			d.Class = strings.TrimSpace(string(text))
		case name == "MATLAB_sparse":
			d.Sparse = true
		case name == "MATLAB_empty":
			d.Empty = len(c.b) > 0 && c.b[0] != 0
		}
	}
}

// fillValue is what elements hold that were never written.
func (d *Dataset) fillValue(o *object) {
	var fill []byte
	if m, ok := o.find(msgOldFill); ok {
		c := &cursor{b: m.data}
		fill = c.take(int(c.u32()))
	}
	if m, ok := o.find(msgFill); ok {
		c := &cursor{b: m.data}
		switch version := c.u8(); {
		case version >= 3:
			if c.u8()&0x20 != 0 {
				fill = c.take(int(c.u32()))
			}
		default:
			c.skip(2)
			if c.u8() != 0 {
				fill = c.take(int(c.u32()))
			}
		}
	}
	if len(fill) == d.Type.Size && bytes.Count(fill, []byte{0}) != len(fill) {
		d.fill = fill
	}
}

func (d *Dataset) parseLayout(b []byte) error {
	f, l, c := d.f, &d.layout, &cursor{b: b}
	switch version := c.u8(); version {
	case 1, 2:
		d.oldLayout(c)
	case 3, 4:
		l.class = c.u8()
		switch {
		case l.class == 0:
			l.data = c.take(int(c.u16()))
		case l.class == 1:
			l.addr, l.size = c.u(f.offSize), c.length(f.lenSize)
		case l.class == 2 && version == 3:
			rank := int(c.u8())
			l.addr = c.u(f.offSize)
			l.chunk = sizes(c, rank, 4)
		case l.class == 2:
			if err := d.newChunks(c); err != nil {
				return err
			}
		case l.class == 3:
			return unsupported("HDF5 virtual dataset")
		}
	default:
		return unsupported("HDF5 layout of version %d", version)
	}
	if l.class > 2 {
		return malformed("HDF5 layout of class %d", l.class)
	}
	if err := c.check("layout"); err != nil {
		return err
	}
	return d.checkLayout()
}

// sizes takes n numbers.
func sizes(c *cursor, n, size int) []int64 {
	out := make([]int64, 0, min(n, 64))
	for range min(n, 64) {
		out = append(out, c.length(size))
	}
	return out
}

func (d *Dataset) oldLayout(c *cursor) {
	l := &d.layout
	rank := int(c.u8())
	l.class = c.u8()
	c.skip(5)
	if l.class != 0 {
		l.addr = c.u(d.f.offSize)
	}
	dims := sizes(c, rank, 4)
	switch l.class {
	case 0:
		l.data = c.take(int(min(c.u32(), maxMeta)))
	case 1:
		l.size = int64(d.Type.Size)
		for _, n := range d.Shape { // bounded by parseShape
			l.size *= n
		}
	case 2:
		l.chunk = dims
	}
}

// newChunks parses the chunks of layout version 4.
func (d *Dataset) newChunks(c *cursor) error {
	l := &d.layout
	flags, rank, size := c.u8(), int(c.u8()), int(c.u8())
	if size < 1 || size > 8 {
		return malformed("HDF5 chunk sizes of %d bytes", size)
	}
	l.edges = flags&1 != 0
	l.chunk = sizes(c, rank, size)
	l.index = c.u8()
	switch l.index {
	case indexSingle:
		if flags&2 != 0 {
			l.single, l.mask = c.length(d.f.lenSize), c.u32()
		}
	case indexImplicit:
	case indexFixed:
		c.skip(1)
	case indexExtensible:
		c.skip(5)
	case indexTree2:
		c.skip(6)
	default:
		return malformed("HDF5 chunk index %d", l.index)
	}
	l.addr = c.u(d.f.offSize)
	return nil
}

// checkLayout compares the layout with shape and type.
func (d *Dataset) checkLayout() error {
	l := &d.layout
	need := int64(d.Type.Size)
	for _, n := range d.Shape {
		need *= n
	}
	switch l.class {
	case 0:
		if int64(len(l.data)) < need {
			return malformed("HDF5 dataset of %d bytes in %d", need, len(l.data))
		}
	case 1:
		if !d.f.undefined(l.addr) {
			if _, err := d.f.span(l.addr, need); err != nil || l.size < need {
				return malformed("HDF5 dataset of %d bytes in %d at %#x", need, l.size, l.addr)
			}
		}
	case 2:
		n := len(l.chunk) - 1
		if n < 1 || n != len(d.Shape) || l.chunk[n] != int64(d.Type.Size) {
			return malformed("HDF5 chunks of %v for shape %v", l.chunk, d.Shape)
		}
		size := int64(1)
		for _, c := range l.chunk {
			if c < 1 || c > 1<<32 || size > (1<<32)/c {
				return malformed("HDF5 chunks of %v", l.chunk)
			}
			size *= c
		}
		l.size, l.chunk = size, l.chunk[:n]
	}
	return nil
}

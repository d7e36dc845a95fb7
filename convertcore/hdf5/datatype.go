package hdf5

import "strings"

// Type is the type of a dataset's numbers.
type Type struct {
	Size          int // bytes: 1, 2, 4 or 8
	Float, Signed bool
	Big           bool // big-endian
	Ref           bool // 8 bytes that are the address of an object
}

// Classes of datatypes (section IV.A.2.d).
const (
	classInt = iota
	classFloat
	classTime
	classString
	classBits
	classOpaque
	classCompound
	classRef
	classEnum
	classVlen
	classArray
)

var classNames = []string{"integer", "float", "time", "string", "bit field", "opaque", "compound", "reference", "enumeration", "variable-length", "array"}

// parseType parses a datatype message. Enumerations are their integers; that of
// FALSE and TRUE, as h5py writes booleans, has no sign.
func parseType(b []byte) (Type, error) {
	c := &cursor{b: b}
	class, flags := int(c.u8()&15), c.u(3)
	t := Type{Size: int(c.u32())}
	switch class {
	case classInt, classBits:
		t.Big, t.Signed = flags&1 != 0, class == classInt && flags&8 != 0
		offset, precision := c.u16(), int(c.u16())
		if err := c.check("datatype"); err != nil {
			return t, err
		}
		if offset != 0 || precision != 8*t.Size {
			return t, unsupported("HDF5 integers of %d bits in %d bytes", precision, t.Size)
		}
	case classFloat:
		t.Float, t.Big = true, flags&1 != 0
		offset, precision := c.u16(), int(c.u16())
		var fields [4]byte
		copy(fields[:], c.take(4))
		want := map[int][4]byte{2: {10, 5, 0, 10}, 4: {23, 8, 0, 23}, 8: {52, 11, 0, 52}}
		if err := c.check("datatype"); err != nil {
			return t, err
		}
		if flags&0x40 != 0 || offset != 0 || precision != 8*t.Size || fields != want[t.Size] {
			return t, unsupported("HDF5 floats of %d bits that are not IEEE's", precision)
		}
	case classRef:
		t.Ref = true
		if flags&15 != 0 || t.Size != 8 {
			return t, unsupported("HDF5 references to regions")
		}
	case classEnum:
		return enumType(c, b[0]>>4, int(flags&0xffff))
	default:
		if class < len(classNames) {
			return t, unsupported("HDF5 datatype %s as samples of an image", classNames[class])
		}
		return t, malformed("HDF5 datatype of class %d", class)
	}
	if t.Size != 1 && t.Size != 2 && t.Size != 4 && t.Size != 8 {
		return t, unsupported("HDF5 numbers of %d bytes", t.Size)
	}
	return t, nil
}

func enumType(c *cursor, version byte, members int) (Type, error) {
	base := c.b
	t, err := parseType(base)
	if err != nil || len(base) > 0 && base[0]&15 != classInt {
		if err == nil {
			err = malformed("HDF5 enumeration of what is no integer")
		}
		return t, err
	}
	c.skip(12)
	var names []string
	for range members {
		name, _, ok := strings.Cut(string(c.b[:min(len(c.b), 256)]), "\x00")
		if !ok {
			return t, malformed("HDF5 enumeration cut short")
		}
		n := len(name) + 1
		if version < 3 {
			n = (n + 7) &^ 7
		}
		c.skip(n)
		names = append(names, name)
	}
	if t.Size == 1 && len(names) == 2 && names[0] == "FALSE" && names[1] == "TRUE" {
		t.Signed = false
	}
	return t, c.check("datatype")
}

// parseShape parses a dataspace message (section IV.A.2.b). limits are the
// greatest sizes, -1 without end.
func (f *File) parseShape(b []byte) (shape, limits []int64, err error) {
	c := &cursor{b: b}
	version, rank, flags := c.u8(), int(c.u8()), c.u8()
	switch version {
	case 1:
		c.skip(5)
	case 2:
		if c.u8() == 2 {
			return nil, nil, unsupported("HDF5 dataset without any element")
		}
	default:
		return nil, nil, malformed("HDF5 dataspace of version %d", version)
	}
	if rank > 32 {
		return nil, nil, malformed("HDF5 dataset of %d axes", rank)
	}
	for range rank {
		shape = append(shape, c.length(f.lenSize))
	}
	limits = append(limits, shape...)
	if flags&1 != 0 {
		for i := range limits {
			limits[i] = -1
			if v := c.u(f.lenSize); v < 1<<62 && !(f.lenSize < 8 && v == 1<<(8*f.lenSize)-1) {
				limits[i] = int64(v)
			}
			if limits[i] >= 0 && limits[i] < shape[i] {
				return nil, nil, malformed("HDF5 dataset of shape %v within %v", shape, limits)
			}
		}
	}
	total := int64(1)
	for _, n := range shape {
		if n > 1<<48 || n > 0 && total > (1<<55)/n {
			return nil, nil, malformed("HDF5 dataset of shape %v", shape)
		}
		total *= max(n, 1)
	}
	return shape, limits, c.check("dataspace")
}

package hdf5

import "math/bits"

// tree2 is a B-tree of version 2 (section III.A.2).
type tree2 struct {
	f           *File
	kind        byte
	node        int64 // bytes of a node
	record      int   // bytes of a record
	countSize   int   // bytes of a number of records
	levels      []level2
	root        uint64
	rootRecords int
	left        int // nodes that may still be read
}

// level2 is what all nodes at one height share.
type level2 struct {
	max       int // records
	totalSize int // bytes of the number of records below
}

// limitSize is the number of bytes that numbers up to n need.
func limitSize(n uint64) int { return (max(bits.Len64(n), 1)-1)/8 + 1 }

func (f *File) tree2(addr uint64, kind byte) (*tree2, error) {
	c, err := f.signed(addr, int64(22+f.offSize+f.lenSize), "BTHD")
	if err != nil {
		return nil, err
	}
	if v := c.u8(); v != 0 {
		return nil, unsupported("HDF5 B-tree of version %d", v)
	}
	t := &tree2{f: f, kind: c.u8(), node: c.length(4), record: int(c.u16()), left: 1 << 20}
	depth := int(c.u16())
	c.skip(2)
	t.root, t.rootRecords = c.u(f.offSize), int(c.u16())
	if err := c.check("B-tree"); err != nil {
		return nil, err
	}
	if t.kind != kind || t.record == 0 || t.node < 10+int64(t.record) || t.node > maxMeta || depth > 32 {
		return nil, malformed("HDF5 B-tree of type %d with records of %d in nodes of %d bytes", t.kind, t.record, t.node)
	}
	leaf := (t.node - 10) / int64(t.record)
	t.countSize = limitSize(uint64(leaf))
	t.levels = append(t.levels, level2{max: int(leaf)})
	total := uint64(leaf)
	for range depth {
		ptr := int64(f.offSize + t.countSize + t.levels[len(t.levels)-1].totalSize)
		n := (t.node - 10 - ptr) / (int64(t.record) + ptr)
		if n < 1 || total > 1<<62/uint64(n+1) {
			return nil, malformed("HDF5 B-tree of depth %d", depth)
		}
		total = uint64(n+1)*total + uint64(n)
		t.levels = append(t.levels, level2{int(n), limitSize(total)})
	}
	return t, nil
}

// walk calls each with the records in order. side says where a record stands
// from what is wanted: below (-1), in (0) or above (1); the children beside
// records on the far side are not read. each returns false to stop.
func (t *tree2) walk(side func(record []byte) int, each func(record []byte) (bool, error)) error {
	if t.f.undefined(t.root) {
		return nil
	}
	_, err := t.visit(t.root, len(t.levels)-1, t.rootRecords, side, each)
	return err
}

func (t *tree2) visit(addr uint64, height, records int, side func([]byte) int, each func([]byte) (bool, error)) (bool, error) {
	sig := "BTLF"
	if height > 0 {
		sig = "BTIN"
	}
	if t.left--; t.left < 0 || records > t.levels[height].max {
		return false, malformed("HDF5 B-tree with a node of %d records", records)
	}
	used := int64(10 + records*t.record)
	ptr := 0
	if height > 0 {
		ptr = t.f.offSize + t.countSize + t.levels[height-1].totalSize
		used += int64((records + 1) * ptr)
	}
	if used > t.node {
		return false, malformed("HDF5 B-tree with a node of %d bytes", used)
	}
	c, err := t.f.signed(addr, used, sig)
	if err != nil {
		return false, err
	}
	c.skip(1)
	if kind := c.u8(); kind != t.kind {
		return false, malformed("HDF5 B-tree of type %d with a node of type %d", t.kind, kind)
	}
	table := c.take(records * t.record)
	for i := 0; i <= records; i++ {
		var rec []byte
		at := 1
		if i < records {
			rec = table[i*t.record : (i+1)*t.record]
			at = side(rec)
		}
		if height > 0 {
			child, n := c.u(t.f.offSize), int(c.u(t.countSize))
			c.skip(t.levels[height-1].totalSize)
			if at >= 0 {
				if more, err := t.visit(child, height-1, n, side, each); err != nil || !more {
					return false, err
				}
			}
		}
		switch {
		case rec == nil:
		case at > 0:
			return false, nil
		case at == 0:
			if more, err := each(rec); err != nil || !more {
				return false, err
			}
		}
	}
	return true, c.check("B-tree")
}

package hdf5

import "strings"

// link is an entry of a group.
type link struct {
	name string
	addr uint64 // of the object's header
	soft string // path that a soft link stands for
}

// maxLinks bounds the entries of a group that are looked at.
const maxLinks = 1 << 20

// links calls each with the entries of a group until it returns false. name is
// the only entry that is wanted where it is not "": others may be left out.
func (f *File) links(o *object, name string, each func(link) bool) error {
	more := true
	for _, m := range o.messages {
		if m.typ != msgLink || !more {
			continue
		}
		l, err := f.parseLink(m.data)
		if err != nil {
			return err
		}
		more = each(l)
	}
	if m, ok := o.find(msgSymbolTable); ok && more {
		c := &cursor{b: m.data}
		tree, heap := c.u(f.offSize), c.u(f.offSize)
		if err := c.check("symbol table"); err != nil {
			return err
		}
		return f.symbols(tree, heap, name, each)
	}
	if m, ok := o.find(msgLinkInfo); ok && more {
		c := &cursor{b: m.data}
		c.skip(1)
		if c.u8()&1 != 0 {
			c.skip(8)
		}
		heap, tree := c.u(f.offSize), c.u(f.offSize)
		if err := c.check("link info"); err != nil || f.undefined(heap) {
			return err
		}
		return f.dense(heap, tree, name, each)
	}
	return nil
}

// parseLink parses a link message (section IV.A.2.g).
func (f *File) parseLink(b []byte) (l link, err error) {
	c := &cursor{b: b}
	if v := c.u8(); v != 1 {
		return l, malformed("HDF5 link of version %d", v)
	}
	flags, typ := c.u8(), byte(0)
	if flags&8 != 0 {
		typ = c.u8()
	}
	if flags&4 != 0 {
		c.skip(8)
	}
	if flags&16 != 0 {
		c.skip(1)
	}
	l.name = string(c.take(int(min(c.length(1<<(flags&3)), maxMeta))))
	switch typ {
	case 0:
		l.addr = c.u(f.offSize)
	case 1:
		l.soft = string(c.take(int(c.u16())))
	default: // 64 is a link into another file
		l.addr = 1<<64 - 1
	}
	return l, c.check("link")
}

// symbols walks a group of the old form: a B-tree of version 1 whose leaves are
// nodes of symbols, their names in a local heap (sections III.A.1, III.B, III.D).
func (f *File) symbols(tree, heap uint64, name string, each func(link) bool) error {
	c := &cursor{}
	b, err := f.meta(heap, int64(8+2*f.lenSize+f.offSize))
	if err != nil {
		return err
	}
	if string(b[:4]) != "HEAP" {
		return malformed("no HDF5 local heap at %#x", heap)
	}
	c.b = b[8:]
	size := c.length(f.lenSize)
	c.skip(f.lenSize)
	names, err := f.meta(c.u(f.offSize), size)
	if err != nil {
		return err
	}
	w := &symbolWalk{f: f, names: names, name: name, each: each}
	return w.node(tree, -1)
}

type symbolWalk struct {
	f     *File
	names []byte
	name  string
	each  func(link) bool
	seen  int
	done  bool
}

// text is the string at an offset of the heap.
func (w *symbolWalk) text(off uint64) (string, error) {
	if off >= uint64(len(w.names)) {
		return "", malformed("HDF5 name at %d of a heap of %d bytes", off, len(w.names))
	}
	s, _, ok := strings.Cut(string(w.names[off:min(uint64(len(w.names)), off+1<<16)]), "\x00")
	if !ok {
		return "", malformed("HDF5 name without its end")
	}
	return s, nil
}

// node walks a node of the tree, which is at the level that its parent says.
func (w *symbolWalk) node(addr uint64, level int) error {
	head, err := w.f.treeNode(addr, 0, level)
	if err != nil {
		return err
	}
	c, n := head.keys, head.used
	lower := c.u(w.f.lenSize)
	for range n {
		child, upper := c.u(w.f.offSize), c.u(w.f.lenSize)
		if w.seen++; w.seen > maxLinks {
			return malformed("HDF5 group of more than %d entries", maxLinks)
		}
		in, err := w.between(lower, upper)
		lower = upper
		if err != nil {
			return err
		}
		if !in {
			continue
		}
		if head.level > 0 {
			err = w.node(child, head.level-1)
		} else {
			err = w.leaf(child)
		}
		if err != nil || w.done {
			return err
		}
	}
	return c.check("B-tree")
}

// between reports whether the name may be in the child between two keys: it is
// greater than the lower and not greater than the upper.
func (w *symbolWalk) between(lower, upper uint64) (bool, error) {
	if w.name == "" {
		return true, nil
	}
	a, err := w.text(lower)
	if err != nil {
		return false, err
	}
	b, err := w.text(upper)
	return (a < w.name || a == "") && w.name <= b, err
}

func (w *symbolWalk) leaf(addr uint64) error {
	f := w.f
	head, err := f.meta(addr, 8)
	if err != nil {
		return err
	}
	if string(head[:4]) != "SNOD" {
		return malformed("no HDF5 symbol node at %#x", addr)
	}
	n := int(head[6]) | int(head[7])<<8
	b, err := f.meta(addr+8, int64(n)*int64(2*f.offSize+24))
	if err != nil {
		return err
	}
	c := &cursor{b: b}
	for range n {
		if w.seen++; w.seen > maxLinks {
			return malformed("HDF5 group of more than %d entries", maxLinks)
		}
		at := c.u(f.offSize)
		l := link{addr: c.u(f.offSize)}
		kind := c.u32()
		c.skip(4)
		scratch := c.take(16)
		if l.name, err = w.text(at); err != nil {
			return err
		}
		if kind == 2 {
			s := &cursor{b: scratch}
			if l.soft, err = w.text(uint64(s.u32())); err != nil {
				return err
			}
		}
		if !w.each(l) {
			w.done = true
			return nil
		}
	}
	return nil
}

// treeHead is a node of a B-tree of version 1.
type treeHead struct {
	level, used int
	keys        *cursor // keys and children, in turn
}

// treeNode reads a node of a kind: 0 group, 1 chunks. level is what the
// parent demands, -1 at the root.
func (f *File) treeNode(addr uint64, kind byte, level int, rank ...int) (treeHead, error) {
	lead := int64(8 + 2*f.offSize)
	b, err := f.meta(addr, lead)
	if err != nil {
		return treeHead{}, err
	}
	h := treeHead{level: int(b[5]), used: int(b[6]) | int(b[7])<<8}
	if string(b[:4]) != "TREE" || b[4] != kind || level >= 0 && h.level != level || h.level > 40 {
		return h, malformed("no HDF5 B-tree node of level %d at %#x", level, addr)
	}
	key := f.lenSize
	if kind == 1 {
		key = 8 + 8*rank[0]
	}
	if b, err = f.meta(addr+uint64(lead), int64(h.used)*int64(key+f.offSize)+int64(key)); err != nil {
		return h, err
	}
	h.keys = &cursor{b: b}
	return h, nil
}

package hdf5

import (
	"encoding/binary"
	"math/bits"
)

// The chunk indexes of layout version 4 (section VII, appendix C).
const (
	indexSingle = 1 + iota
	indexImplicit
	indexFixed
	indexExtensible
	indexTree2
)

// chunk is a stored chunk.
type chunk struct {
	at   []int64 // place among the chunks, one number an axis
	addr uint64
	size int64
	mask uint32 // filters that were left out
}

// box is a range of places among the chunks, the last ones included.
type box struct{ first, last []int64 }

func (b box) holds(at []int64) bool {
	for i, v := range at {
		if v < b.first[i] || v > b.last[i] {
			return false
		}
	}
	return true
}

// each calls visit with the places of the box, the last axis fastest.
func (b box) each(visit func(at []int64) error) error {
	at := append([]int64(nil), b.first...)
	for {
		if err := visit(at); err != nil {
			return err
		}
		i := len(at) - 1
		for ; i >= 0 && at[i] == b.last[i]; i-- {
			at[i] = b.first[i]
		}
		if i < 0 {
			return nil
		}
		at[i]++
	}
}

// chunks calls found with the stored chunks of a box. A chunk that is not
// stored holds the fill value.
func (d *Dataset) chunks(b box, found func(chunk) error) error {
	l, f := &d.layout, d.f
	if f.undefined(l.addr) {
		return nil
	}
	keep := func(at []int64, addr uint64, size int64, mask uint32) error {
		if f.undefined(addr) {
			return nil
		}
		return found(chunk{append([]int64(nil), at...), addr, size, mask})
	}
	switch l.index {
	case 0:
		return d.tree1(b, keep)
	case indexSingle:
		size := l.size
		if len(d.filters) > 0 && l.single > 0 {
			size = l.single
		}
		return keep(b.first, l.addr, size, l.mask)
	case indexImplicit:
		down, err := d.down(-1)
		if err != nil {
			return err
		}
		return b.each(func(at []int64) error {
			return keep(at, l.addr+uint64(position(at, down)*l.size), l.size, 0)
		})
	case indexTree2:
		return d.chunkTree2(b, keep)
	}
	array, unlimited, err := d.array()
	if err != nil {
		return err
	}
	down, err := d.down(unlimited)
	if err != nil {
		return err
	}
	return b.each(func(at []int64) error {
		elem, err := array.get(position(at, down))
		if err != nil || elem == nil {
			return err
		}
		c := &cursor{b: elem}
		addr, size, mask := c.u(f.offSize), l.size, uint32(0)
		if array.filtered() {
			size, mask = c.length(len(elem)-f.offSize-4), c.u32()
		}
		if c.short {
			return malformed("HDF5 chunk index with elements of %d bytes", len(elem))
		}
		return keep(at, addr, size, mask)
	})
}

// position is the number of a chunk.
func position(at, down []int64) (n int64) {
	for i, v := range at {
		n += v * down[i]
	}
	return n
}

// down are the strides of the places among the chunks that the greatest shape
// has. The axis without end, if any, varies slowest.
func (d *Dataset) down(unlimited int) ([]int64, error) {
	out := make([]int64, len(d.Shape))
	stride := int64(1)
	for i := len(out) - 1; i >= 0; i-- {
		if i == unlimited {
			continue
		}
		n := (d.limits[i] + d.layout.chunk[i] - 1) / d.layout.chunk[i]
		if d.limits[i] < 0 || n > 0 && stride > (1<<52)/n {
			return nil, malformed("HDF5 chunk index for shape %v within %v", d.Shape, d.limits)
		}
		out[i] = stride
		stride *= max(n, 1)
	}
	if unlimited >= 0 {
		out[unlimited] = stride
		if n := d.Shape[unlimited]/d.layout.chunk[unlimited] + 1; stride > (1<<60)/n {
			return nil, malformed("HDF5 chunk index for shape %v within %v", d.Shape, d.limits)
		}
	}
	return out, nil
}

// chunkArray is a fixed or extensible array of chunks.
type chunkArray interface {
	get(i int64) ([]byte, error) // nil where nothing was stored
	filtered() bool
}

func (d *Dataset) array() (chunkArray, int, error) {
	if d.layout.index == indexFixed {
		a, err := d.f.fixedArray(d.layout.addr)
		return a, -1, err
	}
	unlimited := -1
	for i, n := range d.limits {
		if n < 0 {
			unlimited = i
		}
	}
	if unlimited < 0 {
		return nil, 0, malformed("HDF5 extensible array for a shape with an end")
	}
	a, err := d.f.extensibleArray(d.layout.addr)
	return a, unlimited, err
}

// tree1 walks a B-tree of version 1 over chunks (section III.A.1).
func (d *Dataset) tree1(b box, keep func([]int64, uint64, int64, uint32) error) error {
	var node func(addr uint64, level int) error
	node = func(addr uint64, level int) error {
		h, err := d.f.treeNode(addr, 1, level, len(d.Shape)+1)
		if err != nil {
			return err
		}
		key := func() (size int64, mask uint32, at []int64) {
			size, mask = int64(h.keys.u32()), h.keys.u32()
			at = make([]int64, len(d.Shape))
			for i := range at {
				at[i] = h.keys.length(8) / d.layout.chunk[i]
			}
			h.keys.skip(8)
			return size, mask, at
		}
		size, mask, at := key()
		for range h.used {
			child := h.keys.u(d.f.offSize)
			nextSize, nextMask, next := key()
			switch {
			case h.keys.short:
				return malformed("HDF5 B-tree cut short")
			case before(b.last, at):
				return nil
			case h.level == 0 && b.holds(at):
				err = keep(at, child, size, mask)
			case h.level > 0 && before(b.first, next):
				err = node(child, h.level-1)
			}
			if err != nil {
				return err
			}
			size, mask, at = nextSize, nextMask, next
		}
		return nil
	}
	return node(d.layout.addr, -1)
}

// before compares places, the first axis first.
func before(a, b []int64) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

func (d *Dataset) chunkTree2(b box, keep func([]int64, uint64, int64, uint32) error) error {
	kind, f, rank := byte(10), d.f, len(d.Shape)
	if len(d.filters) > 0 {
		kind = 11
	}
	t, err := f.tree2(d.layout.addr, kind)
	if err != nil {
		return err
	}
	lead := t.record - 8*rank
	if kind == 10 && lead != f.offSize || kind == 11 && (lead < f.offSize+5 || lead > f.offSize+12) {
		return malformed("HDF5 chunk records of %d bytes", t.record)
	}
	at := make([]int64, rank)
	place := func(rec []byte) {
		for i := range at {
			at[i] = int64(binary.LittleEndian.Uint64(rec[lead+8*i:]) & (1<<62 - 1))
		}
	}
	side := func(rec []byte) int {
		place(rec)
		switch {
		case before(at, b.first):
			return -1
		case before(b.last, at):
			return 1
		}
		return 0
	}
	return t.walk(side, func(rec []byte) (bool, error) {
		if place(rec); !b.holds(at) {
			return true, nil
		}
		c := &cursor{b: rec[:lead]}
		addr, size, mask := c.u(f.offSize), d.layout.size, uint32(0)
		if kind == 11 {
			size, mask = c.length(lead-f.offSize-4), c.u32()
		}
		return true, keep(at, addr, size, mask)
	})
}

// log2 is the logarithm of a power of two, rounded down.
func log2(n int64) int { return bits.Len64(uint64(n)) - 1 }

package hdf5

import (
	"cmp"
	"encoding/binary"
	"math/bits"
)

// dense walks a group of the new form with many entries: links in a fractal
// heap, found by a B-tree over the hashes of their names (section IV.A.2.c).
func (f *File) dense(heap, tree uint64, name string, each func(link) bool) error {
	h, err := f.fractal(heap)
	if err != nil {
		return err
	}
	t, err := f.tree2(tree, 5)
	if err != nil {
		return err
	}
	if t.record < 4+h.idSize {
		return malformed("HDF5 name records of %d bytes", t.record)
	}
	want, seen := lookup3([]byte(name)), 0
	side := func(rec []byte) int {
		if name == "" {
			return 0
		}
		return cmp.Compare(binary.LittleEndian.Uint32(rec), want)
	}
	return t.walk(side, func(rec []byte) (bool, error) {
		if seen++; seen > maxLinks {
			return false, malformed("HDF5 group of more than %d entries", maxLinks)
		}
		b, err := h.get(rec[4 : 4+h.idSize])
		if err != nil {
			return false, err
		}
		l, err := f.parseLink(b)
		if err != nil {
			return false, err
		}
		return each(l), nil
	})
}

// fractalHeap holds small objects in blocks of doubling size (section III.G).
type fractalHeap struct {
	f                *File
	idSize           int
	offSize, lenSize int // bytes of an offset and of a length in an ID
	width            uint64
	start, maxDirect uint64 // bytes of the first blocks and of the largest direct ones
	root             uint64
	rows             int // of the root; 0: it is a direct block
	blockOff         int // bytes of a block's offset
	directRows       int
	maxHeap          int // bits of an offset
}

func (f *File) fractal(addr uint64) (*fractalHeap, error) {
	c, err := f.signed(addr, int64(26+12*f.lenSize+3*f.offSize), "FRHP")
	if err != nil {
		if b, e := f.meta(addr, 9); e == nil && string(b[:4]) == "FRHP" && (b[7] != 0 || b[8] != 0) {
			return nil, unsupported("HDF5 group whose names are compressed")
		}
		return nil, err
	}
	c.skip(1)
	h := &fractalHeap{f: f, idSize: int(c.u16())}
	filtered := c.u16()
	c.skip(1)
	maxObject := c.u32()
	c.skip(f.lenSize + f.offSize + f.lenSize + f.offSize + 8*f.lenSize)
	h.width, h.start, h.maxDirect = uint64(c.u16()), c.u(f.lenSize), c.u(f.lenSize)
	h.maxHeap = int(c.u16())
	c.skip(2)
	h.root, h.rows = c.u(f.offSize), int(c.u16())
	if err := c.check("fractal heap"); err != nil {
		return nil, err
	}
	pow := func(v uint64) bool { return v > 0 && v&(v-1) == 0 && v < 1<<32 }
	if filtered != 0 || !pow(h.width) || !pow(h.start) || !pow(h.maxDirect) || h.maxDirect < h.start || h.maxHeap > 64 || h.rows > 64 {
		return nil, malformed("HDF5 fractal heap of %d blocks of %d bytes", h.width, h.start)
	}
	h.blockOff = (h.maxHeap + 7) / 8
	h.offSize = h.blockOff
	h.lenSize = min(limitSize(h.maxDirect), limitSize(uint64(maxObject)))
	h.directRows = bits.TrailingZeros64(h.maxDirect) - bits.TrailingZeros64(h.start) + 2
	return h, nil
}

// get returns the object of an ID.
func (h *fractalHeap) get(id []byte) ([]byte, error) {
	c := &cursor{b: id}
	switch c.u8() >> 4 & 3 {
	case 0:
	case 2:
		n := int(id[0]&15) + 1
		b := c.take(n)
		return b, c.check("heap ID")
	default:
		return nil, unsupported("HDF5 heap object of its own block")
	}
	off, n := c.u(h.offSize), c.length(h.lenSize)
	if err := c.check("heap ID"); err != nil {
		return nil, err
	}
	addr, err := h.locate(h.root, h.rows, off, 0)
	if err != nil {
		return nil, err
	}
	return h.f.meta(addr, n)
}

// rowSize is the size of the blocks in a row.
func (h *fractalHeap) rowSize(row int) uint64 { return h.start << max(0, row-1) }

// locate is the address of the byte at an offset of the heap, which a block of
// so many rows holds; without rows it is a direct one.
func (h *fractalHeap) locate(block uint64, rows int, off uint64, depth int) (uint64, error) {
	if rows == 0 {
		return block + off, nil
	}
	if depth > 8 {
		return 0, malformed("HDF5 fractal heap of depth %d", depth)
	}
	row := 0
	for row < rows && off >= h.width*h.rowSize(row) {
		off -= h.width * h.rowSize(row)
		row++
	}
	if row == rows {
		return 0, malformed("HDF5 heap object beyond the heap")
	}
	size := h.rowSize(row)
	entry := row*int(h.width) + int(off/size)
	b, err := h.f.meta(block, int64(5+h.f.offSize+h.blockOff+(entry+1)*h.f.offSize))
	if err != nil {
		return 0, err
	}
	if string(b[:4]) != "FHIB" {
		return 0, malformed("no HDF5 indirect block at %#x", block)
	}
	c := &cursor{b: b[len(b)-h.f.offSize:]}
	child, below := c.u(h.f.offSize), 0
	if row >= h.directRows {
		below = bits.Len64(size / (h.width * h.start))
		if below < 1 {
			return 0, malformed("HDF5 fractal heap with an indirect block of %d bytes", size)
		}
	}
	return h.locate(child, below, off%size, depth+1)
}

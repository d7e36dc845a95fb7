package hdf5

// fixedArray is the index of a dataset whose shape has an end (appendix C.4).
type fixedArray struct {
	f      *File
	client byte
	elem   int
	page   int64 // elements of a page
	count  int64
	block  uint64
	pages  pages
}

func (a *fixedArray) filtered() bool { return a.client == 1 }

func (f *File) fixedArray(addr uint64) (*fixedArray, error) {
	c, err := f.signed(addr, int64(12+f.lenSize+f.offSize), "FAHD")
	if err != nil {
		return nil, err
	}
	c.skip(1)
	a := &fixedArray{f: f, client: c.u8(), elem: int(c.u8())}
	bits := c.u8()
	a.count, a.block = c.length(f.lenSize), c.u(f.offSize)
	if a.elem < f.offSize || bits > 40 || a.client > 1 || a.client == 1 && (a.elem < f.offSize+5 || a.elem > f.offSize+12) {
		return nil, malformed("HDF5 fixed array with elements of %d bytes", a.elem)
	}
	a.page = 1 << bits
	a.pages = pages{f: f, elem: a.elem}
	return a, c.check("fixed array")
}

func (a *fixedArray) get(i int64) ([]byte, error) {
	if i < 0 || i >= a.count {
		return nil, malformed("chunk %d of an HDF5 fixed array of %d", i, a.count)
	}
	if a.f.undefined(a.block) {
		return nil, nil
	}
	lead := int64(6 + a.f.offSize)
	if a.count <= a.page {
		return a.pages.get(a.block, "FADB", lead, a.count, i)
	}
	n := (a.count + a.page - 1) / a.page
	bitmap := (n + 7) / 8
	head, err := a.pages.head(a.block, "FADB", lead+bitmap)
	if err != nil {
		return nil, err
	}
	p := i / a.page
	if head[lead+p/8]&(0x80>>(p%8)) == 0 {
		return nil, nil
	}
	at := a.block + uint64(lead+bitmap+4) + uint64(p*(a.page*int64(a.elem)+4))
	return a.pages.get(at, "", 0, min(a.page, a.count-p*a.page), i%a.page)
}

// pages reads blocks of elements with their checksum and keeps the last ones.
type pages struct {
	f        *File
	elem     int
	addr     uint64
	elements []byte
	headAddr uint64
	headData []byte
}

// get returns element i of the n behind lead bytes of a block.
func (p *pages) get(addr uint64, sig string, lead, n, i int64) ([]byte, error) {
	if p.elements == nil || p.addr != addr {
		if n > maxMeta {
			return nil, malformed("HDF5 array of %d elements in one block", n)
		}
		c, err := p.f.signed(addr, lead+n*int64(p.elem)+4, sig)
		if err != nil {
			return nil, err
		}
		c.skip(int(lead) - len(sig))
		p.addr, p.elements = addr, c.b
	}
	return p.elements[i*int64(p.elem) : (i+1)*int64(p.elem)], nil
}

// head returns the n bytes before a checksum.
func (p *pages) head(addr uint64, sig string, n int64) ([]byte, error) {
	if p.headData == nil || p.headAddr != addr {
		b, err := p.f.meta(addr, n+4)
		if err != nil {
			return nil, err
		}
		if _, err := verified(b, sig); err != nil {
			return nil, err
		}
		p.headAddr, p.headData = addr, b[:n]
	}
	return p.headData, nil
}

// extensibleArray is the index of a dataset with one axis without end
// (appendix C.5): the first elements lie in the index block, the others in data
// blocks of growing size, of which later ones are found by super blocks.
type extensibleArray struct {
	f           *File
	client      byte
	elem        int
	offSize     int   // bytes of an offset in the array
	inIndex     int64 // elements in the index block
	least       int64 // elements of the smallest data block
	leastPtrs   int64 // data blocks of the smallest super block
	page        int64 // elements of a page
	maxBits     int
	index       []byte // the index block's elements and addresses
	data, super pages
}

func (a *extensibleArray) filtered() bool { return a.client == 1 }

func (f *File) extensibleArray(addr uint64) (*extensibleArray, error) {
	c, err := f.signed(addr, int64(16+6*f.lenSize+f.offSize), "EAHD")
	if err != nil {
		return nil, err
	}
	c.skip(1)
	a := &extensibleArray{f: f, client: c.u8(), elem: int(c.u8())}
	a.maxBits = int(c.u8())
	a.inIndex, a.least, a.leastPtrs = int64(c.u8()), int64(c.u8()), int64(c.u8())
	pageBits := int(c.u8())
	c.skip(6 * f.lenSize)
	block := c.u(f.offSize)
	if err := c.check("extensible array"); err != nil {
		return nil, err
	}
	pow := func(n int64) bool { return n > 0 && n&(n-1) == 0 }
	if a.elem < f.offSize || a.client > 1 || a.client == 1 && (a.elem < f.offSize+5 || a.elem > f.offSize+12) || !pow(a.least) || !pow(a.leastPtrs) || a.leastPtrs < 2 || pageBits > 40 || a.maxBits > 52 || a.maxBits < log2(a.least) {
		return nil, malformed("HDF5 extensible array with elements of %d bytes", a.elem)
	}
	a.page, a.offSize = 1<<pageBits, (a.maxBits+7)/8
	a.data, a.super = pages{f: f, elem: a.elem}, pages{f: f, elem: f.offSize}
	if f.undefined(block) {
		return a, nil
	}
	lead := int64(6 + f.offSize)
	n := lead + a.inIndex*int64(a.elem) + (a.direct()+a.supers())*int64(f.offSize)
	b, err := a.super.head(block, "EAIB", n)
	if err != nil {
		return nil, err
	}
	a.index = b[lead:]
	return a, nil
}

// direct is the number of data blocks that the index block knows, supers that
// of the super blocks.
func (a *extensibleArray) direct() int64 { return 2 * (a.leastPtrs - 1) }
func (a *extensibleArray) supers() int64 {
	return max(0, int64(1+a.maxBits-log2(a.least)-2*log2(a.leastPtrs)))
}

func (a *extensibleArray) get(i int64) ([]byte, error) {
	if i < 0 || i >= 1<<52 {
		return nil, malformed("chunk %d of an HDF5 extensible array", i)
	}
	if a.index == nil {
		return nil, nil
	}
	if i < a.inIndex {
		return a.index[i*int64(a.elem) : (i+1)*int64(a.elem)], nil
	}
	i -= a.inIndex
	s := log2(i/a.least + 1) // the super block: 1<<(s/2) data blocks of least<<((s+1)/2)
	var block int64          // number of its first data block
	for k := range s {
		block += 1 << (k / 2)
		i -= a.least << ((k + 1) / 2) << (k / 2)
	}
	size := a.least << ((s + 1) / 2)
	var addr uint64
	paged := size > a.page
	within := i / size
	ptrs := a.index[a.inIndex*int64(a.elem):]
	bit := true
	if s < 2*log2(a.leastPtrs) {
		addr = a.pointer(ptrs, block+within)
	} else {
		k := a.direct() + int64(s-2*log2(a.leastPtrs))
		if (k+1)*int64(a.f.offSize) > int64(len(ptrs)) {
			return nil, malformed("chunk of an HDF5 extensible array beyond its end")
		}
		at := a.pointer(ptrs, k)
		if a.f.undefined(at) {
			return nil, nil
		}
		blocks, bitmap := int64(1)<<(s/2), int64(0)
		if paged {
			bitmap = (size/a.page + 7) / 8
		}
		lead := int64(6 + a.f.offSize + a.offSize)
		b, err := a.super.head(at, "EASB", lead+blocks*bitmap+blocks*int64(a.f.offSize))
		if err != nil {
			return nil, err
		}
		addr = a.pointer(b[lead+blocks*bitmap:], within)
		if paged {
			p := within*(size/a.page) + i%size/a.page
			bit = b[lead+p/8]&(0x80>>(p%8)) != 0
		}
	}
	if a.f.undefined(addr) || !bit {
		return nil, nil
	}
	lead := int64(6 + a.f.offSize + a.offSize)
	i %= size
	if !paged {
		return a.data.get(addr, "EADB", lead, size, i)
	}
	at := addr + uint64(lead+4) + uint64(i/a.page*(a.page*int64(a.elem)+4))
	return a.data.get(at, "", 0, a.page, i%a.page)
}

func (a *extensibleArray) pointer(b []byte, i int64) uint64 {
	c := &cursor{b: b[i*int64(a.f.offSize):]}
	return c.u(a.f.offSize)
}

package hdf5

// Types of header messages (section IV.A.2) that are read.
const (
	msgDataspace    = 0x01
	msgLinkInfo     = 0x02
	msgDatatype     = 0x03
	msgOldFill      = 0x04
	msgFill         = 0x05
	msgLink         = 0x06
	msgExternal     = 0x07
	msgLayout       = 0x08
	msgFilters      = 0x0b
	msgAttribute    = 0x0c
	msgContinuation = 0x10
	msgSymbolTable  = 0x11
)

// message is one message of an object header.
type message struct {
	typ   uint16
	flags byte
	data  []byte
}

// shared is the flag of a message that lies elsewhere.
const shared = 2

// object is the header of a group or dataset.
type object struct {
	addr     uint64
	messages []message
}

// find returns the first message of a type.
func (o *object) find(typ uint16) (message, bool) {
	for _, m := range o.messages {
		if m.typ == typ {
			return m, true
		}
	}
	return message{}, false
}

func (o *object) isGroup() bool {
	for _, typ := range []uint16{msgLinkInfo, msgLink, msgSymbolTable} {
		if _, ok := o.find(typ); ok {
			return true
		}
	}
	return false
}

// Bounds of one object header: real ones have tens of messages.
const (
	maxMessages = 1 << 17
	maxBlocks   = 1 << 10
)

// object reads an object header of version 1 or 2 (section IV.A.1).
func (f *File) object(addr uint64) (*object, error) {
	head, err := f.meta(addr, 16)
	if err != nil {
		return nil, err
	}
	o := &object{addr: addr}
	switch {
	case string(head[:4]) == "OHDR":
		return o, f.objectV2(o, head)
	case head[0] == 1:
		c := &cursor{b: head[8:]}
		return o, f.objectV1(o, c.length(4))
	}
	return nil, malformed("no HDF5 object header at %#x", addr)
}

func (f *File) objectV1(o *object, size int64) error {
	first, err := f.meta(o.addr+16, size)
	if err != nil {
		return err
	}
	total := size
	for queue := [][]byte{first}; len(queue) > 0; queue = queue[1:] {
		c := &cursor{b: queue[0]}
		for len(c.b) >= 8 {
			typ, n, flags := c.u16(), int(c.u16()), c.u8()
			c.skip(3)
			data := c.take(n)
			if c.short || len(o.messages) > maxMessages {
				return malformed("HDF5 header message of %d bytes", n)
			}
			if typ != msgContinuation {
				o.messages = append(o.messages, message{typ, flags, data})
				continue
			}
			more := &cursor{b: data}
			at, length := more.u(f.offSize), more.length(f.lenSize)
			if total += length; more.short || length > maxMeta || total > maxMeta || len(queue) > maxBlocks {
				return malformed("HDF5 object header of %d bytes", total)
			}
			b, err := f.meta(at, length)
			if err != nil {
				return err
			}
			queue = append(queue, b)
		}
	}
	return nil
}

func (f *File) objectV2(o *object, head []byte) error {
	flags := head[5]
	lead := 6
	if head[4] != 2 {
		return unsupported("HDF5 object header of version %d", head[4])
	}
	if flags&0x20 != 0 {
		lead += 16
	}
	if flags&0x10 != 0 {
		lead += 4
	}
	sizeLen := 1 << (flags & 3)
	whole, err := f.meta(o.addr, int64(lead+sizeLen))
	if err != nil {
		return err
	}
	c := &cursor{b: whole[lead:]}
	size := c.length(sizeLen)
	if size > maxMeta {
		return malformed("HDF5 object header of %d bytes", size)
	}
	if c, err = f.signed(o.addr, int64(lead+sizeLen)+size+4, "OHDR"); err != nil {
		return err
	}
	c.skip(lead + sizeLen - 4)
	total := size
	for queue := []*cursor{c}; len(queue) > 0; queue = queue[1:] {
		for c := queue[0]; ; {
			m, ok := nextV2(c, flags&4 != 0)
			if !ok {
				break
			}
			if len(o.messages) > maxMessages {
				return malformed("HDF5 object header of %d messages", len(o.messages))
			}
			if m.typ != msgContinuation {
				o.messages = append(o.messages, m)
				continue
			}
			more := &cursor{b: m.data}
			at, length := more.u(f.offSize), more.length(f.lenSize)
			if total += length; more.short || length > maxMeta || total > maxMeta || len(queue) > maxBlocks {
				return malformed("HDF5 object header of %d bytes", total)
			}
			next, err := f.signed(at, length, "OCHK")
			if err != nil {
				return err
			}
			queue = append(queue, next)
		}
	}
	return nil
}

// nextV2 takes the next message; what is too short for one is a gap.
func nextV2(c *cursor, ordered bool) (m message, ok bool) {
	need := 4
	if ordered {
		need = 6
	}
	if len(c.b) < need {
		return m, false
	}
	m.typ = uint16(c.u8())
	n := int(c.u16())
	m.flags = c.u8()
	c.skip(need - 4)
	m.data = c.take(n)
	return m, !c.short
}

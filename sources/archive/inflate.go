package archive

import (
	"errors"
	"io"
)

// inflate unpacks DEFLATE (RFC 1951) and Deflate64 (method 9 of APPNOTE 4.4.5:
// a window of 64 KiB, two more distances, and a longest match of 65,538 bytes).
// Unlike the libraries it tells the bit that it stands at, and can begin there
// again: what random access in .gz files needs.
type inflate struct {
	in   *window
	wide bool   // Deflate64
	acc  uint64 // what was read and not used, lowest bit first
	n    uint   // how many bits of it are certain

	buf     []byte // history, then what was unpacked
	lo      int    // where the history begins
	rd, wr  int    // buf[rd:wr] was not taken yet
	out     int64  // unpacked so far
	histLen int

	state    inflateState
	final    bool
	head     int64 // the bit that the block's header begins at
	stored   int64 // bytes that a stored block still has
	copyLen  int
	copyDist int

	lit, dist       *huffman
	ownLit, ownDist huffman
	err             error
}

type inflateState uint8

const (
	atHeader inflateState = iota
	inStored
	inCodes
	atEnd
)

// errDeflate marks packed data that cannot be.
var errDeflate = errors.New("damaged DEFLATE data")

const inflateChunk = 64 << 10

// newInflate begins at the window's next byte. dict is what was unpacked
// before.
func newInflate(in *window, wide bool, dict []byte) *inflate {
	f := &inflate{in: in, wide: wide, histLen: 32 << 10}
	if wide {
		f.histLen = 64 << 10
	}
	f.buf = make([]byte, f.histLen+inflateChunk)
	f.rd, f.wr = f.histLen, f.histLen
	dict = dict[max(0, len(dict)-f.histLen):]
	f.lo = f.histLen - len(dict)
	copy(f.buf[f.lo:], dict)
	return f
}

// restart begins a new stream in the same input, at a byte.
func (f *inflate) restart() { f.state, f.final, f.lo = atHeader, false, f.wr }

// at is the bit that comes next.
func (f *inflate) at() int64 { return f.in.pos()*8 - int64(f.n) }

// seek goes to a bit.
func (f *inflate) seek(bit int64) error {
	f.in.seek(bit / 8)
	f.acc, f.n = 0, 0
	if k := uint(bit % 8); k > 0 {
		return f.skip(k)
	}
	return nil
}

func (f *inflate) skip(k uint) error {
	if err := f.need(k); err != nil {
		return err
	}
	f.acc >>= k
	f.n -= k
	return nil
}

// resume goes on at a bit within the block whose header begins at another.
func (f *inflate) resume(head, bit int64) error {
	if err := f.seek(head); err != nil {
		return err
	}
	if head == bit {
		return nil
	}
	if err := f.header(); err != nil {
		return err
	}
	begin := f.at()
	if bit < begin {
		return errDeflate
	}
	if f.state == inStored {
		if f.stored -= (bit - begin) / 8; f.stored < 0 {
			return errDeflate
		}
	}
	return f.seek(bit)
}

func (f *inflate) Close() error { return nil }

func (f *inflate) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for f.rd == f.wr {
		if f.err != nil {
			return 0, f.err
		}
		if f.state == atEnd && f.copyLen == 0 {
			return 0, io.EOF
		}
		f.err = f.step()
	}
	n := copy(p, f.buf[f.rd:f.wr])
	f.rd += n
	return n, nil
}

// history is the window before the next byte; valid until the next Read.
func (f *inflate) history() []byte { return f.buf[max(f.lo, f.wr-f.histLen):f.wr] }

// step unpacks until the buffer is full or the state changes.
func (f *inflate) step() error {
	if f.wr > f.histLen {
		shift := f.wr - f.histLen
		copy(f.buf, f.buf[shift:f.wr])
		f.lo = max(0, f.lo-shift)
		f.rd, f.wr = f.histLen, f.histLen
	}
	before := f.wr
	var err error
	switch {
	case f.copyLen > 0:
		f.copy()
	case f.state == atHeader:
		err = f.header()
	case f.state == inStored:
		err = f.raw()
	case f.state == inCodes:
		err = f.codes()
	}
	f.out += int64(f.wr - before)
	return err
}

// refill makes sure of 56 bits, or of what is left.
func (f *inflate) refill() error {
	if len(f.in.buf) >= 8 {
		f.acc |= le.Uint64(f.in.buf) << f.n
		k := (63 - f.n) >> 3
		f.in.buf = f.in.buf[k:]
		f.n += k * 8
		return nil
	}
	for f.n < 56 {
		c, err := f.in.ReadByte()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		f.acc |= uint64(c) << f.n
		f.n += 8
	}
	return nil
}

func (f *inflate) need(k uint) error {
	if f.n < k {
		if err := f.refill(); err != nil {
			return err
		}
		if f.n < k {
			return io.ErrUnexpectedEOF
		}
	}
	return nil
}

func (f *inflate) take(k uint) (uint64, error) {
	if err := f.need(k); err != nil {
		return 0, err
	}
	v := f.acc & (1<<k - 1)
	f.acc >>= k
	f.n -= k
	return v, nil
}

// align drops the rest of a byte.
func (f *inflate) align() {
	k := f.n % 8
	f.acc >>= k
	f.n -= k
}

// byte takes a byte after align.
func (f *inflate) byte() (byte, error) {
	v, err := f.take(8)
	return byte(v), err
}

func (f *inflate) header() error {
	f.head = f.at()
	v, err := f.take(3)
	if err != nil {
		return err
	}
	f.final = v&1 != 0
	switch v >> 1 {
	case 0:
		f.align()
		v, err := f.take(32)
		if err != nil {
			return err
		}
		if uint16(v) != ^uint16(v>>16) {
			return errDeflate
		}
		f.stored, f.state = int64(uint16(v)), inStored
		return nil
	case 1:
		f.lit, f.dist, f.state = fixedLit(), fixedDist(), inCodes
		return nil
	case 2:
		f.state = inCodes
		return f.tables()
	}
	return errDeflate
}

// raw takes from a stored block.
func (f *inflate) raw() error {
	for f.n >= 8 && f.stored > 0 && f.wr < len(f.buf) {
		f.buf[f.wr] = byte(f.acc)
		f.acc >>= 8
		f.n -= 8
		f.wr++
		f.stored--
	}
	if f.n < 8 {
		f.acc, f.n = 0, 0
	}
	if k := int(min(f.stored, int64(len(f.buf)-f.wr))); k > 0 && f.n == 0 {
		got, err := io.ReadFull(f.in, f.buf[f.wr:f.wr+k])
		f.wr += got
		f.stored -= int64(got)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
	if f.stored == 0 {
		f.endBlock()
	}
	return nil
}

func (f *inflate) endBlock() {
	f.state = atHeader
	if f.final {
		f.state = atEnd
	}
}

// copy repeats what was unpacked, as far as there is room.
func (f *inflate) copy() {
	k := min(f.copyLen, len(f.buf)-f.wr)
	f.copyLen -= k
	to, from := f.wr, f.wr-f.copyDist
	f.wr += k
	if f.copyDist >= k {
		copy(f.buf[to:to+k], f.buf[from:from+k])
		return
	}
	for k > 0 {
		n := copy(f.buf[to:to+k], f.buf[from:to])
		to += n
		k -= n
	}
}

// Lengths and distances of RFC 1951, section 3.2.5.
var (
	lengthBase = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthBits = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBase   = [32]uint32{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577, 32769, 49153}
)

// codes unpacks coded symbols.
func (f *inflate) codes() error {
	lit, dist := f.lit, f.dist
	for f.wr < len(f.buf) {
		if f.n < 48 {
			if err := f.refill(); err != nil {
				return err
			}
		}
		e := lit.find(f.acc)
		k := uint(e & 31)
		if k == 0 {
			return f.short()
		}
		if k > f.n {
			return io.ErrUnexpectedEOF
		}
		f.acc >>= k
		f.n -= k
		sym := e >> 8
		if sym < 256 {
			f.buf[f.wr] = byte(sym)
			f.wr++
			continue
		}
		if sym == 256 {
			f.endBlock()
			return nil
		}
		if err := f.match(sym-257, dist); err != nil {
			return err
		}
	}
	return nil
}

// match reads the rest of a length and a distance, and repeats.
func (f *inflate) match(sym uint32, dist *huffman) error {
	if sym >= 29 {
		return errDeflate
	}
	length, extra := int(lengthBase[sym]), uint(lengthBits[sym])
	if f.wide && sym == 28 {
		length, extra = 3, 16
	}
	v, err := f.take(extra)
	if err != nil {
		return err
	}
	length += int(v)
	if f.n < 30 {
		if err := f.refill(); err != nil {
			return err
		}
	}
	e := dist.find(f.acc)
	k := uint(e & 31)
	if k == 0 {
		return f.short()
	}
	if k > f.n {
		return io.ErrUnexpectedEOF
	}
	f.acc >>= k
	f.n -= k
	sym = e >> 8
	if sym >= 32 || sym >= 30 && !f.wide {
		return errDeflate
	}
	if v, err = f.take(uint(max(sym, 2)/2 - 1)); err != nil {
		return err
	}
	f.copyLen, f.copyDist = length, int(distBase[sym])+int(v)
	if f.copyDist > f.wr-f.lo || f.copyDist > f.histLen {
		f.copyLen = 0
		return errDeflate
	}
	f.copy()
	return nil
}

// short tells bits that are no code from too few bits for one.
func (f *inflate) short() error {
	if f.n < maxCode {
		return io.ErrUnexpectedEOF
	}
	return errDeflate
}

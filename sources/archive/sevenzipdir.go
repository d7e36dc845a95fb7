package archive

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"strings"
	"unicode/utf16"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// The header of a 7z archive (7zFormat.txt of the LZMA SDK) is read by own
// code: what it claims is held to its length before memory is asked for, and
// the library that unpacks is only ever shown a header of one folder.

const (
	sevenStart     = 32       // bytes of the signature header
	maxSevenHeader = 64 << 20 // unpacked; about two million members
	maxCoders      = 16
)

// Property IDs of 7zFormat.txt.
const (
	k7End = iota
	k7Header
	k7ArchiveProperties
	k7AdditionalStreams
	k7MainStreams
	k7Files
	k7PackInfo
	k7UnpackInfo
	k7SubStreams
	k7Size
	k7CRC
	k7Folder
	k7UnpackSize
	k7NumUnpackStream
	k7EmptyStream
	k7EmptyFile
	k7Anti
	k7Names
	k7CTime
	k7ATime
	k7MTime
	k7Attributes
	k7Comment
	k7EncodedHeader
	k7StartPos
	k7Dummy
)

var (
	sevenMagic = []byte{'7', 'z', 0xbc, 0xaf, 0x27, 0x1c}
	errSeven   = fmt.Errorf("%w: 7z header", ErrFormat)
)

// sevenFolder is a stream of one or many files, and the coders that made it.
type sevenFolder struct {
	Spec      []byte   // as it stands in the header
	Unpack    []uint64 // what each coder gives
	Main      int      // the coder that gives the folder
	Off       int64    // of its packed streams in the archive
	Pack      []int64  // their lengths
	Encrypted bool

	crc   uint32
	known bool // crc is
}

func (f *sevenFolder) size() int64   { return int64(f.Unpack[f.Main]) }
func (f *sevenFolder) packed() int64 { return sum(f.Pack) }

func sum(v []int64) (n int64) {
	for _, x := range v {
		n += x
	}
	return n
}

// sevenReader reads numbers; after the first failure all are zero.
type sevenReader struct {
	b   []byte
	bad bool
}

func (r *sevenReader) fail() { r.bad, r.b = true, nil }

func (r *sevenReader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail()
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *sevenReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// number is of one to nine bytes: as many bits of the first one as are set say
// how many follow.
func (r *sevenReader) number() uint64 {
	first := r.byte()
	n := bits.LeadingZeros8(^first)
	var v uint64
	for i, b := range r.take(n) {
		v |= uint64(b) << (8 * i)
	}
	if n < 7 {
		v |= uint64(first&(1<<(7-n)-1)) << (8 * n)
	}
	return v
}

// size is a number of bytes in the archive or unpacked.
func (r *sevenReader) size() int64 {
	v := r.number()
	if v > 1<<60 {
		r.fail()
		return 0
	}
	return int64(v)
}

// count is a number of things of which each takes at least one byte of the
// header, or one bit.
func (r *sevenReader) count() int {
	v := r.number()
	if v > uint64(len(r.b))*8 {
		r.fail()
		return 0
	}
	return int(v)
}

func (r *sevenReader) bools(n int) []bool {
	b := r.take((n + 7) / 8)
	if b == nil && n > 0 {
		return nil
	}
	out := make([]bool, n)
	for i := range out {
		out[i] = b[i/8]>>(7-i%8)&1 != 0
	}
	return out
}

// digests reads CRCs, those that are defined.
func (r *sevenReader) digests(n int) (crc []uint32, known []bool) {
	if r.byte() == 0 {
		known = r.bools(n)
	} else if n <= len(r.b) {
		known = make([]bool, n)
		for i := range known {
			known[i] = true
		}
	}
	if len(known) != n {
		r.fail()
		return nil, nil
	}
	crc = make([]uint32, n)
	for i := range crc {
		if known[i] {
			if b := r.take(4); b != nil {
				crc[i] = le.Uint32(b)
			}
		}
	}
	return crc, known
}

// readSeven returns the archive's header, unpacked.
func readSeven(ctx context.Context, b blob.Blob, env Env) ([]byte, error) {
	var h [sevenStart]byte
	if b.Size() < sevenStart {
		return nil, fmt.Errorf("%w: cut off", errSeven)
	}
	if err := readFull(b, h[:], 0); err != nil {
		return nil, err
	}
	if string(h[:6]) != string(sevenMagic) || le.Uint32(h[8:]) != crc32.ChecksumIEEE(h[12:32]) {
		return nil, fmt.Errorf("%w: not at the beginning", errSeven)
	}
	off, n, crc := le.Uint64(h[12:]), le.Uint64(h[20:]), le.Uint32(h[28:])
	if n == 0 {
		return nil, nil // an empty archive
	}
	if off > uint64(b.Size())-sevenStart || n > uint64(b.Size())-sevenStart-off {
		return nil, fmt.Errorf("%w: cut off: it should have %d bytes", errSeven, off+n+sevenStart)
	}
	if n > maxSevenHeader {
		return nil, fmt.Errorf("%w: a header of %d bytes", ErrLimit, n)
	}
	data := make([]byte, n)
	if err := readFull(b, data, int64(off)+sevenStart); err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(data) != crc {
		return nil, fmt.Errorf("%w: 7z header", ErrChecksum)
	}
	for range 4 { // the header may be packed, and the header of that, too
		if len(data) == 0 || data[0] != k7EncodedHeader {
			return data, nil
		}
		r := &sevenReader{b: data[1:]}
		folders, _ := r.streams(b.Size())
		if r.bad || len(folders) != 1 {
			return nil, errSeven
		}
		f := &folders[0]
		if f.Encrypted {
			return nil, fmt.Errorf("%w: encrypted, with its names", ErrUnsupported)
		}
		if f.size() > maxSevenHeader {
			return nil, fmt.Errorf("%w: a header of %d bytes", ErrLimit, f.size())
		}
		if err := f.check(env.Limits); err != nil {
			return nil, err
		}
		s := f.stream(b, env, "")
		data = make([]byte, f.size())
		if err := s.readSmall(ctx, data); err != nil {
			return nil, err
		}
		if f.known && crc32.ChecksumIEEE(data) != f.crc {
			return nil, fmt.Errorf("%w: 7z header", ErrChecksum)
		}
	}
	return nil, errSeven
}

// readSmall fills p with all of the stream, past the spool.
func (s *stream) readSmall(ctx context.Context, p []byte) error {
	c := s.newCursor(0)
	defer c.close()
	c.src.bind(ctx, s.src)
	err := c.begin()
	if err == nil {
		_, err = io.ReadFull(c.r, p)
	}
	if err != nil {
		return c.explain(err)
	}
	return nil
}

// sevenSubs are the files of a folder.
type sevenSubs struct {
	sizes []int64
	crc   []uint32
	known []bool
}

// streams reads StreamsInfo: the folders and what is in each.
func (r *sevenReader) streams(size int64) (folders []sevenFolder, subs []sevenSubs) {
	id := r.byte()
	var pack []int64
	at := int64(0)
	if id == k7PackInfo {
		at, pack = r.packInfo(size)
		id = r.byte()
	}
	if id == k7UnpackInfo {
		folders = r.unpackInfo()
		id = r.byte()
	}
	for i := range folders {
		f := &folders[i]
		f.Off = at
		if len(f.Pack) > len(pack) {
			r.fail()
			return nil, nil
		}
		at += sum(pack[:len(f.Pack)])
		pack = pack[copy(f.Pack, pack):]
	}
	subs = make([]sevenSubs, len(folders))
	if id == k7SubStreams {
		r.subStreams(folders, subs)
		id = r.byte()
	} else {
		for i := range folders {
			f := &folders[i]
			subs[i] = sevenSubs{[]int64{f.size()}, []uint32{f.crc}, []bool{f.known}}
		}
	}
	if id != k7End || r.bad {
		r.fail()
		return nil, nil
	}
	return folders, subs
}

func (r *sevenReader) packInfo(size int64) (at int64, pack []int64) {
	at = r.size() + sevenStart
	n := r.count()
	end := at
	for id := r.byte(); id != k7End; id = r.byte() {
		switch {
		case r.bad:
			return 0, nil
		case id == k7Size && n <= len(r.b):
			pack = make([]int64, n)
			for i := range pack {
				pack[i] = r.size()
				if end += pack[i]; end < 0 || end > size {
					r.fail()
					return 0, nil
				}
			}
		case id == k7CRC:
			r.digests(n)
		default:
			r.fail()
			return 0, nil
		}
	}
	if len(pack) != n {
		r.fail()
	}
	return at, pack
}

func (r *sevenReader) unpackInfo() []sevenFolder {
	if r.byte() != k7Folder {
		r.fail()
	}
	n := r.count()
	if r.byte() != 0 || n > len(r.b) { // "external" is what no program writes
		r.fail()
		return nil
	}
	folders := make([]sevenFolder, n)
	for i := range folders {
		if folders[i] = r.folder(); r.bad {
			return nil
		}
	}
	if r.byte() != k7UnpackSize {
		r.fail()
	}
	for i := range folders {
		for j := range folders[i].Unpack {
			folders[i].Unpack[j] = uint64(r.size())
		}
	}
	id := r.byte()
	if id == k7CRC {
		crc, known := r.digests(n)
		for i := range crc {
			folders[i].crc, folders[i].known = crc[i], known[i]
		}
		id = r.byte()
	}
	if id != k7End {
		r.fail()
	}
	return folders
}

// folder reads the coders and how they are bound together.
func (r *sevenReader) folder() (f sevenFolder) {
	begin := r.b
	n := r.number()
	if n == 0 || n > maxCoders {
		r.fail()
		return f
	}
	ins := uint64(0)
	for range n {
		flags := r.byte()
		id := string(r.take(int(flags & 0xf)))
		in := uint64(1)
		if flags&0x10 != 0 {
			in = r.number()
			if out := r.number(); out != 1 || in == 0 || in > maxCoders {
				r.fail()
			}
		}
		ins += in
		if flags&0x20 != 0 {
			r.take(int(min(r.number(), 1<<20)))
		}
		f.Encrypted = f.Encrypted || strings.HasPrefix(id, "\x06\xf1")
		if flags&0xc0 != 0 || r.bad {
			r.fail()
			return f
		}
	}
	bound := make([]bool, n)
	for range n - 1 {
		in, out := r.number(), r.number()
		if in >= ins || out >= n || bound[out] {
			r.fail()
			return f
		}
		bound[out] = true
	}
	for i, b := range bound {
		if !b {
			f.Main = i
		}
	}
	packed := ins - (n - 1)
	if ins < n-1 || packed == 0 {
		r.fail()
		return f
	}
	if packed > 1 {
		for range packed {
			if r.number() >= ins {
				r.fail()
			}
		}
	}
	f.Pack = make([]int64, packed)
	f.Unpack = make([]uint64, n)
	f.Spec = begin[:len(begin)-len(r.b)]
	return f
}

func (r *sevenReader) subStreams(folders []sevenFolder, subs []sevenSubs) {
	id := r.byte()
	total := 0
	for i := range subs {
		n := 1
		if id == k7NumUnpackStream {
			n = r.count()
		}
		if total += n; total > len(r.b)*8+len(folders) {
			r.fail()
			return
		}
		subs[i].sizes = make([]int64, n)
	}
	if id == k7NumUnpackStream {
		id = r.byte()
	}
	open := 0 // files whose CRC is not the folder's
	for i := range subs {
		s := &subs[i]
		rest := folders[i].size()
		for j := range s.sizes {
			if j < len(s.sizes)-1 {
				if id != k7Size {
					r.fail()
					return
				}
				s.sizes[j] = r.size()
			} else {
				s.sizes[j] = rest
			}
			if rest -= s.sizes[j]; rest < 0 {
				r.fail()
				return
			}
		}
		s.crc, s.known = make([]uint32, len(s.sizes)), make([]bool, len(s.sizes))
		if len(s.sizes) == 1 && folders[i].known {
			s.crc[0], s.known[0] = folders[i].crc, true
		} else {
			open += len(s.sizes)
		}
	}
	if id == k7Size {
		id = r.byte()
	}
	if id == k7CRC {
		crc, known := r.digests(open)
		for i := range subs {
			for j := range subs[i].crc {
				if !subs[i].known[j] && len(crc) > 0 {
					subs[i].crc[j], subs[i].known[j] = crc[0], known[0]
					crc, known = crc[1:], known[1:]
				}
			}
		}
		id = r.byte()
	}
	if id != k7End {
		r.fail()
	}
}

// sevenFile is an entry of FilesInfo.
type sevenFile struct {
	name  string
	empty bool // no stream: an empty file or a folder
	file  bool // of the empty ones
	anti  bool
	attr  uint32
}

func (r *sevenReader) files() []sevenFile {
	n := r.count()
	if n > len(r.b)/2 { // a name takes two bytes
		r.fail()
		return nil
	}
	files := make([]sevenFile, n)
	empties := 0
	each := func(v []bool, set func(f *sevenFile)) {
		for i := range files {
			if len(v) == n && v[i] {
				set(&files[i])
			}
		}
	}
	ofEmpty := func(v []bool, set func(f *sevenFile)) {
		k := 0
		for i := range files {
			if files[i].empty && k < len(v) {
				if v[k] {
					set(&files[i])
				}
				k++
			}
		}
	}
	for {
		id := r.byte()
		if id == k7End || r.bad {
			return files
		}
		p := &sevenReader{b: r.take(int(min(r.number(), 1<<31)))}
		switch id {
		case k7EmptyStream:
			each(p.bools(n), func(f *sevenFile) { f.empty = true; empties++ })
		case k7EmptyFile:
			ofEmpty(p.bools(empties), func(f *sevenFile) { f.file = true })
		case k7Anti:
			ofEmpty(p.bools(empties), func(f *sevenFile) { f.anti = true })
		case k7Names:
			p.names(files)
		case k7Attributes:
			p.attributes(files)
		case k7CTime, k7ATime, k7MTime, k7StartPos, k7Dummy, k7Comment:
		default:
			r.fail()
		}
		if p.bad {
			r.fail()
		}
	}
}

func (r *sevenReader) names(files []sevenFile) {
	if r.byte() != 0 {
		r.fail()
		return
	}
	var u []uint16
	for i := range files {
		u = u[:0]
		for {
			b := r.take(2)
			if b == nil {
				return
			}
			c := le.Uint16(b)
			if c == 0 {
				break
			}
			u = append(u, c)
		}
		files[i].name = string(utf16.Decode(u))
	}
}

func (r *sevenReader) attributes(files []sevenFile) {
	var defined []bool
	if r.byte() == 0 {
		defined = r.bools(len(files))
	}
	if r.byte() != 0 {
		r.fail()
	}
	for i := range files {
		if defined == nil || defined[i] {
			if b := r.take(4); b != nil {
				files[i].attr = le.Uint32(b)
			}
		}
	}
}

// isFile tells files from folders, links and devices by their attributes:
// Windows' below, where bit 15 is set Unix' mode above.
func (f *sevenFile) isFile() bool {
	if f.anti || f.empty && !f.file || f.attr&0x10 != 0 {
		return false
	}
	kind := f.attr >> 16 & 0o170000
	return f.attr&0x8000 == 0 || kind == 0 || kind == 0o100000
}

// parseSeven makes the index and the folders of an unpacked header.
func parseSeven(header []byte, size int64, l Limits) (*index, []sevenFolder, error) {
	r := &sevenReader{b: header}
	out := builder{limit: l.Members}
	if len(header) == 0 {
		return out.index(0, true), nil, nil
	}
	if r.byte() != k7Header {
		return nil, nil, errSeven
	}
	var folders []sevenFolder
	var subs []sevenSubs
	var files []sevenFile
	for id := r.byte(); id != k7End; id = r.byte() {
		switch id {
		case k7MainStreams:
			folders, subs = r.streams(size)
		case k7Files:
			files = r.files()
		case k7ArchiveProperties:
			for r.byte() != k7End && !r.bad {
				r.take(int(min(r.number(), 1<<31)))
			}
		default:
			r.fail()
		}
		if r.bad {
			return nil, nil, errSeven
		}
	}
	end, err := out.addSeven(files, folders, subs)
	if err != nil {
		return nil, nil, err
	}
	return out.index(end, true), folders, nil
}

// addSeven gives the files their places: behind one another, as if all folders
// were one stream.
func (b *builder) addSeven(files []sevenFile, folders []sevenFolder, subs []sevenSubs) (at int64, err error) {
	k, j := 0, 0 // the next stream
	for i := range files {
		f := &files[i]
		m := member{off: at, flags: 0}
		if !f.empty {
			for k < len(subs) && j == len(subs[k].sizes) {
				k, j = k+1, 0
			}
			if k == len(subs) {
				return 0, fmt.Errorf("%w: more files than streams", errSeven)
			}
			m.size = subs[k].sizes[j]
			m.csize = m.size
			if m.crc = subs[k].crc[j]; !subs[k].known[j] {
				m.flags |= flagNoCRC
			}
			if folders[k].Encrypted {
				m.flags |= flagEncrypted
			}
			j++
			if at += m.size; at < 0 || at > 1<<61 {
				return 0, errSeven
			}
		}
		if f.isFile() {
			if err := b.add(strings.ReplaceAll(f.name, `\`, "/"), m); err != nil {
				return 0, err
			}
		}
	}
	for k < len(subs) && j == len(subs[k].sizes) {
		k, j = k+1, 0
	}
	if k != len(subs) {
		return 0, fmt.Errorf("%w: more streams than files", errSeven)
	}
	return at, nil
}

// check holds the memory of the coders to the limit.
func (f *sevenFolder) check(l Limits) error {
	if f.size() > l.RatioFrom {
		if err := l.ratio(f.packed(), f.size()); err != nil {
			return err
		}
	}
	r := &sevenReader{b: f.Spec}
	n := r.number()
	for i := range n {
		flags := r.byte()
		id := string(r.take(int(flags & 0xf)))
		if flags&0x10 != 0 {
			r.number()
			r.number()
		}
		var props []byte
		if flags&0x20 != 0 {
			props = r.take(int(r.number()))
		}
		memory := int64(0)
		switch {
		case (id == "\x03\x01\x01" || id == "\x03\x04\x01") && len(props) == 5:
			memory = int64(le.Uint32(props[1:]))
			if id == "\x03\x01\x01" {
				memory = min(memory, int64(f.Unpack[i]))
			}
		case id == "\x03\x01\x01" || id == "\x03\x04\x01" || id == "\x21" && len(props) != 1:
			return errors.Join(errSeven, errors.New("properties of a coder"))
		case id == "\x21":
			memory = min(lzma2Dictionary(props[0]), int64(f.Unpack[i]))
		}
		if memory > l.Dictionary {
			return fmt.Errorf("%w: a decoder of %d bytes", ErrLimit, memory)
		}
	}
	if r.bad {
		return errSeven
	}
	return nil
}

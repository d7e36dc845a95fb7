package archive

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
)

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

package archive

import "strings"

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

package fs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// OpenDir tells the kernel that there is none: it then keeps listings by itself.
func (s *rawFS) OpenDir(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	s.counters.openDir.Add(1)
	return fuse.ENOSYS
}

// ReadDir lists names alone.
func (s *rawFS) ReadDir(cancel <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	s.counters.readDir.Add(1)
	return s.list(cancel, in, func(e fuse.DirEntry, _ tree.Node) bool { return out.AddDirEntry(e) })
}

// ReadDirPlus lists names with the attributes that are known. A file of
// unknown size goes without (node id 0): the kernel asks for it when somebody
// wants its attributes, so listing never reads a header. Files that change go
// without as well, since only a lookup may fix what a reader sees.
func (s *rawFS) ReadDirPlus(cancel <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	s.counters.readDirPlus.Add(1)
	return s.list(cancel, in, func(e fuse.DirEntry, n tree.Node) bool {
		o := out.AddDirLookupEntry(e)
		if o == nil {
			return false
		}
		if n != nil && s.cheapAttr(&o.Attr, e.Ino, n) {
			o.NodeId = e.Ino
			o.SetEntryTimeout(forever)
			o.SetAttrTimeout(forever)
		}
		return true
	})
}

// list calls add for ".", ".." and the children from in.Offset on until it
// returns false. The node is nil for the dots.
func (s *rawFS) list(cancel <-chan struct{}, in *fuse.ReadIn, add func(fuse.DirEntry, tree.Node) bool) fuse.Status {
	f := s.ids.folder(in.NodeId)
	if f == nil {
		return fuse.Status(syscall.ESTALE)
	}
	if s.denied.has(&in.InHeader) {
		return fuse.EACCES
	}
	if err := s.load(cancel, f); err != nil {
		return s.fail(f.id, "", err)
	}
	for off, end := in.Offset, uint64(f.dir.Len())+2; off < end; off++ {
		e := fuse.DirEntry{Off: off + 1, Mode: syscall.S_IFDIR}
		var n tree.Node
		switch off {
		case 0:
			e.Name, e.Ino = ".", f.id
		case 1:
			e.Name, e.Ino = "..", f.parent
		default:
			i := off - 2
			entry := f.dir.Entry(int(i))
			e.Name, e.Ino, e.Mode = entry.Name, f.base+i, kindMode(entry.Kind)
			n = f.dir.Child(int(i))
			var err error
			if e.Ino, n, err = s.alias(cancel, e.Ino, n); err != nil {
				return s.fail(f.id, entry.Name, err)
			}
		}
		if !add(e, n) {
			break
		}
	}
	return fuse.OK
}

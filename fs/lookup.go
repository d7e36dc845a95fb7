package fs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// Lookup finds name in a folder. What is not there is not there for ever,
// since a folder that is loaded never changes.
func (s *rawFS) Lookup(cancel <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	s.counters.lookup.Add(1)
	f := s.ids.folder(h.NodeId)
	if f == nil {
		return fuse.Status(syscall.ESTALE)
	}
	if s.denied.has(h) {
		return fuse.EACCES
	}
	if err := s.load(cancel, f); err != nil {
		return s.fail(f.id, name, err)
	}
	i, ok := f.dir.Find(name)
	if !ok {
		out.SetEntryTimeout(forever)
		return fuse.OK
	}
	id, n := f.base+uint64(i), f.dir.Child(i)
	id, n, err := s.alias(cancel, id, n)
	if err != nil {
		return s.fail(f.id, name, err)
	}
	if v, ok := n.(tree.Volatile); ok {
		s.lookupVolatile(id, v, out)
		return fuse.OK
	}
	if file, ok := n.(tree.File); ok {
		if _, known := file.KnownSize(); !known {
			s.readHeadersAhead(f, i)
		}
	}
	if err := s.attrs(cancel, id, n, &out.Attr); err != nil {
		return s.fail(id, "", err)
	}
	out.NodeId = id
	out.SetEntryTimeout(forever)
	out.SetAttrTimeout(forever)
	return fuse.OK
}

// attrs sets the attributes of n, reading a header where that must be.
func (s *rawFS) attrs(cancel <-chan struct{}, id uint64, n tree.Node, a *fuse.Attr) error {
	if s.cheapAttr(a, id, n) {
		return nil
	}
	file, ok := n.(tree.File)
	if !ok {
		return errNodeType
	}
	size, err := s.size(cancel, id, file)
	if err != nil {
		return err
	}
	s.attr(a, id, tree.KindFile, size, n.ModTime())
	return nil
}

// GetAttr is asked of nodes that the kernel knows and whose attributes it dropped.
func (s *rawFS) GetAttr(cancel <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	s.counters.getAttr.Add(1)
	if in.NodeId >= volatileBase {
		snap := s.volatile.get(in.NodeId)
		if snap == nil {
			return fuse.Status(syscall.ESTALE)
		}
		s.attr(&out.Attr, snap.node, tree.KindFile, int64(len(snap.data)), snap.mtime)
		out.SetTimeout(forever)
		return fuse.OK
	}
	n := s.ids.node(in.NodeId)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	if err := s.attrs(cancel, in.NodeId, n, &out.Attr); err != nil {
		return s.fail(in.NodeId, "", err)
	}
	out.SetTimeout(forever)
	return fuse.OK
}

// Forget frees snapshots; nothing else costs anything.
func (s *rawFS) Forget(id, nlookup uint64) {
	s.counters.forget.Add(1)
	if id >= volatileBase {
		s.volatile.forget(id, nlookup)
	}
}

// Readlink returns the target of a link.
func (s *rawFS) Readlink(cancel <-chan struct{}, h *fuse.InHeader) ([]byte, fuse.Status) {
	s.counters.readlink.Add(1)
	if l, ok := s.ids.node(h.NodeId).(tree.Link); ok {
		return []byte(l.Target()), fuse.OK
	}
	return nil, fuse.EINVAL
}

// StatFs tells of an empty, full file system: nothing can be written, and what
// is in it is not known before it is listed.
func (s *rawFS) StatFs(cancel <-chan struct{}, h *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	s.counters.statFs.Add(1)
	*out = fuse.StatfsOut{Bsize: 4096, Frsize: 4096, NameLen: 255}
	s.ids.mu.RLock()
	out.Files = s.ids.next - rootID
	s.ids.mu.RUnlock()
	return fuse.OK
}

package fs

import (
	"context"
	"slices"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// xattrPrefix is what all extended attributes begin with.
const xattrPrefix = "user.omnimed."

// xattrs returns the attributes of a node, nil when it has none.
func (s *rawFS) xattrs(cancel <-chan struct{}, id uint64) (map[string]string, error) {
	x, ok := s.ids.node(id).(tree.Xattrer)
	if !ok {
		return nil, nil
	}
	v, err := s.do(cancel, "xattr", id, func(ctx context.Context) (any, error) { return x.Xattrs(ctx) })
	if err != nil {
		return nil, err
	}
	return v.(map[string]string), nil
}

// GetXAttr returns one attribute. The many that others ask for (selinux, ACLs,
// capabilities) are answered without looking at the node.
func (s *rawFS) GetXAttr(cancel <-chan struct{}, h *fuse.InHeader, attr string, dest []byte) (uint32, fuse.Status) {
	s.counters.getXAttr.Add(1)
	name, ours := strings.CutPrefix(attr, xattrPrefix)
	if !ours {
		return 0, fuse.ENOATTR
	}
	all, err := s.xattrs(cancel, h.NodeId)
	if err != nil {
		return 0, s.fail(h.NodeId, "", err)
	}
	value, ok := all[name]
	if !ok {
		return 0, fuse.ENOATTR
	}
	return answer(dest, value)
}

// ListXAttr returns the names, each ended by a NUL, in byte order.
func (s *rawFS) ListXAttr(cancel <-chan struct{}, h *fuse.InHeader, dest []byte) (uint32, fuse.Status) {
	s.counters.listXAttr.Add(1)
	all, err := s.xattrs(cancel, h.NodeId)
	if err != nil {
		return 0, s.fail(h.NodeId, "", err)
	}
	var names []string
	for name := range all {
		names = append(names, xattrPrefix+name+"\x00")
	}
	slices.Sort(names)
	return answer(dest, strings.Join(names, ""))
}

// answer copies value to dest, or says how long dest must be.
func answer(dest []byte, value string) (uint32, fuse.Status) {
	if len(dest) < len(value) {
		return uint32(len(value)), fuse.Status(syscall.ERANGE)
	}
	return uint32(copy(dest, value)), fuse.OK
}

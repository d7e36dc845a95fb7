package fs

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// forever is how long the kernel may believe what it was told of immutable
// things. A hundred years of jiffies fit the kernel's counter on 64 bits.
const forever = 100 * 365 * 24 * time.Hour

// blockSize is st_blksize, the buffer that Python and stdio make for each open
// file. Measured in CPU time of the reader, warm, 768 KiB files: Pillow, read()
// and np.load are alike from 4 to 64 KiB; at 1 MiB reading the first 26 bytes
// costs 200 us in place of 30 and np.load twice as much. cp takes 128 KiB or
// more whatever it is told.
const blockSize = 64 << 10

func kindMode(k tree.Kind) uint32 {
	switch k {
	case tree.KindDir:
		return syscall.S_IFDIR
	case tree.KindLink:
		return syscall.S_IFLNK
	}
	return syscall.S_IFREG
}

// attr sets all attributes of a node. size is that of a file or link target.
func (s *rawFS) attr(a *fuse.Attr, id uint64, kind tree.Kind, size int64, mtime time.Time) {
	perm := uint32(0o444)
	switch kind {
	case tree.KindDir:
		perm = 0o555
	case tree.KindLink:
		perm = 0o777
	}
	var sec uint64
	var nsec uint32
	if mtime.Unix() > 0 {
		sec, nsec = uint64(mtime.Unix()), uint32(mtime.Nanosecond())
	}
	*a = fuse.Attr{
		Ino: id, Size: uint64(size), Blocks: (uint64(size) + 511) / 512,
		Mtime: sec, Mtimensec: nsec, Atime: sec, Atimensec: nsec, Ctime: sec, Ctimensec: nsec,
		// One link, also for folders: find(1) takes 2 for "no subfolders".
		Mode: kindMode(kind) | perm, Nlink: 1, Blksize: blockSize,
		Owner: fuse.Owner{Uid: s.opts.Owner.UID, Gid: s.opts.Owner.GID},
	}
}

// cheapAttr sets the attributes of node n where that needs no I/O, and tells
// whether it did.
func (s *rawFS) cheapAttr(a *fuse.Attr, id uint64, n tree.Node) bool {
	switch n := n.(type) {
	case tree.Volatile:
		return false
	case tree.Dir:
		s.attr(a, id, tree.KindDir, 0, n.ModTime())
	case tree.Link:
		s.attr(a, id, tree.KindLink, int64(len(n.Target())), n.ModTime())
	case tree.File:
		size, ok := n.KnownSize()
		if !ok || size < 0 {
			return false
		}
		s.attr(a, id, tree.KindFile, size, n.ModTime())
	default:
		return false
	}
	return true
}

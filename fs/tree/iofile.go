package tree

import (
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"path"
	"time"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func (t *treeFS) info(name string, n Node) (*nodeInfo, error) {
	i := &nodeInfo{name: path.Base(name), mode: 0o444, mtime: n.ModTime()}
	switch n := n.(type) {
	case Dir:
		i.mode = iofs.ModeDir | 0o555
	case Link:
		i.mode, i.size = iofs.ModeSymlink|0o777, int64(len(n.Target()))
	case Volatile:
		i.size = int64(len(n.Snapshot()))
	case File:
		size, err := n.Size(t.ctx)
		if err != nil {
			return nil, &iofs.PathError{Op: "stat", Path: name, Err: err}
		}
		i.size = size
	}
	return i, nil
}

type nodeInfo struct {
	name  string
	mode  iofs.FileMode
	size  int64
	mtime time.Time
}

func (i *nodeInfo) Name() string        { return i.name }
func (i *nodeInfo) Size() int64         { return i.size }
func (i *nodeInfo) Mode() iofs.FileMode { return i.mode }
func (i *nodeInfo) ModTime() time.Time  { return i.mtime }
func (i *nodeInfo) IsDir() bool         { return i.mode.IsDir() }
func (i *nodeInfo) Sys() any            { return nil }

// openDir is a loaded folder that is being listed.
type openDir struct {
	t    *treeFS
	name string
	dir  Dir
	next int
}

func (d *openDir) Stat() (iofs.FileInfo, error) { return d.t.info(d.name, d.dir) }
func (d *openDir) Close() error                 { return nil }
func (d *openDir) Read([]byte) (int, error) {
	return 0, &iofs.PathError{Op: "read", Path: d.name, Err: errors.New("is a directory")}
}

// ReadDir implements fs.ReadDirFile. It reads no header: DirEntry.Info does.
func (d *openDir) ReadDir(n int) ([]iofs.DirEntry, error) {
	left := d.dir.Len() - d.next
	if n > 0 && left == 0 {
		return nil, io.EOF
	}
	if n > 0 {
		left = min(left, n)
	}
	out := make([]iofs.DirEntry, left)
	for i := range out {
		out[i] = &dirEntry{d, d.next + i}
	}
	d.next += left
	return out, nil
}

type dirEntry struct {
	in *openDir
	i  int
}

func (e *dirEntry) Name() string { return e.in.dir.Entry(e.i).Name }
func (e *dirEntry) IsDir() bool  { return e.in.dir.Entry(e.i).Kind == KindDir }
func (e *dirEntry) Type() iofs.FileMode {
	switch e.in.dir.Entry(e.i).Kind {
	case KindDir:
		return iofs.ModeDir
	case KindLink:
		return iofs.ModeSymlink
	}
	return 0
}
func (e *dirEntry) Info() (iofs.FileInfo, error) {
	return e.in.t.info(path.Join(e.in.name, e.Name()), e.in.dir.Child(e.i))
}

// openFile opens its content at the first read.
type openFile struct {
	t    *treeFS
	info *nodeInfo
	file File
	body blob.Blob
	off  int64
}

var _ interface {
	io.ReadSeeker
	io.ReaderAt
} = (*openFile)(nil)

func (f *openFile) Stat() (iofs.FileInfo, error) { return f.info, nil }

func (f *openFile) content() (blob.Blob, error) {
	if f.body == nil {
		b, err := f.file.Open(f.t.ctx)
		if err != nil {
			return nil, &iofs.PathError{Op: "read", Path: f.info.name, Err: err}
		}
		if b.Size() != f.info.size {
			b.Close()
			return nil, fmt.Errorf("%s: content of %d bytes, announced %d", f.info.name, b.Size(), f.info.size)
		}
		f.body = b
	}
	return f.body, nil
}

func (f *openFile) Read(p []byte) (int, error) {
	b, err := f.content()
	if err != nil {
		return 0, err
	}
	if f.off >= b.Size() {
		return 0, io.EOF
	}
	n, err := b.ReadAt(p[:min(int64(len(p)), b.Size()-f.off)], f.off)
	f.off += int64(n)
	if err == io.EOF && n > 0 {
		err = nil
	}
	return n, err
}

func (f *openFile) ReadAt(p []byte, off int64) (int, error) {
	b, err := f.content()
	if err != nil {
		return 0, err
	}
	return b.ReadAt(p, off)
}

func (f *openFile) Seek(off int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		off += f.off
	case io.SeekEnd:
		off += f.info.size
	}
	if off < 0 {
		return 0, &iofs.PathError{Op: "seek", Path: f.info.name, Err: iofs.ErrInvalid}
	}
	f.off = off
	return off, nil
}

func (f *openFile) Close() error {
	if f.body == nil {
		return nil
	}
	return f.body.Close()
}

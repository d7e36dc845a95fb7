package tree

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"path"
	"strings"
)

// maxLinks is how many links one path may go through, as in Linux.
const maxLinks = 40

// FS is root as an io/fs file system (with ReadDirFS, StatFS and ReadLinkFS),
// so that tests, exports and HTTP walk the tree that the mount shows. Links
// are followed as long as they stay inside. A Volatile file is read from one
// snapshot an opening.
func FS(root Dir) iofs.FS { return FSContext(context.Background(), root) }

// FSContext is FS whose loads, opens and reads are bounded by ctx.
func FSContext(ctx context.Context, root Dir) iofs.FS { return &treeFS{ctx, root} }

type treeFS struct {
	ctx  context.Context
	root Dir
}

var _ interface {
	iofs.ReadDirFS
	iofs.StatFS
	iofs.ReadLinkFS
} = (*treeFS)(nil)

// find resolves name, also the link that it ends in when follow is set.
func (t *treeFS) find(op, name string, follow bool) (Node, error) {
	fail := func(err error) (Node, error) {
		if errors.Is(err, ErrNotExist) {
			err = iofs.ErrNotExist
		}
		return nil, &iofs.PathError{Op: op, Path: name, Err: err}
	}
	if !iofs.ValidPath(name) {
		return fail(iofs.ErrInvalid)
	}
	var n Node = t.root
	at, rest := ".", name
	for links := 0; rest != "" && rest != "."; {
		elem, tail, _ := strings.Cut(rest, "/")
		d, ok := n.(Dir)
		if !ok {
			return fail(ErrNotExist)
		}
		child, err := Find(t.ctx, d, elem)
		if err != nil {
			return fail(err)
		}
		l, isLink := child.(Link)
		if !isLink || tail == "" && !follow {
			n, at, rest = child, path.Join(at, elem), tail
			continue
		}
		if links++; links > maxLinks {
			return fail(errors.New("too many links"))
		}
		to := path.Join(at, l.Target(), tail)
		if path.IsAbs(l.Target()) || !iofs.ValidPath(to) {
			return fail(fmt.Errorf("link to %s leaves the tree", l.Target()))
		}
		n, at, rest = t.root, ".", to
	}
	return n, nil
}

// Open implements fs.FS. No content is brought before the first Read.
func (t *treeFS) Open(name string) (iofs.File, error) {
	n, err := t.find("open", name, true)
	if err != nil {
		return nil, err
	}
	if d, ok := n.(Dir); ok {
		if err := d.Load(t.ctx); err != nil {
			return nil, &iofs.PathError{Op: "open", Path: name, Err: err}
		}
		return &openDir{t: t, name: name, dir: d}, nil
	}
	info, err := t.info(name, n)
	if err != nil {
		return nil, err
	}
	f := &openFile{t: t, info: info}
	if v, ok := n.(Volatile); ok {
		f.file = &bytesFile{v.Snapshot(), v.ModTime()}
		f.info.size = int64(len(f.file.(*bytesFile).data))
	} else if f.file, ok = n.(File); !ok {
		return nil, &iofs.PathError{Op: "open", Path: name, Err: iofs.ErrInvalid}
	}
	return f, nil
}

// Stat implements fs.StatFS; it may read a header.
func (t *treeFS) Stat(name string) (iofs.FileInfo, error) { return t.stat("stat", name, true) }

// Lstat implements fs.ReadLinkFS.
func (t *treeFS) Lstat(name string) (iofs.FileInfo, error) { return t.stat("lstat", name, false) }

func (t *treeFS) stat(op, name string, follow bool) (iofs.FileInfo, error) {
	n, err := t.find(op, name, follow)
	if err != nil {
		return nil, err
	}
	info, err := t.info(name, n)
	if err != nil {
		return nil, err
	}
	return info, nil
}

// ReadLink implements fs.ReadLinkFS.
func (t *treeFS) ReadLink(name string) (string, error) {
	n, err := t.find("readlink", name, false)
	if err != nil {
		return "", err
	}
	l, ok := n.(Link)
	if !ok {
		return "", &iofs.PathError{Op: "readlink", Path: name, Err: iofs.ErrInvalid}
	}
	return l.Target(), nil
}

// ReadDir implements fs.ReadDirFS.
func (t *treeFS) ReadDir(name string) ([]iofs.DirEntry, error) {
	n, err := t.find("readdir", name, true)
	if err != nil {
		return nil, err
	}
	d, ok := n.(Dir)
	if !ok {
		return nil, &iofs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	if err := d.Load(t.ctx); err != nil {
		return nil, &iofs.PathError{Op: "readdir", Path: name, Err: err}
	}
	return (&openDir{t: t, name: name, dir: d}).ReadDir(-1)
}

package tree

import (
	"context"
	"time"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Folder names a Static folder, for building trees in one expression.
func Folder(name string, mtime time.Time, children ...Child) Child {
	return Child{Name: name, Node: Static(mtime, children...)}
}

// Bytes names a file of bytes, which must not change afterwards.
func Bytes(name string, data []byte, mtime time.Time) Child {
	return Child{Name: name, Node: &bytesFile{data, mtime}}
}

type bytesFile struct {
	data  []byte
	mtime time.Time
}

func (f *bytesFile) ModTime() time.Time                      { return f.mtime }
func (f *bytesFile) KnownSize() (int64, bool)                { return int64(len(f.data)), true }
func (f *bytesFile) Size(context.Context) (int64, error)     { return int64(len(f.data)), nil }
func (f *bytesFile) Open(context.Context) (blob.Blob, error) { return blob.Bytes(f.data), nil }

// Symlink names a symbolic link. target is relative to the link's own folder.
func Symlink(name, target string, mtime time.Time) Child {
	return Child{Name: name, Node: &link{target, mtime}}
}

type link struct {
	target string
	mtime  time.Time
}

func (l *link) ModTime() time.Time { return l.mtime }
func (l *link) Target() string     { return l.target }

// Func names a file whose bytes open brings when they are first read. size is
// exact and known beforehand.
func Func(name string, size int64, mtime time.Time, open func(context.Context) (blob.Blob, error)) Child {
	return Child{Name: name, Node: &funcFile{size, mtime, open}}
}

type funcFile struct {
	size  int64
	mtime time.Time
	open  func(context.Context) (blob.Blob, error)
}

func (f *funcFile) ModTime() time.Time                          { return f.mtime }
func (f *funcFile) KnownSize() (int64, bool)                    { return f.size, true }
func (f *funcFile) Size(context.Context) (int64, error)         { return f.size, nil }
func (f *funcFile) Open(ctx context.Context) (blob.Blob, error) { return f.open(ctx) }

// Snapshots names a Volatile file: snapshot returns what it holds at that
// moment, modified when it was last different.
func Snapshots(name string, modified func() time.Time, snapshot func() []byte) Child {
	return Child{Name: name, Node: &volatileFile{modified, snapshot}}
}

type volatileFile struct {
	modified func() time.Time
	snapshot func() []byte
}

func (f *volatileFile) ModTime() time.Time { return f.modified() }
func (f *volatileFile) Snapshot() []byte   { return f.snapshot() }

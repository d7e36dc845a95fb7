package view

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// fileDir is a folder of files or links that are made when somebody asks for
// one: a name and a number each. Of a folder with twins, every NIfTI file
// answers by its other name too.
type fileDir struct {
	mtime time.Time
	kind  tree.Kind
	names *tree.Names
	order []uint32 // entry i is file order[i] as the caller counts
	node  func(k int, twin bool) tree.Node
	twins bool
}

// newFileDir lists names in any order; node makes file k of them.
func newFileDir(mtime time.Time, kind tree.Kind, names []string, twins bool, node func(k int, twin bool) tree.Node) (*fileDir, error) {
	d := &fileDir{mtime: mtime, kind: kind, node: node, twins: twins, order: make([]uint32, len(names))}
	for i := range names {
		d.order[i] = uint32(i)
	}
	slices.SortFunc(d.order, func(a, b uint32) int { return strings.Compare(names[a], names[b]) })
	var table tree.NamesBuilder
	for _, k := range d.order {
		if err := table.Add(names[k]); err != nil {
			return nil, err
		}
	}
	d.names = table.Names()
	return d, nil
}

func (d *fileDir) ModTime() time.Time         { return d.mtime }
func (d *fileDir) Load(context.Context) error { return nil }
func (d *fileDir) Len() int                   { return len(d.order) }

func (d *fileDir) Total() int {
	if d.twins {
		return 2 * len(d.order)
	}
	return len(d.order)
}

func (d *fileDir) Entry(i int) tree.Entry {
	name := d.names.At(i % len(d.order))
	if i >= len(d.order) {
		name = twin(name)
	}
	return tree.Entry{Name: name, Kind: d.kind}
}

func (d *fileDir) Find(name string) (int, bool) {
	if i, ok := d.names.Find(name); ok {
		return i, true
	}
	if d.twins && isNIfTI(name) {
		if i, ok := d.names.Find(twin(name)); ok {
			return len(d.order) + i, true
		}
	}
	return 0, false
}

func (d *fileDir) Child(i int) tree.Node {
	return d.node(int(d.order[i%len(d.order)]), i >= len(d.order))
}

func isNIfTI(name string) bool { return strings.HasSuffix(strings.TrimSuffix(name, ".gz"), ".nii") }

// aliasPart is a converted file at another place of the tree.
type aliasPart struct{ part }

func (f *aliasPart) Alias() (dir, name string) {
	name = f.d.FileName(f.c, f.slot)
	if f.nii {
		name = strings.TrimSuffix(name, ".gz")
	}
	return "datasets/" + f.d.Recipe.ID + "/" + f.d.Dir(f.slot), name
}

// madeFile is content whose size only making it tells. open is called for the
// first size and for every opening, and keeps what is dear to make.
type madeFile struct {
	mtime time.Time
	open  func(ctx context.Context) (blob.Blob, error)
	size  atomic.Int64 // 0 not known yet
}

func newMade(mtime time.Time, open func(ctx context.Context) (blob.Blob, error)) *madeFile {
	return &madeFile{mtime: mtime, open: open}
}

// newText is a madeFile of text.
func newText(mtime time.Time, text func(ctx context.Context) ([]byte, error)) *madeFile {
	return newMade(mtime, func(ctx context.Context) (blob.Blob, error) {
		data, err := text(ctx)
		if err != nil {
			return nil, err
		}
		return blob.Bytes(data), nil
	})
}

func (f *madeFile) ModTime() time.Time { return f.mtime }

func (f *madeFile) KnownSize() (int64, bool) {
	n := f.size.Load()
	return n, n > 0
}

func (f *madeFile) Size(ctx context.Context) (int64, error) {
	if n, ok := f.KnownSize(); ok {
		return n, nil
	}
	b, err := f.Open(ctx)
	if err != nil {
		return 0, err
	}
	defer b.Close()
	return b.Size(), nil
}

func (f *madeFile) Open(ctx context.Context) (blob.Blob, error) {
	b, err := f.open(ctx)
	if err == nil {
		f.size.Store(b.Size())
	}
	return b, err
}

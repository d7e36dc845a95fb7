package view

import (
	"context"
	"slices"
	"strings"
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

// textFile is text that is made when somebody first asks for its size.
type textFile struct {
	mtime time.Time
	text  *lazyText
}

type lazyText struct {
	make func(ctx context.Context) ([]byte, error)
	lock chan struct{}
	data []byte // set while the lock is held, once
	done chan struct{}
}

func newText(mtime time.Time, make_ func(ctx context.Context) ([]byte, error)) *textFile {
	return &textFile{mtime, &lazyText{make: make_, lock: make(chan struct{}, 1), done: make(chan struct{})}}
}

func (t *lazyText) get(ctx context.Context) ([]byte, error) {
	select {
	case <-t.done:
		return t.data, nil
	case t.lock <- struct{}{}:
		defer func() { <-t.lock }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-t.done:
		return t.data, nil
	default:
	}
	data, err := t.make(ctx)
	if err != nil {
		return nil, err
	}
	t.data = data
	close(t.done)
	return data, nil
}

func (f *textFile) ModTime() time.Time { return f.mtime }

func (f *textFile) KnownSize() (int64, bool) {
	select {
	case <-f.text.done:
		return int64(len(f.text.data)), true
	default:
		return 0, false
	}
}

func (f *textFile) Size(ctx context.Context) (int64, error) {
	data, err := f.text.get(ctx)
	return int64(len(data)), err
}

func (f *textFile) Open(ctx context.Context) (blob.Blob, error) {
	data, err := f.text.get(ctx)
	if err != nil {
		return nil, err
	}
	return blob.Bytes(data), nil
}

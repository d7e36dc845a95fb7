package view

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func metadata(d *dataset.Dataset) tree.Dir {
	t := d.Recipe.Published
	children := []tree.Child{
		tree.Bytes("LICENSE", []byte(licenseText(d.Recipe)), t),
		tree.Bytes("CITATION.bib", []byte(BibTeX(d.Recipe)), t),
	}
	for _, name := range []string{"dataset.json", "mapping.json", "splits.json"} {
		children = append(children, tree.Child{Name: name, Node: &metaFile{d: d, name: name}})
	}
	if d.Recipe.Sliced() {
		children = append(children, tree.Child{Name: "slices", Node: sliceFolder(d)})
	}
	return tree.Static(t, children...)
}

// metaFile is written from the listing when it is first asked for.
type metaFile struct {
	d    *dataset.Dataset
	name string
	size atomic.Int64 // 0 not known yet
}

func (f *metaFile) ModTime() time.Time { return f.d.Recipe.Published }

func (f *metaFile) KnownSize() (int64, bool) {
	n := f.size.Load()
	return n, n > 0
}

func (f *metaFile) Size(ctx context.Context) (int64, error) {
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

func (f *metaFile) Open(ctx context.Context) (blob.Blob, error) {
	if err := f.d.Load(ctx); err != nil {
		return nil, err
	}
	b, err := f.d.Metadata(ctx, f.name)
	if err == nil {
		f.size.Store(b.Size())
	}
	return b, err
}

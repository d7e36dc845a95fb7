package view

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// sliceFolder lists, for each image of DICOM slices, the file that names them.
func sliceFolder(d *dataset.Dataset) tree.Dir {
	t := d.Recipe.Published
	return tree.Lazy(t, func(ctx context.Context) (tree.Dir, error) {
		if err := d.Load(ctx); err != nil {
			return nil, err
		}
		var children []tree.Child
		for c := range d.NumCases() {
			for slot := range d.Slots() {
				if d.Sliced(c, slot) {
					children = append(children, tree.Child{Name: d.SlicesName(c, slot), Node: &sliceFile{d: d, c: c, slot: slot}})
				}
			}
		}
		return tree.Static(t, children...), nil
	})
}

// sliceFile lists the slices of one image. Its size costs what the image's does.
type sliceFile struct {
	d       *dataset.Dataset
	c, slot int
	size    atomic.Int64 // 0 not known yet
}

func (f *sliceFile) ModTime() time.Time { return f.d.Recipe.Published }

func (f *sliceFile) KnownSize() (int64, bool) {
	n := f.size.Load()
	return n, n > 0
}

func (f *sliceFile) Size(ctx context.Context) (int64, error) {
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

func (f *sliceFile) Open(ctx context.Context) (blob.Blob, error) {
	b, err := f.d.Slices(ctx, f.c, f.slot)
	if err == nil {
		f.size.Store(b.Size())
	}
	return b, err
}

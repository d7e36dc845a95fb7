package view

import (
	"context"

	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// sliceFolder lists, for each image of DICOM slices, the file that names them.
// Its size costs what the image's does.
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
					children = append(children, tree.Child{Name: d.SlicesName(c, slot), Node: newMade(t, func(ctx context.Context) (blob.Blob, error) {
						return d.Slices(ctx, c, slot)
					})})
				}
			}
		}
		return tree.Static(t, children...), nil
	})
}

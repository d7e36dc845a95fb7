package view

import (
	"context"

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
		children = append(children, tree.Child{Name: name, Node: newMade(t, func(ctx context.Context) (blob.Blob, error) {
			if err := d.Load(ctx); err != nil {
				return nil, err
			}
			return d.Metadata(ctx, name)
		})})
	}
	if d.Recipe.Sliced() {
		children = append(children, tree.Child{Name: "slices", Node: sliceFolder(d)})
	}
	return tree.Static(t, children...)
}

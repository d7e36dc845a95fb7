package view

import (
	"context"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
)

func init() {
	Register("datasets", func(c *Catalog) tree.Node {
		var children []tree.Child
		for _, d := range c.Datasets {
			children = append(children, tree.Child{Name: d.Recipe.ID, Node: standard(d, c.Options)})
		}
		return tree.Static(c.ModTime(), children...)
	})
}

// standard is the folder of one dataset: images, labels, metadata, raw and what
// is registered, or metadata and raw where the layout is not known. It
// costs nothing until one of its folders is read.
func standard(d *dataset.Dataset, o Options) tree.Dir {
	t := d.Recipe.Published
	var labels []tree.Child
	for _, class := range d.Recipe.MaskClasses() {
		labels = append(labels, tree.Child{Name: class, Node: slotFolder(d, o, convertcore.KindLabel, class)})
	}
	children := []tree.Child{
		{Name: "metadata", Node: metadata(d)},
		{Name: "raw", Node: tree.Lazy(t, func(ctx context.Context) (tree.Dir, error) {
			if err := d.Load(ctx); err != nil {
				return nil, err
			}
			return rawRoot(d), nil
		})},
	}
	if !d.Recipe.RawOnly() {
		children = append(children,
			tree.Child{Name: "images", Node: slotFolder(d, o, convertcore.KindImage, "")},
			tree.Folder("labels", t, labels...))
		for name, build := range folders {
			children = append(children, tree.Child{Name: name, Node: build(d, o)})
		}
	}
	return tree.Static(t, children...)
}

// slotFolder lists the images of all channels, or the masks of one class.
func slotFolder(d *dataset.Dataset, o Options, kind convertcore.Kind, class string) tree.Dir {
	return tree.Lazy(d.Recipe.Published, func(ctx context.Context) (tree.Dir, error) {
		if err := d.Load(ctx); err != nil {
			return nil, err
		}
		var slots []int
		for i, s := range d.Slots() {
			if s.Kind == kind && (kind == convertcore.KindImage || s.Name == class) {
				slots = append(slots, i)
			}
		}
		return newParts(d, o, slots), nil
	})
}

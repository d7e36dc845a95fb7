package view

import (
	"context"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// splits/<split> has the form of the dataset's folder, with links: the authors'
// own splits, and only those that they gave.
func init() {
	RegisterFolder("splits", func(d *dataset.Dataset, o Options) tree.Dir {
		return loadedDir(d, func(context.Context) (tree.Dir, error) {
			cases := map[string][]int{}
			for c := range d.NumCases() {
				if s := d.Split(c); s != "" {
					cases[s] = append(cases[s], c)
				}
			}
			var children []tree.Child
			for split, in := range cases {
				dir, err := splitDir(d, o, in)
				if err != nil {
					return nil, err
				}
				children = append(children, tree.Child{Name: split, Node: dir})
			}
			return tree.Static(d.Recipe.Published, children...), nil
		})
	})
}

func splitDir(d *dataset.Dataset, o Options, cases []int) (tree.Dir, error) {
	slots := map[string][]int{}
	for i, s := range d.Slots() {
		key := "images"
		if s.Kind == convertcore.KindLabel {
			key = s.Name
		}
		if s.Kind == convertcore.KindLabel {
			key = "labels/" + key
		}
		slots[key] = append(slots[key], i)
	}
	var top, labels []tree.Child
	for key, in := range slots {
		up := "../../../"
		if key != "images" {
			up = "../../../../"
		}
		dir, err := linkDir(d, o, cases, in, up+key+"/")
		if err != nil {
			return nil, err
		}
		if key == "images" {
			top = append(top, tree.Child{Name: key, Node: dir})
		} else {
			labels = append(labels, tree.Child{Name: key[len("labels/"):], Node: dir})
		}
	}
	top = append(top, tree.Folder("labels", d.Recipe.Published, labels...))
	return tree.Static(d.Recipe.Published, top...), nil
}

// linkDir links to the files of some slots of some cases.
func linkDir(d *dataset.Dataset, o Options, cases, slots []int, to string) (tree.Dir, error) {
	p := parts{d: d, nii: o.Nii}
	var names []string
	for _, c := range cases {
		for _, slot := range slots {
			if d.Has(c, slot) {
				names = append(names, p.name(c, slot))
			}
		}
	}
	return newFileDir(d.Recipe.Published, tree.KindLink, names, false, func(k int, _ bool) tree.Node {
		return tree.Symlink(names[k], to+names[k], d.Recipe.Published).Node
	})
}

// Package view lays the datasets out as folders: the standard tree and its
// cross-indexes. A view is one file that registers a folder of the root.
package view

import (
	"context"
	"sort"
	"strings"
	"time"

	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// Catalog is what a mount shows.
type Catalog struct {
	Datasets []*dataset.Dataset // sorted by id
	Options  Options
}

// Options change what is listed, never the bytes of a file.
type Options struct {
	// Nii lists <case>.nii and hides <case>.nii.gz; both answer by name.
	Nii bool
}

// ModTime is that of the newest dataset, so that it does not depend on when
// the catalog is mounted.
func (c *Catalog) ModTime() (t time.Time) {
	for _, d := range c.Datasets {
		if d.Recipe.Published.After(t) {
			t = d.Recipe.Published
		}
	}
	return t
}

// mapped are the datasets whose layout is known, so that they have images.
func (c *Catalog) mapped() (out []*dataset.Dataset) {
	for _, d := range c.Datasets {
		if !d.Recipe.RawOnly() {
			out = append(out, d)
		}
	}
	return out
}

var views = map[string]func(*Catalog) tree.Node{}

// Register adds a view as the entry name of the root, or of a folder of it where
// the name has a slash ("views/nnunet"). It is called from init; a name that is
// taken panics.
func Register(name string, build func(*Catalog) tree.Node) {
	if _, taken := views[name]; taken {
		panic("view registered twice: " + name)
	}
	views[name] = build
}

// Names lists the registered views.
func Names() []string {
	out := make([]string, 0, len(views))
	for name := range views {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

// folders are what RegisterFolder added.
var folders = map[string]func(*dataset.Dataset, Options) tree.Dir{}

// RegisterFolder adds a folder to every dataset's. It is called from init; a
// name that is taken panics.
func RegisterFolder(name string, build func(*dataset.Dataset, Options) tree.Dir) {
	if _, taken := folders[name]; taken {
		panic("dataset folder registered twice: " + name)
	}
	folders[name] = build
}

// Root returns the root folder: every registered view and what the caller
// adds. It does no I/O.
func Root(c *Catalog, more ...tree.Child) tree.Dir {
	sort.Slice(c.Datasets, func(i, j int) bool { return c.Datasets[i].Recipe.ID < c.Datasets[j].Recipe.ID })
	children := append([]tree.Child(nil), more...)
	below := map[string][]tree.Child{}
	for name, build := range views {
		if dir, base, ok := strings.Cut(name, "/"); ok {
			below[dir] = append(below[dir], tree.Child{Name: base, Node: build(c)})
			continue
		}
		children = append(children, tree.Child{Name: name, Node: build(c)})
	}
	for dir, in := range below {
		children = append(children, tree.Folder(dir, c.ModTime(), in...))
	}
	return tree.Static(c.ModTime(), children...)
}

// Fetcher is implemented by files that can be brought into the cache.
type Fetcher interface {
	Cached() bool
	Fetch(ctx context.Context) error
}

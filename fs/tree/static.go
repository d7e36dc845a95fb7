package tree

import (
	"context"
	"fmt"
	"sort"
	"time"
)

// Child is a named node, to build folders from.
type Child struct {
	Name string
	Node Node
	// Hidden children are not listed and answer only by name.
	Hidden bool
}

// StaticDir is an immutable folder. Make it with Static.
type StaticDir struct {
	mtime    time.Time
	children []Child // the listed ones first, both parts sorted by name
	listed   int
	err      error
}

// Static returns a folder of children, which it sorts. Names that cannot stand
// side by side make Load fail with ErrName.
func Static(mtime time.Time, children ...Child) *StaticDir {
	d := &StaticDir{mtime: mtime, children: append([]Child(nil), children...)}
	sort.Slice(d.children, func(i, j int) bool {
		a, b := &d.children[i], &d.children[j]
		if a.Hidden != b.Hidden {
			return b.Hidden
		}
		return a.Name < b.Name
	})
	seen := make(map[string]bool, len(children))
	for i := range d.children {
		c := &d.children[i]
		if !c.Hidden {
			d.listed++
		}
		if err := CheckName(c.Name); err != nil {
			d.fail(err)
		} else if seen[c.Name] {
			d.fail(fmt.Errorf("%w: %q twice", ErrName, c.Name))
		} else if c.Node == nil {
			d.fail(fmt.Errorf("%w: %q names nothing", ErrName, c.Name))
		}
		seen[c.Name] = true
	}
	if d.err != nil {
		d.children, d.listed = nil, 0
	}
	return d
}

func (d *StaticDir) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *StaticDir) ModTime() time.Time         { return d.mtime }
func (d *StaticDir) Load(context.Context) error { return d.err }
func (d *StaticDir) Len() int                   { return d.listed }
func (d *StaticDir) Total() int                 { return len(d.children) }
func (d *StaticDir) Child(i int) Node           { return d.children[i].Node }
func (d *StaticDir) Entry(i int) Entry {
	return Entry{d.children[i].Name, KindOf(d.children[i].Node)}
}

func (d *StaticDir) Find(name string) (int, bool) {
	for _, part := range [2][2]int{{0, d.listed}, {d.listed, len(d.children)}} {
		in := d.children[part[0]:part[1]]
		i := sort.Search(len(in), func(i int) bool { return in[i].Name >= name })
		if i < len(in) && in[i].Name == name {
			return part[0] + i, true
		}
	}
	return 0, false
}

// KindOf tells which kind of node n is. A Volatile is a file.
func KindOf(n Node) Kind {
	switch n.(type) {
	case Dir:
		return KindDir
	case Link:
		return KindLink
	}
	return KindFile
}

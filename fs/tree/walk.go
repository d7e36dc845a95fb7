package tree

import (
	"context"
	"fmt"
	iofs "io/fs"
	"path"
	"strings"
)

// WalkFunc is called by Walk for each node. err says why a folder could not be
// loaded; the walk goes on with its neighbors where the func returns nil. For a
// folder, io/fs.SkipDir leaves its children out.
type WalkFunc func(path string, n Node, err error) error

// Walk calls fn for root and all listed nodes below it, folders before their
// children, in byte order. Paths are slash-separated; root is ".". Links are
// not followed.
func Walk(ctx context.Context, root Dir, fn WalkFunc) error {
	return walk(ctx, ".", root, fn)
}

func walk(ctx context.Context, at string, d Dir, fn WalkFunc) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	loadErr := d.Load(ctx)
	if err := fn(at, d, loadErr); err == iofs.SkipDir {
		return nil
	} else if err != nil || loadErr != nil {
		return err
	}
	for i := range d.Len() {
		p, n := path.Join(at, d.Entry(i).Name), d.Child(i)
		var err error
		if sub, ok := n.(Dir); ok {
			err = walk(ctx, p, sub, fn)
		} else {
			err = fn(p, n, ctx.Err())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Find returns the node at a slash-separated path below root, "." being root
// itself. Links on the way are not followed. The error is ErrNotExist or that
// of a folder that could not be loaded.
func Find(ctx context.Context, root Dir, name string) (Node, error) {
	var n Node = root
	if name == "." || name == "" {
		return n, nil
	}
	for elem := range strings.SplitSeq(name, "/") {
		d, ok := n.(Dir)
		if !ok {
			return nil, fmt.Errorf("%s: %w", name, ErrNotExist)
		}
		if err := d.Load(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		i, ok := d.Find(elem)
		if !ok {
			return nil, fmt.Errorf("%s: %w", name, ErrNotExist)
		}
		n = d.Child(i)
	}
	return n, nil
}

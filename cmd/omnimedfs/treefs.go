package main

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"slices"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// treeFS returns the tree as a file system: the mount that uses the cache where
// there is one, else the tree in this process. The caller calls close.
func (p *program) treeFS(ctx context.Context) (fsys iofs.FS, close func() error, err error) {
	c, err := dialControl(ctx, p.opts.Cache)
	if err == nil {
		defer c.Close()
		st, err := c.Status(ctx)
		if err != nil {
			return nil, nil, err
		}
		if st.Mountpoint == "" {
			return nil, nil, fmt.Errorf("another omnimedfs (process %d) uses the cache %s", st.PID, p.opts.Cache)
		}
		return os.DirFS(st.Mountpoint), func() error { return nil }, nil
	}
	if !errors.Is(err, errNoMount) {
		return nil, nil, err
	}
	b, err := p.open(&p.opts, p.log)
	if err != nil {
		return nil, nil, err
	}
	return tree.FSContext(ctx, b.Root()), b.Close, nil
}

// chosenRecipes returns the recipes of the ids, or of all that the options
// leave.
func (p *program) chosenRecipes(ids []string, all bool) ([]*recipe.Recipe, error) {
	recipes, err := loadRecipes(&p.opts)
	if err != nil {
		return nil, err
	}
	if all {
		return slices.DeleteFunc(recipes, func(r *recipe.Recipe) bool { return r.RawOnly() }), nil
	}
	var out []*recipe.Recipe
	for _, id := range ids {
		i := slices.IndexFunc(recipes, func(r *recipe.Recipe) bool { return r.ID == id })
		if i < 0 {
			return nil, fmt.Errorf("dataset %q: %w", id, errNotFound)
		}
		out = append(out, recipes[i])
	}
	return out, nil
}

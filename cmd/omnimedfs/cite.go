package main

import (
	"context"
	"errors"
	"fmt"

	iofs "io/fs"

	"github.com/omnimedseg/omnimedfs/fs/view"
)

// runCite prints BibTeX: of the named datasets, or of those that the running
// mount has read from.
func runCite(ctx context.Context, p *program, args []string) error {
	if len(args) > 0 {
		recipes, err := p.chosenRecipes(args, false)
		if err != nil {
			return err
		}
		for _, r := range recipes {
			fmt.Fprintln(p.stdout, view.BibTeX(r))
		}
		return nil
	}
	if _, err := dialControl(ctx, p.opts.Cache); errors.Is(err, errNoMount) {
		return fmt.Errorf("no mount uses the cache %s: name the datasets", p.opts.Cache)
	}
	fsys, done, err := p.treeFS(ctx)
	if err != nil {
		return err
	}
	defer done()
	data, err := iofs.ReadFile(fsys, ".omnimedfs/cite.bib")
	if err != nil {
		return err
	}
	_, err = p.stdout.Write(data)
	return err
}

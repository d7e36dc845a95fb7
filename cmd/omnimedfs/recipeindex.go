package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
)

// indexExt ends the name of a recipe's index, which stands beside it.
const indexExt = ".index"

// recipeIndex writes the listing of a dataset's raw files and archives to a
// file. Beside the recipe, it spares everybody the requests of a first listing.
func recipeIndex(ctx context.Context, p *program, args []string) error {
	id, file := args[0], args[0]+indexExt
	if len(args) > 1 {
		file = args[1]
	}
	b, err := p.open(&p.opts, p.log)
	if err != nil {
		return err
	}
	defer b.Close()
	a, ok := b.(*app)
	if !ok {
		return errors.New("no datasets in this process")
	}
	d, err := a.dataset(id)
	if err != nil {
		return err
	}
	x, err := d.BuildIndex(ctx)
	if err != nil {
		return err
	}
	data, err := x.Encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "%s: %s\n", file, cli.FormatBytes(int64(len(data))))
	return nil
}

// shippedIndex finds a dataset's index beside its recipe: in the user's folders,
// or in the program.
func shippedIndex(dirs []string) func(id string) ([]byte, bool) {
	return func(id string) ([]byte, bool) {
		for _, dir := range dirs {
			if data, err := os.ReadFile(filepath.Join(dir, id+indexExt)); err == nil {
				return data, true
			}
		}
		return recipe.ShippedIndex(id)
	}
}

package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
)

// lockVersion is what "omnimedfs_lock" of a lock file must be.
const lockVersion = 1

// lockFile pins what somebody used: recipes and the checksums of converted
// files.
type lockFile struct {
	Version   int                   `json:"omnimedfs_lock"`
	Converter int                   `json:"converter_version"`
	Datasets  map[string]lockedData `json:"datasets"`
}

type lockedData struct {
	Recipe string            `json:"recipe_sha256"`
	Files  map[string]string `json:"files"` // path below the dataset's folder -> sha256 of the listed file
}

// runLock writes a lock file: of all files that the cache has converted, or,
// with ids, of all files of these datasets, which are converted first.
func runLock(ctx context.Context, p *program, args []string) error {
	file, ids := args[0], args[1:]
	a, done, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	if len(ids) > 0 {
		bar := cli.NewProgress(p.stderr, p.opts.Progress, "lock")
		failed := 0
		err := a.Fetch(ctx, fetchRequest{ids, p.opts.Jobs}, func(e fetchEvent) {
			if e.Failed != nil {
				failed++
				fmt.Fprintf(p.stderr, "%s: %s\n", e.Failed.Path, e.Failed.Error)
			}
			bar.Show(cli.Step{Done: e.Done, Total: e.Total, Bytes: e.Bytes})
		})
		bar.Close()
		if err != nil {
			return err
		}
		if failed > 0 {
			return fmt.Errorf("%d files could not be converted: nothing is locked", failed)
		}
	}
	l, err := a.Lock(ctx, ids)
	if err != nil {
		return err
	}
	files := 0
	for _, d := range l.Datasets {
		files += len(d.Files)
	}
	data, err := json.MarshalIndent(l, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, append(data, '\n'), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "%d files of %d datasets locked in %s\n", files, len(l.Datasets), file)
	return nil
}

// Lock collects the checksums that the cache knows.
func (a *app) Lock(ctx context.Context, ids []string) (*lockFile, error) {
	out := &lockFile{Version: lockVersion, Converter: convertcore.ConverterVersion, Datasets: map[string]lockedData{}}
	for _, id := range ids {
		if _, err := a.dataset(id); err != nil {
			return nil, err
		}
	}
	for _, d := range a.sets {
		if len(ids) > 0 && !slices.Contains(ids, d.Recipe.ID) || len(ids) == 0 && !d.Touched() {
			continue
		}
		if err := d.Load(ctx); err != nil {
			return nil, err
		}
		sums, files := d.Sums()
		if len(ids) > 0 && len(sums) != files {
			return nil, fmt.Errorf("%s: %d of %d files are converted", d.Recipe.ID, len(sums), files)
		}
		if len(sums) > 0 {
			hash := d.Recipe.Hash()
			out.Datasets[d.Recipe.ID] = lockedData{hex.EncodeToString(hash[:]), sums}
		}
	}
	return out, nil
}

// errLock marks a catalog that is not the one that was locked.
var errLock = errors.New("differs from the lock file")

// readLock reads a lock file and keeps the recipes that it names. Any
// difference is an error.
func readLock(file string, recipes []*recipe.Recipe) ([]*recipe.Recipe, *lockFile, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	var l lockFile
	if err := json.Unmarshal(data, &l); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	if l.Version != lockVersion {
		return nil, nil, fmt.Errorf("%s: lock file of version %d, this program reads %d", file, l.Version, lockVersion)
	}
	if l.Converter != convertcore.ConverterVersion {
		return nil, nil, fmt.Errorf("%s: converter version %d, this program has %d: %w", file, l.Converter, convertcore.ConverterVersion, errLock)
	}
	byID := map[string]*recipe.Recipe{}
	for _, r := range recipes {
		byID[r.ID] = r
	}
	var out []*recipe.Recipe
	var errs []error
	for id, d := range l.Datasets {
		r := byID[id]
		if r == nil {
			errs = append(errs, fmt.Errorf("dataset %s of %s is not in the catalog: %w", id, file, errLock))
			continue
		}
		hash := r.Hash()
		if got := hex.EncodeToString(hash[:]); got != d.Recipe {
			errs = append(errs, fmt.Errorf("recipe %s has sha256 %s, and %s in %s: %w", id, got, d.Recipe, file, errLock))
		}
		out = append(out, r)
	}
	return out, &l, errors.Join(errs...)
}

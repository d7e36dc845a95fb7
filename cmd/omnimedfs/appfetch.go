package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	datafs "github.com/omnimedseg/omnimedfs/fs"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/fs/view"
)

// fetchRun is one fetch: a walk that counts the files, and one that brings
// them, several at a time.
type fetchRun struct {
	app  *app
	jobs int
	mu   sync.Mutex
	at   fetchEvent
	emit func(fetchEvent)
}

// Fetch converts files into the cache. A dataset id stands for its images and
// labels, a path for the files below it.
func (a *app) Fetch(ctx context.Context, req fetchRequest, emit func(fetchEvent)) error {
	roots, err := a.targets(req.Targets)
	if err != nil {
		return err
	}
	run := &fetchRun{app: a, jobs: max(1, req.Jobs), emit: emit}
	if err := run.walk(ctx, roots, func(string, tree.File, view.Fetcher) error {
		run.at.Total++
		return nil
	}); err != nil {
		return err
	}
	emit(run.at)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(run.jobs)
	err = run.walk(ctx, roots, func(path string, f tree.File, fetch view.Fetcher) error {
		g.Go(func() error { return run.one(ctx, path, f, fetch) })
		return ctx.Err()
	})
	if werr := g.Wait(); err == nil {
		err = werr
	}
	return err
}

// targets turns dataset ids and tree paths into tree paths.
func (a *app) targets(names []string) ([]string, error) {
	var out []string
	for _, name := range names {
		name = strings.Trim(name, "/")
		if !strings.Contains(name, "/") {
			if _, err := a.dataset(name); err == nil {
				out = append(out, "datasets/"+name+"/images", "datasets/"+name+"/labels")
				continue
			}
		}
		if name == "" {
			name = "."
		}
		out = append(out, name)
	}
	return out, nil
}

// walk calls fn for every file below the roots that can be fetched.
func (r *fetchRun) walk(ctx context.Context, roots []string, fn func(string, tree.File, view.Fetcher) error) error {
	for _, root := range roots {
		n, err := tree.Find(ctx, r.app.root, root)
		if err != nil {
			return fmt.Errorf("%s: %w", root, err)
		}
		visit := func(path string, n tree.Node, err error) error {
			if err != nil {
				return err
			}
			f, isFile := n.(tree.File)
			fetch, ok := n.(view.Fetcher)
			if !isFile || !ok {
				return nil
			}
			if path == "." {
				path = root
			} else {
				path = root + "/" + path
			}
			return fn(path, f, fetch)
		}
		if d, ok := n.(tree.Dir); ok {
			err = tree.Walk(ctx, d, visit)
		} else {
			err = visit(".", n, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// one brings one file; only the end of ctx is an error.
func (r *fetchRun) one(ctx context.Context, path string, f tree.File, fetch view.Fetcher) error {
	cached := fetch.Cached()
	var err error
	if !cached {
		err = fetch.Fetch(ctx)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at.Done++
	e := r.at
	e.Path = path
	switch {
	case err != nil:
		errno := datafs.ErrnoName(err)
		r.app.ReadFailed(path, err)
		e.Failed = &failure{time.Now().UTC().Truncate(time.Second), path, errno, err.Error(), hint(errno)}
	case cached:
		r.at.Cached++
		e.Cached++
	default:
		if n, ok := f.KnownSize(); ok {
			r.at.Bytes += n
			e.Bytes += n
		}
	}
	r.emit(e)
	return nil
}

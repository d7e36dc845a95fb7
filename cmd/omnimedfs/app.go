package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	datafs "github.com/omnimedseg/omnimedfs/fs"
	"github.com/omnimedseg/omnimedfs/fs/cache"
	data "github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/fs/view"
	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/archive"
)

// app is the Data layer in this process: the one place where recipes,
// sources, cache and tree are wired together.
type app struct {
	opts    *options
	log     *slog.Logger
	started time.Time
	cache   *cache.Cache
	client  *sources.Client
	spool   *archive.Spool
	env     *data.Env
	sets    []*data.Dataset
	root    tree.Dir

	mount atomic.Pointer[mountedAt]
}

type mountedAt struct {
	dir      string
	counters func() map[string]int64
}

var registerDemo = sync.OnceValue(func() error {
	recipes, err := recipe.Demo()
	if err != nil {
		return err
	}
	for _, r := range recipes {
		fsys, err := fs.Sub(recipe.DemoFS(), r.Source.Record)
		if err != nil {
			return err
		}
		sources.RegisterEmbedded(r.Source.Record, fsys)
	}
	return nil
})

// unbounded is a cache limit that no disk reaches.
const unbounded = 1 << 60

// newApp opens the Data layer: recipes, cache, sources and tree.
func newApp(o *options, log *slog.Logger) (backend, error) {
	if err := registerDemo(); err != nil {
		return nil, err
	}
	recipes, err := loadRecipes(o)
	if err != nil {
		return nil, err
	}
	var lock *lockFile
	if o.Lock != "" {
		if recipes, lock, err = readLock(o.Lock, recipes); err != nil {
			return nil, err
		}
	}
	a := &app{opts: o, log: log, started: time.Now().UTC().Truncate(time.Second)}
	limit := o.CacheLimit
	if limit == 0 {
		limit = unbounded
	}
	a.cache, err = cache.Open(context.Background(), o.Cache, cache.Options{Limit: limit, Log: log})
	if err != nil {
		return nil, err
	}
	if a.client, err = newClient(o, a.cache, log); err != nil {
		return nil, errors.Join(err, a.cache.Close())
	}
	a.env = data.NewEnv(a.client, a.cache, o.Memory, log)
	a.spool = archive.NewSpool(o.Cache, limit/4)
	a.env.Spool, a.env.Errno = a.spool, datafs.ErrnoName
	a.env.Accepted = func(id string) bool { return slices.Contains(o.Accept, id) }
	a.env.Index = shippedIndex(o.Recipes)
	for _, r := range recipes {
		d := data.New(r, a.env)
		if lock != nil {
			d.Pin(lock.Datasets[r.ID].Files)
		}
		a.sets = append(a.sets, d)
	}
	a.root = view.Root(&view.Catalog{Datasets: a.sets, Options: view.Options{Nii: o.NIfTI == "nii"}}, a.hidden())
	return a, nil
}

// newClient returns what all downloads go through; c keeps what is learnt, nil
// nothing.
func newClient(o *options, c *cache.Cache, log *slog.Logger) (*sources.Client, error) {
	mirrors := make([]sources.Mirror, len(o.Mirror))
	for i, m := range o.Mirror {
		var err error
		if mirrors[i], err = sources.ParseMirror(m); err != nil {
			return nil, err
		}
	}
	opt := sources.Options{
		Mirrors: mirrors, Offline: o.Offline, AllowHTTP: o.AllowHTTP, Budget: o.Budget, BudgetDay: o.BudgetDay, PerHost: o.PerHost,
		Timeouts: sources.Timeouts{Header: o.Timeout, Stall: o.Timeout},
		Log:      log, UserAgent: "omnimedfs/" + version().Version,
	}
	if c != nil {
		opt.Facts, opt.Spool = c.Facts(), o.Cache
		if o.KeepRaw {
			opt.Keep = c.Raw()
		}
	}
	return sources.NewClient(opt), nil
}

// loadRecipes returns the catalog, or the demo, with the user's own recipes.
func loadRecipes(o *options) ([]*recipe.Recipe, error) {
	builtin := recipe.Catalog
	if o.Demo {
		builtin = recipe.Demo
	}
	all, err := builtin()
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, r := range all {
		seen[r.ID] = true
	}
	for _, dir := range o.Recipes {
		own, err := recipe.LoadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, r := range own {
			if seen[r.ID] {
				return nil, fmt.Errorf("recipe %s in %s: there is a dataset of that id already", r.ID, dir)
			}
			seen[r.ID] = true
		}
		all = append(all, own...)
	}
	return slices.DeleteFunc(all, func(r *recipe.Recipe) bool {
		return !matches(o.Datasets, r.ID) || !matches(o.License, r.License)
	}), nil
}

// matchesAny tells whether one of the globs matches name; a broken glob matches
// nothing but itself.
func matchesAny(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(g string) bool {
		ok, _ := path.Match(g, name)
		return ok || g == name
	})
}

func (a *app) Root() tree.Dir { return a.root }

func (a *app) Mounted(dir string, counters func() map[string]int64) {
	a.mount.Store(&mountedAt{dir, counters})
}

func (a *app) ReadFailed(path string, err error) {
	a.env.Failures.Add(path, datafs.ErrnoName(err), err)
}

// Close ends the work under way, then the client, and the cache last: the
// others write to it.
func (a *app) Close() error {
	a.env.Close()
	return errors.Join(a.spool.Close(), a.client.Close(), a.cache.Close())
}

// dataset finds a dataset by its id.
func (a *app) dataset(id string) (*data.Dataset, error) {
	for _, d := range a.sets {
		if d.Recipe.ID == id {
			return d, nil
		}
	}
	return nil, fmt.Errorf("dataset %q: %w", id, errNotFound)
}

func (a *app) Status(context.Context) (*status, error) {
	s := &status{
		Version: version().Version, PID: os.Getpid(), Cache: a.opts.Cache, Started: a.started,
		Datasets: len(a.sets), Offline: a.opts.Offline, Failures: a.env.Failures.Len(), Spool: a.spool.Used(),
	}
	for _, d := range a.sets {
		if d.Touched() {
			for _, w := range d.LicenseWarnings() {
				s.Warnings = append(s.Warnings, d.Recipe.ID+": "+w)
			}
		}
	}
	for _, st := range a.client.Stats() {
		s.Downloaded += st.Bytes
		s.Traffic = append(s.Traffic, traffic{st.Dataset, st.Platform, st.Host, st.Reason, st.Requests, st.Bytes})
	}
	if m := a.mount.Load(); m != nil {
		s.Mountpoint, s.Requests = m.dir, m.counters()
	}
	return s, nil
}

func (a *app) List(ctx context.Context, f filter) ([]dataset, error) {
	var out []dataset
	for _, d := range a.sets {
		r := d.Recipe
		if !matches(f.IDs, r.ID) || !matches(f.License, r.License) || len(f.Modality) > 0 && !slices.Contains(f.Modality, r.Modality) {
			continue
		}
		if line := stated(r); len(f.Status) > 0 && !slices.Contains(f.Status, line.Status) && !slices.Contains(f.Status, line.state()) {
			continue
		}
		// A dataset that was touched before lists from the cache; the others
		// stay unknown rather than ask a platform.
		if d.Touched() {
			if err := d.Load(ctx); err != nil {
				a.log.Debug("listing", "dataset", r.ID, "error", err)
			}
		}
		out = append(out, describe(d))
	}
	return out, nil
}

func matches(globs []string, name string) bool { return len(globs) == 0 || matchesAny(globs, name) }

func describe(d *data.Dataset) dataset {
	out := stated(d.Recipe)
	if d.Loaded() {
		out.Cases = d.NumCases()
		out.Files, out.Cached = d.Counts()
		out.Size = d.RawBytes()
	}
	return out
}

// stated is what a recipe says of its dataset.
func stated(r *recipe.Recipe) dataset {
	return dataset{
		ID: r.ID, Title: r.Title, Modality: r.Modality, Anatomy: r.Anatomy, Dim: r.Dim, License: r.License,
		Platform: r.Source.Platform, Images: r.Images, Status: r.Status, RawOnly: r.RawOnly(), Synthetic: r.Synthetic,
		Classes: r.ClassNames(), Cases: -1, Files: -1, Size: -1, Cached: -1,
	}
}

func (a *app) Info(ctx context.Context, id string) (*datasetInfo, error) {
	d, err := a.dataset(id)
	if err != nil {
		return nil, err
	}
	if err := d.Load(ctx); err != nil {
		return nil, err
	}
	r := d.Recipe
	info := &datasetInfo{
		dataset: describe(d), Record: r.Source.Record, Splits: d.Splits(),
		Missing: r.Missing, Warnings: d.LicenseWarnings(), Citation: view.BibTeX(r), Path: "datasets/" + r.ID,
	}
	for _, f := range r.Source.Files {
		size := f.Size
		if size == 0 {
			size = -1
		}
		info.Sources = append(info.Sources, sourceFile{f.Name, f.URL, size, f.Sum})
	}
	return info, nil
}

func (a *app) Why(_ context.Context, path string) ([]failure, error) {
	var out []failure
	kept, err := a.env.Failures.Below(path)
	if err != nil {
		return nil, err
	}
	for _, f := range kept {
		out = append(out, failure{f.Time, f.Path, f.Errno, f.Error, hint(f.Errno)})
	}
	slices.SortStableFunc(out, func(x, y failure) int { return y.Time.Compare(x.Time) })
	return out, nil
}

func (a *app) CacheStat(context.Context) (*cacheStat, error) {
	s := a.cache.Stats()
	return &cacheStat{
		Folder: a.opts.Cache, Limit: a.opts.CacheLimit, Disk: s.Disk, Raw: s.Raw, Spool: a.spool.Used(), Payload: s.Payload, Entries: int64(s.Entries),
		Generations: len(s.Generations), Damaged: int64(s.Damaged),
	}, nil
}

func (a *app) CacheTrim(ctx context.Context, limit int64) (*cacheStat, error) {
	if err := a.cache.Trim(ctx, limit); err != nil {
		return nil, err
	}
	return a.CacheStat(ctx)
}

func (a *app) CacheClear(ctx context.Context) (*cacheStat, error) {
	if err := a.cache.Clear(ctx); err != nil {
		return nil, err
	}
	return a.CacheStat(ctx)
}

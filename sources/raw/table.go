package raw

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync/atomic"

	"github.com/omnimedseg/omnimedfs/sources/archive"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"golang.org/x/sync/errgroup"
)

// sep stands between an archive's name and its members'.
const sep = "!/"

// origin is an Origin in the table: an archive that was entered, or one file.
type origin struct {
	Origin
	key   string // what the table is sorted by: Path, with sep for an archive
	arc   archive.Indexed
	base  blob.Blob    // of the archive
	size  atomic.Int64 // learnt; -1 unknown
	first int          // number of its first file
}

// table is the loaded listing. No name of an origin holds sep, so an archive's
// members stand together in the order of all paths.
type table struct {
	origins []*origin // sorted by key
	total   int
}

func (t *table) len() int { return t.total }

func (t *table) at(i int) blob.Info {
	k := sort.Search(len(t.origins), func(k int) bool { return t.origins[k].first > i }) - 1
	// Archives without members share their number with the next origin, which
	// comes later and is thus what the search ends on.
	o := t.origins[k]
	if o.arc == nil {
		info := o.Info
		if n := o.size.Load(); n >= 0 {
			info.Size = n
		}
		return info
	}
	info := o.arc.At(i - o.first)
	info.Path = o.key + info.Path
	return info
}

// find returns the number of a path, or of the first one after it.
func (t *table) find(path string) (int, bool) {
	k := sort.Search(len(t.origins), func(k int) bool { return t.origins[k].key > path }) - 1
	if k < 0 {
		return 0, false
	}
	o := t.origins[k]
	if o.arc == nil {
		if o.key == path {
			return o.first, true
		}
		return o.first + 1, false
	}
	rest, ok := strings.CutPrefix(path, o.key)
	if !ok { // between this archive and the next origin
		return o.first + o.arc.Len(), false
	}
	i, ok := o.arc.Find(rest)
	return o.first + i, ok
}

// origin returns where a path's bytes are: an origin, and the member's name
// in it unless the origin itself is meant.
func (t *table) origin(path string) (*origin, string, bool) {
	name, member, in := strings.Cut(path, sep)
	key := name
	if in {
		key += sep
	}
	if k, ok := t.search(key); ok {
		return t.origins[k], member, in == (t.origins[k].arc != nil) && (!in || member != "")
	}
	if k, ok := t.search(key + sep); ok && !in {
		return t.origins[k], "", true // the archive as a file
	}
	return nil, "", false
}

func (t *table) search(key string) (int, bool) {
	return slices.BinarySearchFunc(t.origins, key, func(o *origin, key string) int { return cmp.Compare(o.key, key) })
}

func (t *table) close() error {
	var errs []error
	for _, o := range t.origins {
		if o.base != nil {
			errs = append(errs, o.base.Close())
		}
	}
	return errors.Join(errs...)
}

// openers is how many archives are opened at a time.
const openers = 4

func (f *Files) build(ctx context.Context) (*table, error) {
	list, err := f.opt.List(ctx)
	if err != nil {
		return nil, err
	}
	t := &table{origins: make([]*origin, len(list))}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(openers)
	for i, l := range list {
		o := &origin{Origin: l, key: l.Path}
		o.size.Store(l.Size)
		t.origins[i] = o
		if err := checkName(l.Path); err != nil {
			g.Go(func() error { return err })
			break
		}
		if archive.IsArchive(l.Path) && (f.opt.Keep == nil || !f.opt.Keep(l.Path)) {
			o.key += sep
			g.Go(func() error { return f.enter(ctx, o) })
		}
	}
	if err := g.Wait(); err != nil {
		t.origins = slices.DeleteFunc(t.origins, func(o *origin) bool { return o == nil })
		return nil, errors.Join(err, t.close())
	}
	return t, t.number()
}

func checkName(name string) error {
	if name == "" || strings.Contains(name, sep) || strings.HasPrefix(name, "/") || strings.ContainsRune(name, 0) ||
		slices.Contains(strings.Split(name, "/"), "..") {
		return fmt.Errorf("%q: not a name for a raw file", name)
	}
	return nil
}

// enter opens an archive for as long as f lives: its reads are bound to the
// callers that open members, its index to f.
func (f *Files) enter(ctx context.Context, o *origin) error {
	b, err := o.Open(f.ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", o.Path, err)
	}
	key := o.Key
	if id, ok := b.(interface{ Identity() string }); ok {
		key = id.Identity()
	}
	a, err := archive.Open(ctx, o.Path, b, archive.Env{Facts: f.opt.Facts, Key: key, Spool: f.opt.Spool, Limits: f.opt.Limits})
	if err != nil {
		b.Close()
		return err
	}
	x, ok := a.(archive.Indexed)
	if !ok {
		b.Close()
		return fmt.Errorf("%s: %w: its type has no index", o.Path, archive.ErrUnsupported)
	}
	for _, w := range x.Warnings() {
		f.opt.Log.Warn("archive", "file", o.Path, "warning", w)
	}
	o.arc, o.base = x, b
	o.size.Store(b.Size())
	return nil
}

func (t *table) number() error {
	slices.SortFunc(t.origins, func(a, b *origin) int { return cmp.Compare(a.key, b.key) })
	for i, o := range t.origins {
		if i > 0 && t.origins[i-1].key == o.key {
			return errors.Join(fmt.Errorf("%q: two raw files of this name", o.Path), t.close())
		}
		o.first = t.total
		if o.arc == nil {
			t.total++
		} else {
			t.total += o.arc.Len()
		}
	}
	return nil
}

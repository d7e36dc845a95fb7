package raw

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/sources/archive"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/fetch"
	"golang.org/x/sync/errgroup"
)

const (
	// openers is how many archives are opened at a time.
	openers = 4
	// maxDepth is how many archives a file may lie in, one within the other.
	maxDepth = 3
	// maxInner is how many archives within archives are entered.
	maxInner = 20_000
)

// Broken is an archive that could not be entered for a reason that will stay.
// It is listed as a file; what it holds is not.
type Broken struct {
	Path string
	Err  error
}

// build lists the origins and enters those that are archives, level by level.
func (f *Files) build(ctx context.Context) (*table, error) {
	t := &table{origins: map[string]*origin{}}
	var list []Origin
	if f.opt.Index != nil {
		list = f.origins()
		f.opt.Index.known(t)
	} else {
		var err error
		if list, err = f.opt.List(ctx); err != nil {
			return nil, err
		}
	}
	names := make([]string, len(list))
	all := make([]origin, len(list))
	for i, l := range list {
		if err := checkName(l.Path); err != nil {
			return nil, err
		}
		all[i].set(l, plain)
		if err := t.add(&all[i]); err != nil {
			return nil, err
		}
		names[i] = l.Path
	}
	level := t.join(f.choose(names))
	for n := 0; len(level) > 0; n += len(level) {
		if err := f.enterAll(ctx, t, level); err != nil {
			return nil, errors.Join(err, t.close())
		}
		var next []*origin
		for _, o := range level {
			if o.arc == nil {
				continue
			}
			inner, err := f.within(t, o, n+len(level)+len(next))
			if err != nil {
				return nil, errors.Join(err, t.close())
			}
			next = append(next, inner...)
		}
		level = next
	}
	for _, b := range t.broken {
		f.opt.Log.Warn("archive cannot be entered", "file", b.Path, "error", b.Err)
	}
	t.number()
	return t, nil
}

// choose returns which files are to be entered as archives, and the files of
// those that are of several.
func (f *Files) choose(paths []string) (mains []string, volumes map[string][]string) {
	volumes = archive.Volumes(paths)
	part := map[string]bool{}
	for main, parts := range volumes {
		if f.keep(main) {
			delete(volumes, main)
			continue
		}
		for _, p := range parts {
			part[p] = p != main
		}
	}
	for _, p := range paths {
		if !part[p] && !f.keep(p) && (archive.IsArchive(p) && f.worth(p) || f.packed(p)) {
			mains = append(mains, p)
		}
	}
	return mains, volumes
}

// worth tells whether an archive is entered although that may cost all of it.
func (f *Files) worth(path string) bool {
	return f.opt.Reaches == nil || !archive.ReadsWhole(path) || f.opt.Reaches(path)
}

// packed tells whether a single packed file is to be entered.
func (f *Files) packed(path string) bool {
	return f.opt.Wants != nil && archive.IsPacked(path) && f.opt.Wants(path)
}

// join returns the archives of these names with their volumes.
func (t *table) join(mains []string, volumes map[string][]string) []*origin {
	out := make([]*origin, len(mains))
	for i, m := range mains {
		out[i] = t.origins[m].own()
		for _, p := range volumes[m] {
			out[i].parts = append(out[i].parts, t.origins[p].own())
		}
	}
	return out
}

// keep says which files are not entered: an index may know that they cannot be.
func (f *Files) keep(path string) bool {
	if x := f.opt.Index; x != nil && x.Broken[path] != "" {
		return true
	}
	return f.opt.Keep != nil && f.opt.Keep(path)
}

func checkName(name string) error {
	if name == "" || strings.Contains(name, sep) || strings.HasPrefix(name, "/") || strings.ContainsRune(name, 0) ||
		slices.Contains(strings.Split(name, "/"), "..") {
		return fmt.Errorf("%q: not a name for a raw file", name)
	}
	return nil
}

// enterAll opens archives. One that is broken is noted; an error that may pass
// is an error of the whole listing, which is then tried again.
func (f *Files) enterAll(ctx context.Context, t *table, level []*origin) error {
	errs := make([]error, len(level))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(openers)
	for i, o := range level {
		g.Go(func() error {
			err := f.enter(ctx, o)
			if err != nil && (archive.Permanent(err) || errors.Is(err, fetch.ErrGone) || errors.Is(err, archive.ErrAmbiguous)) {
				errs[i], err = err, nil
			}
			return err
		})
	}
	err := g.Wait()
	for i, e := range errs {
		if e != nil {
			t.broken = append(t.broken, Broken{level[i].Path, e})
			level[i].parts = nil // they are files like it
		}
	}
	return err
}

// enter opens an archive for as long as f lives: its reads are bound to the
// callers that open members, its index to f.
func (f *Files) enter(ctx context.Context, o *origin) error {
	env := archive.Env{Facts: f.opt.Facts, Spool: f.opt.Spool, Limits: f.opt.Limits, Unpack: true, Key: o.Key}
	b, err := f.openParts(o, &env)
	if err != nil {
		return err
	}
	if id, ok := b.(interface{ Identity() string }); ok && !f.opt.named {
		env.Key = id.Identity()
	}
	a, err := archive.Open(ctx, o.Path, b, env)
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
	o.arc, o.base, o.Key = x, b, env.Key
	if len(o.parts) == 0 {
		o.size.Store(b.Size())
	}
	return nil
}

// openParts opens the file of an archive, or all of its volumes as one blob.
func (f *Files) openParts(o *origin, env *archive.Env) (blob.Blob, error) {
	if len(o.parts) == 0 {
		b, err := o.open(f.ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Path, err)
		}
		if f.opt.named && o.depth == 0 {
			o.size.Store(b.Size())
			env.Key = o.named()
		}
		return b, nil
	}
	var keys []string
	for _, p := range o.parts {
		b, err := p.open(f.ctx)
		if err != nil {
			for _, v := range env.Volumes {
				v.Blob.Close()
			}
			return nil, fmt.Errorf("%s: %w", p.Path, err)
		}
		env.Volumes = append(env.Volumes, archive.Volume{Name: p.Path, Blob: b})
		key := p.Key
		if f.opt.named && p.depth == 0 {
			p.size.Store(b.Size())
			key = p.named()
		}
		if key != "" {
			keys = append(keys, key)
		}
	}
	env.Key = ""
	if len(keys) == len(o.parts) {
		env.Key = strings.Join(keys, "\n")
	}
	return archive.Join(env.Volumes), nil
}

// within finds the archives within an archive that are to be entered. Those
// whose bytes stand in it as they are are read by range; what must be unpacked
// for it is entered where Wants does not say otherwise.
func (f *Files) within(t *table, o *origin, entered int) ([]*origin, error) {
	infos := map[string]blob.Info{}
	var paths []string
	for i := range o.arc.Len() {
		m := o.arc.At(i)
		path := o.Path + sep + m.Path
		if !archive.IsVolume(m.Path) && !f.packed(path) {
			continue
		}
		if f.opt.Wants != nil && !archive.Stored(o.arc, m.Path) && !f.opt.Wants(path) {
			continue
		}
		paths, infos[path] = append(paths, path), m
	}
	mains, volumes := f.choose(paths)
	if len(mains) > 0 && (o.depth+1 >= maxDepth || entered+len(mains) > maxInner) {
		t.broken = append(t.broken, Broken{mains[0], fmt.Errorf("%w: an archive within %d others, or one of more than %d", archive.ErrLimit, o.depth+1, maxInner)})
		return nil, nil
	}
	for _, main := range mains {
		names := volumes[main]
		if len(names) == 0 {
			names = []string{main}
		}
		for _, path := range names {
			m := infos[path]
			n := &origin{}
			n.set(Origin{Info: m, Open: f.inner(o, m)}, &part{depth: o.depth + 1})
			if n.Path = path; o.Key != "" {
				n.Key = o.Key + sep + m.Path + " " + m.Sum
			}
			if err := t.add(n); err != nil {
				return nil, err
			}
		}
	}
	o.inner = t.join(mains, volumes)
	return o.inner, nil
}

// inner opens a member that is an archive. One that is packed is unpacked into
// the spool, and its memory is nobody's between reads.
func (f *Files) inner(o *origin, m blob.Info) func(context.Context, Origin) (blob.Blob, error) {
	key := o.Key
	if key == "" {
		key = fmt.Sprintf("%p", o)
	}
	key += sep + m.Path
	return func(ctx context.Context, _ Origin) (blob.Blob, error) {
		open := func(ctx context.Context) (blob.Blob, error) {
			b, err := o.arc.Open(ctx, m.Path)
			if err != nil {
				return nil, fmt.Errorf("%s%s%w", o.Path, sep, err)
			}
			return b, nil
		}
		if archive.Stored(o.arc, m.Path) {
			return open(ctx)
		}
		return archive.Spooled(ctx, f.opt.Spool, key, m.Size, open), nil
	}
}

// named is the origin's key in an Index.
func (o *origin) named() string {
	info := o.Info
	info.Size = o.size.Load()
	return named(info)
}

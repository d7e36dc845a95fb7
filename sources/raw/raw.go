// Package raw shows a dataset's raw files as one flat namespace: the files of
// its record, and the members of those that are archives as "a.zip!/b/c.png".
//
// Nothing is read before it is asked for. The listing costs the record's
// listing and the archives' directories, once; after that it is a table that
// is searched, not a map: a million members add no object each.
package raw

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/omnimedseg/omnimedfs/sources/archive"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Origin is one file of the record.
type Origin struct {
	blob.Info // Path is its name, Size may be -1
	// Key names this version of the file, so that an archive's index can be
	// kept under it. A blob that knows better says so by an Identity method;
	// without both nothing is kept.
	Key string
	URL string // where it is, for Open; "" where Open does not ask
	// Open opens the file that o describes. Files of one record share it: a
	// closure for each of a million would take more memory than their names.
	Open func(ctx context.Context, o Origin) (blob.Blob, error)
}

// Options of Files.
type Options struct {
	// List returns the origins. It is called once, at the first use, and again
	// only after it has failed.
	List  func(ctx context.Context) ([]Origin, error)
	Facts blob.Facts   // blob.NoFacts
	Log   *slog.Logger // discarded
	// Keep says which archives stay files and are not entered; nil: none.
	Keep func(name string) bool
	// Wants says whether the recipe names members of what may be an archive. It
	// is asked of single packed files, which are archives only if it does, and
	// of archives within archives that must be unpacked to be looked into. nil:
	// all of the latter and none of the former.
	Wants func(path string) bool
	// Reaches says whether the recipe may match members of an archive. It is
	// asked of those that must be downloaded whole to be listed, such as
	// a.tar.gz: they stay files if it does not. nil: it may.
	Reaches func(path string) bool
	// Spool is where archives without random access are unpacked to; nil: one
	// that is shared, in $TMPDIR.
	Spool  *archive.Spool
	Limits archive.Limits // the defaults
	// Index is what is known beforehand: the listing then asks nobody. nil: none.
	Index *Index

	named bool // keys are made of the names, as in an Index
}

// Origins is a List that is known beforehand.
func Origins(o ...Origin) func(context.Context) ([]Origin, error) {
	return func(context.Context) ([]Origin, error) { return o, nil }
}

// Files is a dataset's raw namespace. It is safe for many goroutines.
type Files struct {
	opt    Options
	ctx    context.Context // of its life
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	loading *load
	table   *table // nil before the listing was loaded
}

type load struct {
	done chan struct{}
	err  error
}

var errClosed = errors.New("raw: files are closed")

// New returns a namespace that the caller closes.
func New(o Options) *Files {
	if o.Facts == nil {
		o.Facts = blob.NoFacts{}
	}
	if o.Index != nil {
		o.Facts, o.named = layered{o.Index, o.Facts}, true
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Files{opt: o, ctx: ctx, cancel: cancel}
}

// Close ends what is under way and closes the archives. Blobs that are still
// open may fail from then on.
func (f *Files) Close() error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.cancel()
	f.wg.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.table == nil {
		return nil
	}
	return f.table.close()
}

// Load reads the listing, once among callers. The work belongs to Files: a
// caller whose ctx ends leaves, the loading goes on. A failure is told to those
// who waited and then forgotten.
func (f *Files) Load(ctx context.Context) error {
	_, err := f.loaded(ctx)
	return err
}

func (f *Files) loaded(ctx context.Context) (*table, error) {
	f.mu.Lock()
	if f.table != nil || f.closed {
		defer f.mu.Unlock()
		if f.closed {
			return nil, errClosed
		}
		return f.table, nil
	}
	l := f.loading
	if l == nil {
		l = &load{done: make(chan struct{})}
		f.loading = l
		f.wg.Go(func() { f.run(l) })
	}
	f.mu.Unlock()
	select {
	case <-l.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if l.err != nil {
		return nil, l.err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.table, nil
}

func (f *Files) run(l *load) {
	t, err := f.build(f.ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.table, l.err, f.loading = t, err, nil
	close(l.done)
}

// Files lists every raw file, sorted by Path.
func (f *Files) Files(ctx context.Context) ([]blob.Info, error) {
	t, err := f.loaded(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]blob.Info, t.len())
	for i := range out {
		out[i] = t.at(i)
	}
	return out, nil
}

// Len is the number of raw files; 0 before Load.
func (f *Files) Len() int {
	if t := f.peek(); t != nil {
		return t.len()
	}
	return 0
}

// At returns file i in the order of paths, 0 <= i < Len().
func (f *Files) At(i int) blob.Info { return f.peek().at(i) }

// Lookup finds a path without I/O; after Load only.
func (f *Files) Lookup(path string) (blob.Info, bool) {
	t := f.peek()
	if t == nil {
		return blob.Info{}, false
	}
	i, ok := t.find(path)
	if !ok {
		return blob.Info{}, false
	}
	return t.at(i), true
}

// Search returns the first i with At(i).Path >= path.
func (f *Files) Search(path string) int {
	t := f.peek()
	if t == nil {
		return 0
	}
	i, _ := t.find(path)
	return i
}

func (f *Files) peek() *table {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.table
}

// Open opens a raw file by its path. The archives themselves open, too, by the
// name of their origin. ctx bounds the blob's reads.
func (f *Files) Open(ctx context.Context, path string) (blob.Blob, error) {
	t, err := f.loaded(ctx)
	if err != nil {
		return nil, err
	}
	o, member, ok := t.origin(path)
	if !ok {
		return nil, fmt.Errorf("%s: %w", path, archive.ErrNotMember)
	}
	if member == "" {
		b, err := o.open(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return inOrder(ctx, b), nil
	}
	b, err := o.arc.Open(ctx, member)
	if err != nil {
		return nil, fmt.Errorf("%s!/%w", o.Path, err)
	}
	return b, nil
}

// inOrder lets b read ahead of who reads all of it, where it can.
func inOrder(ctx context.Context, b blob.Blob) blob.Blob {
	o, ok := b.(blob.Orderer)
	if !ok {
		return b
	}
	defer b.Close()
	return o.Ahead(ctx, blob.Span{Off: 0, Len: b.Size()})
}

// Stat is Lookup, and learns the size of a plain file that the record does not
// tell, at the cost of one small request.
func (f *Files) Stat(ctx context.Context, path string) (blob.Info, error) {
	t, err := f.loaded(ctx)
	if err != nil {
		return blob.Info{}, err
	}
	i, ok := t.find(path)
	if !ok {
		return blob.Info{}, fmt.Errorf("%s: %w", path, archive.ErrNotMember)
	}
	info := t.at(i)
	if info.Size >= 0 {
		return info, nil
	}
	o, _, _ := t.origin(path)
	if n := o.size.Load(); n >= 0 {
		info.Size = n
		return info, nil
	}
	b, err := o.open(ctx)
	if err != nil {
		return blob.Info{}, fmt.Errorf("%s: %w", path, err)
	}
	defer b.Close()
	o.size.Store(b.Size())
	info.Size = b.Size()
	return info, nil
}

// Warnings says what the archives hold and this namespace does not show.
func (f *Files) Warnings() []string {
	t := f.peek()
	if t == nil {
		return nil
	}
	var out []string
	for _, o := range t.all {
		if o.arc != nil {
			for _, w := range o.arc.Warnings() {
				out = append(out, o.Path+": "+w)
			}
		}
	}
	return out
}

// Broken are the archives that could not be entered and will not be, as they
// are; after Load only.
func (f *Files) Broken() []Broken {
	if t := f.peek(); t != nil {
		return t.broken
	}
	return nil
}

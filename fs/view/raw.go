package view

import (
	"context"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// rawDir is a folder of the raw files. An archive is a folder.
type rawDir struct {
	d        *dataset.Dataset
	children []rawChild // sorted by name
}

type rawChild struct {
	name string
	lo   int
	dir  tree.Dir // nil for the file lo; kept, since grouping a large folder is dear
}

func rawRoot(d *dataset.Dataset) *rawDir {
	return newRawDir(d, 0, d.Raw().Len(), 0)
}

// newRawDir groups the entries lo..hi of the sorted listing, which share a prefix
// of the given length, by the next element of their paths. Entries of one folder stand together in the listing, since it is sorted.
func newRawDir(d *dataset.Dataset, lo, hi, prefix int) *rawDir {
	r := &rawDir{d: d}
	files := d.Raw()
	for i := lo; i < hi; {
		path := files.At(i).Path
		slash := strings.IndexByte(path[prefix:], '/')
		if slash < 0 {
			r.children = append(r.children, rawChild{name: path[prefix:], lo: i})
			i++
			continue
		}
		start, dir := i, path[:prefix+slash+1]
		end := i + sort.Search(hi-i, func(k int) bool { return !strings.HasPrefix(files.At(i+k).Path, dir) })
		name := strings.TrimSuffix(path[prefix:prefix+slash], "!")
		r.children = append(r.children, rawChild{name: name, lo: i, dir: tree.Lazy(r.ModTime(), func(context.Context) (tree.Dir, error) {
			return newRawDir(d, start, end, len(dir)), nil
		})})
		i = end
	}
	slices.SortFunc(r.children, func(a, b rawChild) int { return strings.Compare(a.name, b.name) })
	return r
}

func (r *rawDir) ModTime() time.Time         { return r.d.Recipe.Published }
func (r *rawDir) Load(context.Context) error { return nil }
func (r *rawDir) Len() int                   { return len(r.children) }
func (r *rawDir) Total() int                 { return len(r.children) }

func (r *rawDir) Entry(i int) tree.Entry {
	c := &r.children[i]
	if c.dir != nil {
		return tree.Entry{Name: c.name, Kind: tree.KindDir}
	}
	return tree.Entry{Name: c.name, Kind: tree.KindFile}
}

func (r *rawDir) Find(name string) (int, bool) {
	return sort.Find(len(r.children), func(i int) int { return strings.Compare(name, r.children[i].name) })
}

func (r *rawDir) Child(i int) tree.Node {
	c := r.children[i]
	if c.dir != nil {
		return c.dir
	}
	return &rawFile{r.d, c.lo}
}

// rawFile is one original file.
type rawFile struct {
	d *dataset.Dataset
	i int
}

func (f *rawFile) ModTime() time.Time { return f.d.Recipe.Published }
func (f *rawFile) KnownSize() (int64, bool) {
	n := f.d.Raw().At(f.i).Size
	return n, n >= 0
}
func (f *rawFile) Size(ctx context.Context) (int64, error)     { return f.d.RawSize(ctx, f.i) }
func (f *rawFile) Open(ctx context.Context) (blob.Blob, error) { return f.d.OpenRaw(ctx, f.i) }
func (f *rawFile) Xattrs(ctx context.Context) (map[string]string, error) {
	return f.d.RawXattrs(ctx, f.i)
}

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
)

// sep stands between an archive's name and its members'.
const sep = "!/"

// origin is a file in the table: an archive that was entered, or a plain file.
type origin struct {
	Origin
	size atomic.Int64 // learnt; -1 unknown
	*part
}

// part is what only archives and their parts have.
type part struct {
	depth int             // how many archives it lies in
	parts []*origin       // the files of an archive of several, in their order
	arc   archive.Indexed // of an archive that was entered
	base  blob.Blob       // of the archive
	inner []*origin       // members that are archives and were entered
}

// plain is shared by the files of a record, of which there may be a million.
var plain = &part{}

func (o *origin) set(from Origin, p *part) {
	o.Origin, o.part = from, p
	o.size.Store(from.Size)
}

// own makes the part of an archive its own, to be written.
func (o *origin) own() *origin {
	if o.part == plain {
		o.part = &part{}
	}
	return o
}

func (o *Origin) open(ctx context.Context) (blob.Blob, error) { return o.Open(ctx, *o) }

// segment is a run of paths in their order: one plain file, or members
// [lo, hi) of an archive.
type segment struct {
	o      *origin
	key    string // the first path
	lo, hi int
	first  int // number of its first file
}

// table is the loaded listing. The members of an archive stand together in the
// order of all paths, but for those of archives within it.
type table struct {
	segs    []segment
	all     []*origin          // while it is built; then those of origins
	origins map[string]*origin // by path: archives, volumes, and while it is built plain files
	total   int
	broken  []Broken
}

func (t *table) len() int { return t.total }

func (t *table) at(i int) blob.Info {
	k := sort.Search(len(t.segs), func(k int) bool { return t.segs[k].first > i }) - 1
	s := &t.segs[k]
	if s.o.arc == nil {
		info := s.o.Info
		if n := s.o.size.Load(); n >= 0 {
			info.Size = n
		}
		return info
	}
	info := s.o.arc.At(s.lo + i - s.first)
	info.Path = s.o.Path + sep + info.Path
	return info
}

// segment returns the last one that does not begin after path, or nil.
func (t *table) segment(path string) *segment {
	k := sort.Search(len(t.segs), func(k int) bool { return t.segs[k].key > path }) - 1
	if k < 0 {
		return nil
	}
	return &t.segs[k]
}

// find returns the number of a path, or of the first one after it.
func (t *table) find(path string) (int, bool) {
	s := t.segment(path)
	if s == nil {
		return 0, false
	}
	if s.key == path {
		return s.first, true
	}
	if s.o.arc == nil {
		return s.first + 1, false
	}
	rest, ok := strings.CutPrefix(path, s.o.Path+sep)
	if !ok { // between this archive and what comes next
		return s.first + s.hi - s.lo, false
	}
	i, ok := s.o.arc.Find(rest)
	if i >= s.hi {
		i, ok = s.hi, false
	}
	return s.first + i - s.lo, ok
}

// origin returns where a path's bytes are: an origin, and the member's name
// in it unless the origin itself is meant.
func (t *table) origin(path string) (*origin, string, bool) {
	if o := t.origins[path]; o != nil {
		return o, "", true
	}
	if s := t.segment(path); s != nil && s.key == path && s.o.arc == nil {
		return s.o, "", true
	}
	for i := strings.LastIndex(path, sep); i > 0; i = strings.LastIndex(path[:i], sep) {
		if o := t.origins[path[:i]]; o != nil && o.arc != nil {
			return o, path[i+len(sep):], i+len(sep) < len(path)
		}
	}
	return nil, "", false
}

// record returns the files of the record itself, in no order.
func (t *table) record() (out []*origin) {
	for _, o := range t.all {
		if o.depth == 0 {
			out = append(out, o)
		}
	}
	for _, s := range t.segs {
		if s.o.part == plain {
			out = append(out, s.o)
		}
	}
	return out
}

func (t *table) close() error {
	var errs []error
	for i := len(t.all) - 1; i >= 0; i-- { // the inner ones first
		if b := t.all[i].base; b != nil {
			errs = append(errs, b.Close())
		}
	}
	return errors.Join(errs...)
}

// add takes an origin into the table; its segments come with number.
func (t *table) add(o *origin) error {
	if t.origins[o.Path] != nil {
		return fmt.Errorf("%q: two raw files of this name", o.Path)
	}
	t.origins[o.Path] = o
	t.all = append(t.all, o)
	return nil
}

// number puts all paths in their order, and lets go of the plain files' map.
func (t *table) number() {
	volume := map[*origin]bool{}
	for _, o := range t.all {
		for _, p := range o.parts {
			volume[p] = p != o
		}
	}
	t.segs = make([]segment, 0, len(t.all))
	for _, o := range t.all {
		switch {
		case volume[o]: // stands for nothing by itself
		case o.arc == nil:
			if o.depth == 0 { // else its archive lists it
				t.segs = append(t.segs, segment{o: o, key: o.Path, hi: 1})
			}
		default:
			t.cut(o)
		}
	}
	slices.SortFunc(t.segs, func(a, b segment) int { return cmp.Compare(a.key, b.key) })
	for i := range t.segs {
		t.segs[i].first = t.total
		t.total += t.segs[i].hi - t.segs[i].lo
	}
	t.all = slices.DeleteFunc(t.all, func(o *origin) bool { return o.part == plain })
	t.all = slices.Clip(slices.Clone(t.all))
	t.origins = make(map[string]*origin, len(t.all))
	for _, o := range t.all {
		t.origins[o.Path] = o
	}
}

// cut makes the segments of an archive: without the members that were entered
// and their volumes, interrupted where the members of those stand.
func (t *table) cut(o *origin) {
	n := o.arc.Len()
	var holes [][2]int // without overlap, and empty ones where something stands between
	for _, in := range o.inner {
		if in.arc == nil {
			continue // it is a file like others
		}
		for _, p := range append(in.parts, in) {
			if i, ok := o.arc.Find(strings.TrimPrefix(p.Path, o.Path+sep)); ok {
				holes = append(holes, [2]int{i, i + 1})
			}
		}
		// A folder of the name "b.zip!" would hide in the inner archive.
		dir := strings.TrimPrefix(in.Path, o.Path+sep) + sep
		lo, _ := o.arc.Find(dir)
		hi := lo
		for hi < n && strings.HasPrefix(o.arc.At(hi).Path, dir) {
			hi++
		}
		holes = append(holes, [2]int{lo, hi})
	}
	slices.SortFunc(holes, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	lo := 0
	for _, h := range append(holes, [2]int{n, n}) {
		if h[0] > lo {
			t.segs = append(t.segs, segment{o: o, key: o.Path + sep + o.arc.At(lo).Path, lo: lo, hi: h[0]})
		}
		lo = max(lo, h[1])
	}
}

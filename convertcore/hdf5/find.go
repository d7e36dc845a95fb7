package hdf5

import (
	"context"
	"encoding/binary"
	"strconv"
	"strings"
)

// Dataset finds a dataset by its path, "group/name". Soft links are followed.
// Where the path goes through a dataset of references, as MATLAB's cells and
// arrays of structures are, its next word is the number of one of them, from 0;
// "s/img/3" and "s/3/img" are the same then.
func (f *File) Dataset(ctx context.Context, path string) (*Dataset, error) {
	w := finder{f: f, ctx: ctx, hops: 64}
	o, err := w.walk(path)
	if err != nil {
		return nil, err
	}
	if o.isGroup() {
		return nil, malformed("%q is an HDF5 group: it has %s", path, w.list(o))
	}
	d, err := f.dataset(o)
	if err != nil || !d.Type.Ref {
		return d, err
	}
	if o, err = w.deref(o, 0, true); err != nil {
		return nil, err
	}
	return f.dataset(o)
}

type finder struct {
	f    *File
	ctx  context.Context
	hops int
}

// walk goes from the root along a path.
func (w *finder) walk(path string) (*object, error) {
	if w.hops--; w.hops < 0 {
		return nil, malformed("HDF5 links that go round in circles")
	}
	o, err := w.f.object(w.f.root)
	if err != nil {
		return nil, err
	}
	pending := int64(-1)
	for word := range strings.SplitSeq(path, "/") {
		if word == "" || word == "." {
			continue
		}
		n, numErr := strconv.ParseInt(word, 10, 32)
		if !o.isGroup() {
			if numErr != nil {
				return nil, malformed("%q: an HDF5 dataset has no %q", path, word)
			}
			if o, err = w.deref(o, n, false); err != nil {
				return nil, err
			}
			continue
		}
		l, ok, err := w.child(o, word)
		switch {
		case err != nil:
			return nil, err
		case !ok && numErr == nil && pending < 0:
			pending = n
			continue
		case !ok:
			return nil, malformed("no %q of the path %q; there is %s", word, path, w.list(o))
		case l.soft != "":
			target := l.soft
			if !strings.HasPrefix(target, "/") {
				target = strings.TrimSuffix(path[:strings.LastIndex(path, word)], "/") + "/" + target
			}
			o, err = w.walk(target)
		case w.f.undefined(l.addr):
			return nil, unsupported("HDF5 link %q into another file", word)
		default:
			o, err = w.f.object(l.addr)
		}
		if err != nil {
			return nil, err
		}
		if pending >= 0 && !o.isGroup() {
			if o, err = w.deref(o, pending, false); err != nil {
				return nil, err
			}
			pending = -1
		}
	}
	if pending >= 0 {
		return nil, malformed("%q ends in a number that counts nothing", path)
	}
	return o, nil
}

// child finds an entry of a group.
func (w *finder) child(o *object, name string) (found link, ok bool, err error) {
	err = w.f.links(o, name, func(l link) bool {
		if l.name == name {
			found, ok = l, true
		}
		return !ok
	})
	return found, ok, err
}

// list names the first entries of a group, for an error.
func (w *finder) list(o *object) string {
	var names []string
	_ = w.f.links(o, "", func(l link) bool {
		names = append(names, strconv.Quote(l.name))
		return len(names) < 20
	})
	return "[" + strings.Join(names, " ") + "]"
}

// deref follows reference n of a dataset; only demands that it is the only one.
func (w *finder) deref(o *object, n int64, only bool) (*object, error) {
	d, err := w.f.dataset(o)
	if err != nil {
		return nil, err
	}
	if !d.Type.Ref {
		return nil, malformed("an HDF5 dataset of numbers has no number %d", n)
	}
	start, count, total := make([]int64, len(d.Shape)), make([]int64, len(d.Shape)), int64(1)
	rest := n
	for i := len(d.Shape) - 1; i >= 0; i-- {
		count[i] = 1
		if d.Shape[i] > 0 {
			start[i], rest = rest%d.Shape[i], rest/d.Shape[i]
		}
		total *= d.Shape[i]
	}
	if n >= total || only && total != 1 {
		return nil, malformed("number %d of %d HDF5 references", n, total)
	}
	b, err := d.Read(w.ctx, start, count)
	if err != nil {
		return nil, err
	}
	if w.hops--; w.hops < 0 {
		return nil, malformed("HDF5 links that go round in circles")
	}
	return w.f.object(binary.LittleEndian.Uint64(b))
}

// Only finds the dataset of a file that has one of two axes or more, leaving
// out what MATLAB hides, and returns its path.
func (f *File) Only(ctx context.Context) (*Dataset, string, error) {
	o, err := f.object(f.root)
	if err != nil {
		return nil, "", err
	}
	s := &search{f: f, ctx: ctx}
	if err := s.group(o, "", 0); err != nil {
		return nil, "", err
	}
	switch len(s.paths) {
	case 0:
		return nil, "", malformed("no array of numbers in the HDF5 file")
	case 1:
		return s.found, s.paths[0], nil
	}
	return nil, "", malformed("%d arrays, of which the raw path chooses none: %.200q", len(s.paths), s.paths)
}

type search struct {
	f     *File
	ctx   context.Context
	seen  int
	found *Dataset
	paths []string
}

func (s *search) group(o *object, path string, depth int) error {
	var entries []link
	err := s.f.links(o, "", func(l link) bool {
		if !strings.HasPrefix(l.name, "#") && l.soft == "" && !s.f.undefined(l.addr) {
			entries = append(entries, l)
		}
		return len(entries) <= maxSearch
	})
	if err != nil {
		return err
	}
	for _, l := range entries {
		if s.seen++; s.seen > maxSearch || depth > 8 {
			return malformed("more than %d HDF5 objects, of which the raw path chooses none", maxSearch)
		}
		if err := s.ctx.Err(); err != nil {
			return err
		}
		child, err := s.f.object(l.addr)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path+"/"+l.name, "/")
		if child.isGroup() {
			if err := s.group(child, name, depth+1); err != nil {
				return err
			}
		} else if d, err := s.f.dataset(child); err == nil && len(d.Shape) >= 2 && !d.Type.Ref {
			s.found, s.paths = d, append(s.paths, name)
		}
	}
	return nil
}

// maxSearch bounds the objects among which the only array is looked for.
const maxSearch = 1000

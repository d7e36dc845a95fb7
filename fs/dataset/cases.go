package dataset

import (
	"context"
	"encoding/hex"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Slot is one output of every case: its image, one channel of it, or the mask
// of one class.
type Slot struct {
	Kind convertcore.Kind
	Name string // channel or class; "" for the only channel
	Form convertcore.Form
}

// Slots lists the outputs, images first.
func (d *Dataset) Slots() []Slot {
	parts := d.state.Load().idx.slots
	out := make([]Slot, len(parts))
	for i, p := range parts {
		out[i] = Slot{p.Kind, p.Name, p.Form}
	}
	return out
}

// NumCases returns the number of cases, which are numbered in the order of
// their IDs.
func (d *Dataset) NumCases() int { return len(d.state.Load().idx.ids) }

// CaseID returns the ID of case c.
func (d *Dataset) CaseID(c int) string { return d.state.Load().idx.ids[c] }

// Split returns the authors' split of case c: "train", "val", "test" or "".
func (d *Dataset) Split(c int) string {
	x := d.state.Load().idx
	return splitNames[x.splits[c]]
}

// Has tells whether case c has a file in slot.
func (d *Dataset) Has(c, slot int) bool {
	x := d.state.Load().idx
	return !x.absent[x.file(c, slot)]
}

// Dir returns the folder of a slot below the dataset's: images, or
// labels/<class>.
func (d *Dataset) Dir(slot int) string { return d.state.Load().idx.dir(slot) }

// FileName returns the listed name of case c in slot, without its folder.
func (d *Dataset) FileName(c, slot int) string { return d.state.Load().idx.name(c, slot) }

// IsCached tells whether the converted payload of a file is in the cache.
func (d *Dataset) IsCached(c, slot int) bool {
	s := d.state.Load()
	return d.env.Cache.Has(d.key(s, c, s.idx.part(s.raw, c, slot)))
}

// Counts returns the number of files of all cases, and how many of them are
// in the cache.
func (d *Dataset) Counts() (files, cached int) {
	for c := range d.NumCases() {
		for slot := range d.state.Load().idx.slots {
			if !d.Has(c, slot) {
				continue
			}
			files++
			if d.IsCached(c, slot) {
				cached++
			}
		}
	}
	return files, cached
}

// Splits returns the number of cases of each of the authors' splits that has
// any.
func (d *Dataset) Splits() map[string]int {
	out := map[string]int{}
	for _, s := range d.state.Load().idx.splits {
		if splitNames[s] != "" {
			out[splitNames[s]]++
		}
	}
	return out
}

// Xattrs describes a converted file: source, raw, license, and sha256 of the
// listed container once it was converted.
func (d *Dataset) Xattrs(_ context.Context, c, slot int) (map[string]string, error) {
	s := d.state.Load()
	p := s.idx.part(s.raw, c, slot)
	raws := make([]string, len(p.Raw))
	for i, r := range p.Raw {
		raws[i] = RawPath(r)
	}
	out := d.recipeXattrs()
	out["raw"] = strings.Join(raws, "\n")
	if m, ok := d.recallMeta(s, c, p); ok {
		out["sha256"] = hex.EncodeToString(m.Sums.SHA256[:])
		if len(m.Warnings) > 0 {
			out["warnings"] = strings.Join(m.Warnings, "\n")
		}
	}
	path := "datasets/" + d.Recipe.ID + "/" + s.idx.path(c, slot)
	if f, ok := d.env.Failures.Last(path); ok {
		out["error"] = f.Error
	}
	return out, nil
}

// RawXattrs describes raw file i.
func (d *Dataset) RawXattrs(_ context.Context, i int) (map[string]string, error) {
	f := d.state.Load().raw.At(i)
	out := d.recipeXattrs()
	if kind, sum, ok := strings.Cut(f.Sum, ":"); ok && kind+":" != blob.Modified {
		out[kind] = sum
	}
	if f, ok := d.env.Failures.Last("datasets/" + d.Recipe.ID + "/" + RawPath(f.Path)); ok {
		out["error"] = f.Error
	}
	return out, nil
}

func (d *Dataset) recipeXattrs() map[string]string {
	src := d.Recipe.Source
	from := src.Platform
	if src.Record != "" {
		from += " " + src.Record
	}
	for _, f := range src.Files {
		if f.URL != "" {
			from += " " + f.URL
		}
	}
	return map[string]string{"source": from, "license": d.Recipe.License}
}

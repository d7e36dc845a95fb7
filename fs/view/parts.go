package view

import (
	"context"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// parts is the folder of the converted files of some slots of every case.
// Child i of the first Len() is listed; child Len()+i is the same file under
// its other name, .nii beside .nii.gz, and is hidden.
type parts struct {
	d     *dataset.Dataset
	slots []int
	nii   bool // list .nii
	twins bool // files have a second name
	// order holds case*len(slots)+position in slots, sorted by name.
	order []uint32
}

func newParts(d *dataset.Dataset, o Options, slots []int) *parts {
	p := &parts{d: d, slots: slots, nii: o.Nii}
	all := d.Slots()
	for _, s := range slots {
		p.twins = p.twins || all[s].Form == convertcore.NIfTI
	}
	for c := range d.NumCases() {
		for k, s := range slots {
			if d.Has(c, s) {
				p.order = append(p.order, uint32(c*len(slots)+k))
			}
		}
	}
	p.order = slices.Clip(p.order)
	less := func(i, j int) bool { return p.listed(i) < p.listed(j) }
	if !sort.SliceIsSorted(p.order, less) {
		sort.Slice(p.order, less)
	}
	return p
}

func (p *parts) ModTime() time.Time         { return p.d.Recipe.Published }
func (p *parts) Load(context.Context) error { return nil }
func (p *parts) Len() int                   { return len(p.order) }

func (p *parts) Total() int {
	if p.twins {
		return 2 * len(p.order)
	}
	return len(p.order)
}

// at returns the case and slot of listed entry i.
func (p *parts) at(i int) (c, slot int) {
	n := int(p.order[i])
	return n / len(p.slots), p.slots[n%len(p.slots)]
}

// listed returns the listed name of entry i.
func (p *parts) listed(i int) string { return p.name(p.at(i)) }

func (p *parts) name(c, slot int) string {
	name := p.d.FileName(c, slot)
	if p.nii {
		name = strings.TrimSuffix(name, ".gz")
	}
	return name
}

func (p *parts) Entry(i int) tree.Entry {
	name := p.listed(i % len(p.order))
	if i >= len(p.order) {
		name = twin(name)
	}
	return tree.Entry{Name: name, Kind: tree.KindFile}
}

// twin returns the other name of a NIfTI file.
func twin(name string) string {
	if base, ok := strings.CutSuffix(name, ".gz"); ok {
		return base
	}
	return name + ".gz"
}

func (p *parts) Find(name string) (int, bool) {
	if i, ok := p.find(name); ok {
		return i, true
	}
	if p.twins && isNIfTI(name) {
		if i, ok := p.find(twin(name)); ok {
			return len(p.order) + i, true
		}
	}
	return 0, false
}

func (p *parts) find(name string) (int, bool) {
	return sort.Find(len(p.order), func(i int) int { return strings.Compare(name, p.listed(i)) })
}

func (p *parts) Child(i int) tree.Node {
	c, slot := p.at(i % len(p.order))
	isTwin := i >= len(p.order)
	return &part{d: p.d, c: c, slot: slot, nii: p.twins && p.nii != isTwin}
}

// part is one converted file.
type part struct {
	d       *dataset.Dataset
	c, slot int
	nii     bool
}

func (f *part) ModTime() time.Time       { return f.d.Recipe.Published }
func (f *part) Resident() bool           { return f.d.IsCached(f.c, f.slot) }
func (f *part) KnownSize() (int64, bool) { return f.d.KnownSize(f.c, f.slot, f.nii) }
func (f *part) Size(ctx context.Context) (int64, error) {
	return f.d.Size(ctx, f.c, f.slot, f.nii)
}
func (f *part) Open(ctx context.Context) (blob.Blob, error) {
	return f.d.Open(ctx, f.c, f.slot, f.nii)
}
func (f *part) Xattrs(ctx context.Context) (map[string]string, error) {
	return f.d.Xattrs(ctx, f.c, f.slot)
}
func (f *part) Cached() bool                    { return f.d.IsCached(f.c, f.slot) }
func (f *part) Fetch(ctx context.Context) error { return f.d.Fetch(ctx, f.c, f.slot) }

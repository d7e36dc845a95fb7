package dataset

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// index is the compact table of a loaded dataset: about 40 bytes a case and
// 16 bytes a file beside the names, which it shares with the raw listing.
//
// A slot is one output of every case: the image, one of its channels, or the
// mask of one class. The file of case c in slot s is number c*len(slots)+s.
type index struct {
	ids    []string           // sorted
	splits []uint8            // index into splitNames
	slots  []convertcore.Part // templates: Raw is nil
	rawOff []uint32           // file f is made of rawIdx[rawOff[f]:rawOff[f+1]]
	rawIdx []uint32           // positions in the raw listing
	absent []bool             // the case has no such file
	odd    map[int]convertcore.Selector
	meta   map[int]map[string]string
}

var splitNames = []string{"", "train", "val", "test"}

// rawTable is the sorted raw listing.
type rawTable interface {
	Len() int
	At(i int) blob.Info
	Search(path string) int
}

// find returns the position of a raw path in the listing.
func find(t rawTable, path string) (int, bool) {
	i := t.Search(path)
	return i, i < t.Len() && t.At(i).Path == path
}

type slotKey struct {
	kind convertcore.Kind
	name string
}

// newIndex packs cases, whose order and names it checks.
func newIndex(cases []convertcore.Case, raws rawTable) (*index, error) {
	x := &index{
		ids:    make([]string, 0, len(cases)),
		splits: make([]uint8, 0, len(cases)),
		odd:    map[int]convertcore.Selector{},
		meta:   map[int]map[string]string{},
	}
	slotOf := x.findSlots(cases)
	x.rawOff = make([]uint32, 1, len(cases)*len(x.slots)+1)
	x.absent = make([]bool, 0, len(cases)*len(x.slots))
	row := make([]*convertcore.Part, len(x.slots))
	for i := range cases {
		c := &cases[i]
		if !safeName(c.ID) {
			return nil, fmt.Errorf("case %q: not a safe file name", c.ID)
		}
		if i > 0 && c.ID <= cases[i-1].ID {
			return nil, fmt.Errorf("case %q: listed twice or out of order", c.ID)
		}
		split := slices.Index(splitNames, c.Split)
		if split < 0 {
			return nil, fmt.Errorf("case %q: unknown split %q", c.ID, c.Split)
		}
		x.ids = append(x.ids, c.ID)
		x.splits = append(x.splits, uint8(split))
		if len(c.Meta) > 0 {
			x.meta[i] = c.Meta
		}
		clear(row)
		for _, parts := range [][]convertcore.Part{c.Images, c.Labels} {
			for j := range parts {
				row[slotOf[slotKey{parts[j].Kind, parts[j].Name}]] = &parts[j]
			}
		}
		if err := x.addRow(c.ID, row, raws); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// findSlots collects every output that any case has: images first, then
// labels, each in the order of first appearance.
func (x *index) findSlots(cases []convertcore.Case) map[slotKey]int {
	slotOf := map[slotKey]int{}
	for _, kind := range []convertcore.Kind{convertcore.KindImage, convertcore.KindLabel} {
		for i := range cases {
			parts := cases[i].Images
			if kind == convertcore.KindLabel {
				parts = cases[i].Labels
			}
			for _, p := range parts {
				k := slotKey{p.Kind, p.Name}
				if _, ok := slotOf[k]; !ok {
					slotOf[k] = len(x.slots)
					p.Raw = nil
					x.slots = append(x.slots, p)
				}
			}
		}
	}
	return slotOf
}

func (x *index) addRow(id string, row []*convertcore.Part, raws rawTable) error {
	for s, p := range row {
		f := len(x.absent)
		x.absent = append(x.absent, p == nil)
		if p != nil {
			for _, path := range p.Raw {
				i, ok := find(raws, path)
				if !ok {
					return fmt.Errorf("case %q: raw file %q is not listed", id, path)
				}
				x.rawIdx = append(x.rawIdx, uint32(i))
			}
			if !sameSelector(p.Select, x.slots[s].Select) {
				x.odd[f] = p.Select
			}
		}
		x.rawOff = append(x.rawOff, uint32(len(x.rawIdx)))
	}
	return nil
}

// sameSelector compares two selectors by identity; those that Go cannot
// compare, be it for what they hold, count as different.
func sameSelector(a, b convertcore.Selector) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// safeName tells whether a name from outside may be a file name of ours.
func safeName(s string) bool {
	return s != "" && s != "." && s != ".." && len(s) <= 200 && !strings.ContainsAny(s, "/\x00")
}

func (x *index) file(c, s int) int { return c*len(x.slots) + s }

// part rebuilds the part of case c in slot s.
func (x *index) part(raws rawTable, c, s int) *convertcore.Part {
	f := x.file(c, s)
	p := x.slots[s]
	if sel, ok := x.odd[f]; ok {
		p.Select = sel
	}
	ids := x.rawIdx[x.rawOff[f]:x.rawOff[f+1]]
	p.Raw = make([]string, len(ids))
	for i, r := range ids {
		p.Raw[i] = raws.At(int(r)).Path
	}
	return &p
}

// caseAt rebuilds case c with all its parts, in slot order.
func (x *index) caseAt(raws rawTable, c int) *convertcore.Case {
	out := &convertcore.Case{ID: x.ids[c], Split: splitNames[x.splits[c]], Meta: x.meta[c]}
	for s := range x.slots {
		if x.absent[x.file(c, s)] {
			continue
		}
		p := x.part(raws, c, s)
		if p.Kind == convertcore.KindImage {
			out.Images = append(out.Images, *p)
		} else {
			out.Labels = append(out.Labels, *p)
		}
	}
	return out
}

// slotOf returns the slot of a part of this index.
func (x *index) slotOf(p *convertcore.Part) int {
	return slices.IndexFunc(x.slots, func(s convertcore.Part) bool {
		return s.Kind == p.Kind && s.Name == p.Name
	})
}

// lacks tells whether some case is without an image or mask that others have,
// or all are without one that the recipe describes.
func (x *index) lacks(r *recipe.Recipe) bool {
	has := map[slotKey]bool{}
	for _, p := range x.slots {
		has[slotKey{p.Kind, p.Name}] = true
	}
	for _, c := range r.MaskClasses() {
		if !has[slotKey{convertcore.KindLabel, c}] {
			return true
		}
	}
	for _, c := range r.ChannelNames() {
		if !has[slotKey{convertcore.KindImage, c}] {
			return true
		}
	}
	return slices.Contains(x.absent, true)
}

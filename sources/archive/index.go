package archive

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Why a member is listed and cannot be opened.
const (
	flagAmbiguous = 1 << iota // its name stands twice
	flagEncrypted
	flagOverlap // its bytes are another's too
	flagSparse
	flagRatio // more bytes declared than its data can hold
	flagNoCRC // its checksum is not told; it opens
)

// member is one file of an archive: 48 bytes, no pointer.
type member struct {
	off   int64 // of the local header (zip) or the data (tar)
	csize int64 // bytes stored
	size  int64 // bytes unpacked
	limit int64 // where the next thing in the archive begins
	crc   uint32
	name  uint32 // offset in the arena
	nlen  uint16
	head  uint16 // expected length of the local header (zip)
	meth  uint16
	flags uint16
}

// index is a sorted table of members with their names in one arena.
type index struct {
	arena   string
	members []member
	hasCRC  bool
	warn    warnings
}

func (x *index) Len() int { return len(x.members) }

func (x *index) name(i int) string {
	m := &x.members[i]
	return x.arena[m.name : int(m.name)+int(m.nlen)]
}

func (x *index) At(i int) blob.Info {
	info := blob.Info{Path: x.name(i), Size: x.members[i].size}
	if x.hasCRC && x.members[i].flags&flagNoCRC == 0 {
		info.Sum = fmt.Sprintf("crc32:%08x", x.members[i].crc)
	}
	return info
}

func (x *index) Find(name string) (int, bool) {
	i := sort.Search(len(x.members), func(i int) bool { return x.name(i) >= name })
	return i, i < len(x.members) && x.name(i) == name
}

func (x *index) Span(i int) blob.Span {
	m := &x.members[i]
	return blob.Span{Off: m.off, Len: min(m.limit-m.off, int64(m.head)+m.csize)}
}

func (x *index) Warnings() []string { return x.warn.list() }

func (x *index) all() []blob.Info {
	out := make([]blob.Info, len(x.members))
	for i := range out {
		out[i] = x.At(i)
	}
	return out
}

// find is Find with the reasons why a member cannot be opened.
func (x *index) find(name string) (*member, error) {
	i, ok := x.Find(name)
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, ErrNotMember)
	}
	m := &x.members[i]
	var err error
	switch f := m.flags; {
	case f&flagAmbiguous != 0:
		err = ErrAmbiguous
	case f&flagOverlap != 0:
		err = fmt.Errorf("%w: its bytes overlap another member's", ErrFormat)
	case f&flagEncrypted != 0:
		err = fmt.Errorf("%w: encrypted; unpack it with its password and mount the folder", ErrUnsupported)
	case f&flagSparse != 0:
		err = fmt.Errorf("%w: sparse file", ErrUnsupported)
	case f&flagRatio != 0:
		err = fmt.Errorf("%w: %d bytes declared in %d packed ones", ErrFormat, m.size, m.csize)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// builder collects members in the order of the archive.
type builder struct {
	limit   int // of members; 0: only what the index can hold
	arena   strings.Builder
	members []member
	warn    warnings
}

// add takes a member under the name that the archive gives it.
func (b *builder) add(raw string, m member) error {
	name, why := cleanName(raw)
	if why != "" {
		b.warn.add("%q: %s", raw, why)
	}
	if name == "" {
		return nil
	}
	if len(name) > maxName {
		b.warn.add("%.40q…: left out: name longer than %d bytes", raw, maxName)
		return nil
	}
	if b.limit > 0 && len(b.members) >= b.limit {
		return fmt.Errorf("%w: more than %d members", ErrLimit, b.limit)
	}
	if b.arena.Len()+len(name) > 1<<31 || len(b.members) >= 1<<28 {
		return fmt.Errorf("%w: more than 2 GiB of names", ErrUnsupported)
	}
	m.name, m.nlen = uint32(b.arena.Len()), uint16(len(name))
	b.arena.WriteString(name)
	b.members = append(b.members, m)
	return nil
}

// index sorts and checks what was collected. end is where the last member
// must end at the latest.
func (b *builder) index(end int64, hasCRC bool) *index {
	x := &index{arena: b.arena.String(), members: slices.Clip(b.members), hasCRC: hasCRC, warn: b.warn}
	x.setLimits(end)
	name := func(m *member) string { return x.arena[m.name : int(m.name)+int(m.nlen)] }
	slices.SortStableFunc(x.members, func(a, b member) int { return cmp.Compare(name(&a), name(&b)) })
	x.markDuplicates()
	x.dropShadowed()
	for i := range x.members {
		m := &x.members[i]
		if m.flags&flagOverlap != 0 {
			x.warn.add("%q: cannot be opened: its bytes overlap another member's", name(m))
		}
	}
	return x
}

// setLimits gives each member the place where the next one begins, and marks
// those that reach beyond it.
func (x *index) setLimits(end int64) {
	order := make([]int32, len(x.members))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int {
		a, b := &x.members[i], &x.members[j]
		return cmp.Or(cmp.Compare(a.off, b.off), cmp.Compare(a.csize, b.csize)) // the empty ones first
	})
	for k, i := range order {
		m := &x.members[i]
		m.limit = end
		if k+1 < len(order) {
			m.limit = min(end, x.members[order[k+1]].off)
		}
		// head counts the central directory's name and is a guess of the local
		// header's extra field; 30 bytes are certain.
		if m.off+min(int64(m.head), 30)+m.csize > m.limit {
			m.flags |= flagOverlap
			if k+1 < len(order) && m.limit < end {
				x.members[order[k+1]].flags |= flagOverlap
			}
		}
	}
}

// markDuplicates keeps one entry of those with equal names, not to be opened:
// which of them is meant would be a guess.
func (x *index) markDuplicates() {
	out := x.members[:0]
	for i := range x.members {
		m := x.members[i]
		if n := len(out); n > 0 {
			prev := &out[n-1]
			if x.arena[prev.name:int(prev.name)+int(prev.nlen)] == x.arena[m.name:int(m.name)+int(m.nlen)] {
				if prev.flags&flagAmbiguous == 0 {
					x.warn.add("%q: cannot be opened: several members have this name", x.name(i))
				}
				prev.flags |= flagAmbiguous
				continue
			}
		}
		out = append(out, m)
	}
	x.members = out
}

// dropShadowed leaves out files whose name is also a folder of other members.
func (x *index) dropShadowed() {
	drop := map[int]bool{}
	last := ""
	for i := range x.members {
		name := x.name(i)
		dir, _, _ := cutLast(name)
		if dir == last {
			continue
		}
		last = dir
		for ; dir != ""; dir, _, _ = cutLast(dir) {
			if j, ok := x.Find(dir); ok && !drop[j] {
				drop[j] = true
				x.warn.add("%q: left out: it is a file and a folder", dir)
			}
		}
	}
	if len(drop) == 0 {
		return
	}
	out := x.members[:0]
	for i := range x.members {
		if !drop[i] {
			out = append(out, x.members[i])
		}
	}
	x.members = out
}

func cutLast(name string) (dir, base string, ok bool) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return "", name, false
	}
	return name[:i], name[i+1:], true
}

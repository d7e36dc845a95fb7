package view

import (
	"context"
	"fmt"
	"maps"
	"math/bits"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
	"github.com/omnimedseg/omnimedfs/convertcore/label"
	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// maxLabels is how many values a label map of 8 bits has beside background.
const maxLabels = 255

// scheme says which value of a composed label map stands for which classes. A
// plain scheme has one value a class and refuses voxels of two; with regions
// every combination of classes that can be has a value of its own.
type scheme struct {
	classes []string
	unsure  bool     // plain, but classes may share pixels: only reading tells
	sets    []uint64 // regions: value v stands for the classes in sets[v-1]
	codes   map[uint64]byte
	refusal string // why there can be no label map; "" where there can
}

// newScheme finds the scheme from the recipe alone, so that it is the same
// before and after any mask was read.
func newScheme(r *recipe.Recipe) *scheme {
	s := &scheme{classes: r.MaskClasses()}
	sets, disjoint, known := valueSets(r)
	switch {
	case len(s.classes) == 0:
		s.refusal = "the recipe names no class"
	case known && disjoint, !known && !r.Overlap:
		s.unsure = !known && len(s.classes) > 1
		if len(s.classes) > maxLabels {
			s.refusal = fmt.Sprintf("%d classes are more than a label map of 8 bits holds", len(s.classes))
		}
	case known:
		s.setRegions(sets)
	case len(s.classes) <= 8:
		for set := uint64(1); set < 1<<len(s.classes); set++ {
			sets = append(sets, set)
		}
		s.setRegions(sets)
	default:
		s.refusal = fmt.Sprintf("%d classes that share voxels: their combinations are more than a label map of 8 bits holds", len(s.classes))
	}
	return s
}

func (s *scheme) setRegions(sets []uint64) {
	if len(sets) > maxLabels {
		s.refusal = fmt.Sprintf("%d combinations of classes are more than a label map of 8 bits holds", len(sets))
		return
	}
	s.sets, s.codes = sets, map[uint64]byte{}
	for i, set := range sets {
		s.codes[set] = byte(i + 1)
	}
}

func (s *scheme) regions() bool { return s.codes != nil }

// name goes into cache keys.
func (s *scheme) name() string {
	if s.regions() {
		return fmt.Sprintf("label map 1, regions %v", s.sets)
	}
	return "label map 1"
}

// valueSets returns the combinations of classes that one value of the raw label
// map can belong to, fewest classes first, where all classes are values of the
// same label files.
func valueSets(r *recipe.Recipe) (sets []uint64, disjoint, known bool) {
	var all []label.Values
	var points []float64
	if len(r.MaskClasses()) != len(r.Classes) || len(r.Classes) > 64 {
		return nil, false, false
	}
	for _, c := range r.Classes {
		sel, err := label.New(c.Select)
		if err != nil {
			return nil, false, false
		}
		v, ok := sel.(label.Values)
		c.Name, c.Select = r.Classes[0].Name, r.Classes[0].Select
		if !ok || !reflect.DeepEqual(c, r.Classes[0]) {
			return nil, false, false
		}
		all = append(all, v)
		for _, span := range v {
			points = append(points, span.Lo, span.Hi)
		}
	}
	slices.Sort(points)
	for i, n := 1, len(points); i < n; i++ {
		points = append(points, (points[i-1]+points[i])/2)
	}
	found := map[uint64]bool{}
	disjoint = true
	for _, x := range points {
		var set uint64
		for i, v := range all {
			for _, span := range v {
				if span.Lo <= x && x <= span.Hi {
					set |= 1 << i
				}
			}
		}
		if set != 0 {
			found[set] = true
		}
		disjoint = disjoint && bits.OnesCount64(set) <= 1
	}
	sets = slices.Collect(maps.Keys(found))
	sort.Slice(sets, func(i, j int) bool {
		a, b := bits.OnesCount64(sets[i]), bits.OnesCount64(sets[j])
		return a < b || a == b && sets[i] < sets[j]
	})
	return sets, disjoint, true
}

// values lists the label values that make up class i.
func (s *scheme) values(i int) []int {
	if !s.regions() {
		return []int{i + 1}
	}
	var out []int
	for v, set := range s.sets {
		if set>>i&1 == 1 {
			out = append(out, v+1)
		}
	}
	return out
}

// valueNames names every value, background first.
func (s *scheme) valueNames() []string {
	out := []string{"background"}
	if !s.regions() {
		return append(out, s.classes...)
	}
	for _, set := range s.sets {
		var in []string
		for i, name := range s.classes {
			if set>>i&1 == 1 {
				in = append(in, name)
			}
		}
		out = append(out, strings.Join(in, "+"))
	}
	return out
}

// labelled is a loaded dataset as label maps need it.
type labelled struct {
	*scheme
	d      *dataset.Dataset
	masks  []int // slot of each class, -1 where no case has it
	images []int // slots of the channels
}

func newLabelled(d *dataset.Dataset) *labelled {
	l := &labelled{scheme: newScheme(d.Recipe), d: d, masks: make([]int, len(d.Recipe.MaskClasses()))}
	for i := range l.masks {
		l.masks[i] = -1
	}
	for slot, s := range d.Slots() {
		if s.Kind == convertcore.KindImage {
			l.images = append(l.images, slot)
		} else if i := slices.Index(l.classes, s.Name); i >= 0 {
			l.masks[i] = slot
		}
	}
	if slices.Contains(l.masks, -1) && l.refusal == "" {
		l.refusal = "no case has a mask of class " + l.classes[slices.Index(l.masks, -1)]
	}
	return l
}

// has tells whether case c has a file in every one of slots.
func (l *labelled) has(c int, slots []int) bool {
	return !slices.ContainsFunc(slots, func(slot int) bool { return slot < 0 || !l.d.Has(c, slot) })
}

// any tells whether case c has a file in one of slots.
func (l *labelled) any(c int, slots []int) bool {
	return slices.ContainsFunc(slots, func(slot int) bool { return slot >= 0 && l.d.Has(c, slot) })
}

// compose makes the label map of case c: the grid and header of a mask, a value
// a pixel. Every image channel must lie on that grid.
func (l *labelled) compose(ctx context.Context, c int) (convertcore.Image, error) {
	var first convertcore.Image
	var at []uint16 // of states
	states, of := []uint64{0}, map[uint64]uint16{0: 0}
	for i, slot := range l.masks {
		img, err := l.d.Image(ctx, c, slot)
		if err != nil {
			return nil, err
		}
		if first == nil {
			first, at = img, make([]uint16, len(img.Payload()))
		} else if err := geom.SameGrid(first.Header(), img.Header()); err != nil {
			return nil, fmt.Errorf("masks %s and %s: %w", l.classes[0], l.classes[i], err)
		}
		next := map[uint16]uint16{}
		shared, with := 0, uint64(0)
		for j, v := range img.Payload() {
			if v == 0 {
				continue
			}
			from := at[j]
			to, ok := next[from]
			if !ok {
				set := states[from] | 1<<i
				if !l.regions() { // the state is the value
					set = uint64(i + 1)
				}
				if to, ok = of[set]; !ok {
					if len(states) == 1<<16 {
						return nil, fmt.Errorf("%w: too many combinations of classes", convertcore.ErrUnsupported)
					}
					to = uint16(len(states))
					states, of[set] = append(states, set), to
				}
				next[from] = to
			}
			if from != 0 && !l.regions() {
				shared++
				with = states[from]
			}
			at[j] = to
		}
		if shared > 0 {
			return nil, fmt.Errorf("%w: classes %s and %s share %d pixels, and one label map holds each once; the masks in labels/ are whole",
				convertcore.ErrUnsupported, l.classes[with-1], l.classes[i], shared)
		}
	}
	for _, slot := range l.images {
		h, err := l.d.Header(ctx, c, slot)
		if err != nil {
			return nil, err
		}
		if err := geom.SameGrid(h, first.Header()); err != nil {
			return nil, fmt.Errorf("%s against the masks: %w", l.d.FileName(c, slot), err)
		}
	}
	return l.encode(first, at, states)
}

// encode puts the values of the states in the place of the first mask's.
func (l *labelled) encode(first convertcore.Image, at []uint16, states []uint64) (convertcore.Image, error) {
	value := make([]byte, len(states))
	for i, set := range states {
		if i == 0 {
			continue
		}
		value[i] = byte(set)
		if l.regions() {
			value[i] = l.codes[set] // 0: a combination that only stood for a while
		}
	}
	out := make([]byte, len(at))
	for j, s := range at {
		if out[j] = value[s]; s != 0 && out[j] == 0 {
			return nil, fmt.Errorf("%w: a pixel of classes %#b, which the recipe says cannot be", convertcore.ErrMismatch, states[s])
		}
	}
	h := first.Header()
	if h.Form == convertcore.NIfTI {
		lead := slices.Clone(first.Lead())
		clear(lead[124:132]) // cal_max and cal_min, which say 1 and 0 of a mask
		return convertcore.NewVolume(h, lead, out)
	}
	return convertcore.NewRaster(h.Dims[0], h.Dims[1], 1, 8, out)
}

// labelFile is the composed label map of one case. It is as long as a mask.
type labelFile struct {
	l   *labelled
	c   int
	nii bool
}

func (f *labelFile) derived() *dataset.Derived {
	return &dataset.Derived{Dataset: f.l.d, Case: f.c, Slots: append(slices.Clone(f.l.masks), f.l.images...), Name: f.l.name()}
}

func (f *labelFile) ModTime() time.Time       { return f.l.d.Recipe.Published }
func (f *labelFile) KnownSize() (int64, bool) { return f.l.d.KnownSize(f.c, f.l.masks[0], f.nii) }
func (f *labelFile) Size(ctx context.Context) (int64, error) {
	return f.l.d.Size(ctx, f.c, f.l.masks[0], f.nii)
}
func (f *labelFile) Resident() bool { return f.derived().Cached() }
func (f *labelFile) Open(ctx context.Context) (blob.Blob, error) {
	return f.derived().OpenImage(ctx, f.nii, func(ctx context.Context) (convertcore.Image, error) { return f.l.compose(ctx, f.c) })
}

package dataset

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

type listing []string

func (l listing) Len() int               { return len(l) }
func (l listing) At(i int) blob.Info     { return blob.Info{Path: l[i], Size: int64(i)} }
func (l listing) Search(path string) int { return sort.SearchStrings(l, path) }

// sliced is a selector that Go cannot compare.
type sliced []int

func (sliced) Mask([]byte, convertcore.Image) error { return nil }

// wrapped can be compared as a type, and cannot with a sliced in it.
type wrapped struct{ of convertcore.Selector }

func (wrapped) Mask([]byte, convertcore.Image) error { return nil }

type pointed struct{ n int }

func (*pointed) Mask([]byte, convertcore.Image) error { return nil }

func label(name string, sel convertcore.Selector, raw ...string) convertcore.Part {
	return convertcore.Part{Kind: convertcore.KindLabel, Name: name, Raw: raw, Select: sel}
}

func TestIndexKeepsCases(t *testing.T) {
	raws := listing{"a.png", "a_l.png", "b.png", "b_l1.png", "b_l2.png"}
	shared := &pointed{1}
	in := []convertcore.Case{
		{ID: "a", Split: "train", Images: []convertcore.Part{{Raw: []string{"a.png"}}},
			Labels: []convertcore.Part{label("x", shared, "a_l.png"), label("y", sliced{1}, "a_l.png"), label("z", wrapped{sliced{1}}, "a_l.png")}},
		{ID: "b", Images: []convertcore.Part{{Raw: []string{"b.png"}}}, Meta: map[string]string{"k": "v"},
			Labels: []convertcore.Part{label("x", &pointed{2}, "b_l1.png", "b_l2.png"), label("z", wrapped{sliced{2}}, "b_l1.png")}},
	}
	x, err := newIndex(in, raws)
	if err != nil {
		t.Fatal(err)
	}
	for c := range in {
		got, want := fmt.Sprintf("%+v", describeCase(x.caseAt(raws, c))), fmt.Sprintf("%+v", describeCase(&in[c]))
		if got != want {
			t.Errorf("case %d: %s, want %s", c, got, want)
		}
	}
	if len(x.slots) != 4 || x.absent[x.file(0, 2)] || !x.absent[x.file(1, 2)] {
		t.Errorf("slots %v, absent %v", x.slots, x.absent)
	}
	if got := x.part(raws, 0, 1).Select; got != convertcore.Selector(shared) {
		t.Errorf("selector of the template: %v", got)
	}
}

func describeCase(c *convertcore.Case) (out []string) {
	out = append(out, c.ID, c.Split, fmt.Sprint(c.Meta))
	for _, p := range append(c.Images[:len(c.Images):len(c.Images)], c.Labels...) {
		out = append(out, fmt.Sprint(p.Kind, p.Name, p.Raw, p.Select))
	}
	return out
}

func TestIndexRefuses(t *testing.T) {
	raws := listing{"a.png"}
	img := []convertcore.Part{{Raw: []string{"a.png"}}}
	for _, c := range []struct {
		want  string
		cases []convertcore.Case
	}{
		{"not a safe file name", []convertcore.Case{{ID: "../a", Images: img}}},
		{"not a safe file name", []convertcore.Case{{ID: "..", Images: img}}},
		{"not a safe file name", []convertcore.Case{{ID: "a\x00", Images: img}}},
		{"not a safe file name", []convertcore.Case{{ID: strings.Repeat("a", 201), Images: img}}},
		{"listed twice", []convertcore.Case{{ID: "a", Images: img}, {ID: "a", Images: img}}},
		{"out of order", []convertcore.Case{{ID: "b", Images: img}, {ID: "a", Images: img}}},
		{"unknown split", []convertcore.Case{{ID: "a", Split: "dev", Images: img}}},
		{"is not listed", []convertcore.Case{{ID: "a", Images: []convertcore.Part{{Raw: []string{"z.png"}}}}}},
	} {
		if _, err := newIndex(c.cases, raws); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.cases, err, c.want)
		}
	}
}

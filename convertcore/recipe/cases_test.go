package recipe

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// names is a Raw that only lists.
type names []blob.Info

func (n names) Files(context.Context) ([]blob.Info, error) { return n, nil }
func (n names) Open(context.Context, string) (blob.Blob, error) {
	return nil, errors.New("Cases opens no file")
}

func listed(paths ...string) names {
	slices.Sort(paths)
	out := make(names, len(paths))
	for i, p := range paths {
		out[i].Path = p
	}
	return out
}

// describe writes cases as text: ID, split, images, labels.
func describe(cases []convertcore.Case) string {
	var b strings.Builder
	for _, c := range cases {
		fmt.Fprintf(&b, "%s[%s]", c.ID, c.Split)
		for _, p := range slices.Concat(c.Images, c.Labels) {
			fmt.Fprintf(&b, " %s=%s", p.Name, strings.Join(p.Raw, ","))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestCases(t *testing.T) {
	const image, label = `image = "x.zip!/{case}.png"`, `label = "x.zip!/{case}_mask.png"`
	above := `select = { above = 0 }`
	for _, tt := range []struct {
		name  string
		edit  []string
		paths []string
		want  string
	}{
		{"label beside image", nil,
			[]string{"x.zip!/b.png", "x.zip!/b_mask.png", "x.zip!/a.png", "x.zip!/a_mask.png", "x.zip!/LICENSE"},
			"a[] =x.zip!/a.png tumor=x.zip!/a_mask.png\nb[] =x.zip!/b.png tumor=x.zip!/b_mask.png\n"},
		{"label missing", nil, []string{"x.zip!/a.png"}, "a[] =x.zip!/a.png tumor=\n"},
		{"label missing, optional", []string{above, above + "\noptional = true"}, []string{"x.zip!/a.png"}, "a[] =x.zip!/a.png\n"},
		{"label missing, nothing there", []string{above, above + "\nabsent = \"empty\""}, []string{"x.zip!/a.png"}, "a[] =x.zip!/a.png tumor=\n"},
		{"label without image", nil, []string{"x.zip!/b.png", "x.zip!/a_mask.png", "x.zip!/c_mask.png"}, "b[] =x.zip!/b.png tumor=\n"},
		{"hidden files", nil, []string{"x.zip!/._a.png", "x.zip!/a.png", "x.zip!/._a_mask.png", "__MACOSX/x.zip!/b.png"}, "a[] =x.zip!/a.png tumor=\n"},
		{"excluded", []string{image, image + "\nexclude = [\"**_overlay.png\"]"}, []string{"x.zip!/a.png", "x.zip!/a_overlay.png"}, "a[] =x.zip!/a.png tumor=\n"},
		{"several masks", []string{label, `label = "x.zip!/{case}_mask*.png"`},
			[]string{"x.zip!/a.png", "x.zip!/a_mask.png", "x.zip!/a_mask_1.png"}, "a[] =x.zip!/a.png tumor=x.zip!/a_mask.png,x.zip!/a_mask_1.png\n"},
		{"order of IDs, not of paths", []string{image, `image = "x.zip!/**/{case}.png"`},
			[]string{"x.zip!/1/b.png", "x.zip!/2/a.png"}, "a[] =x.zip!/2/a.png tumor=\nb[] =x.zip!/1/b.png tumor=\n"},
		{"stems that repeat", []string{image, `image = "x.zip!/{case+}.png"`, label, `label = "x.zip!/{case+}_mask.png"`},
			[]string{"x.zip!/p/1.png", "x.zip!/p/1_mask.png", "x.zip!/q/1.png"}, "p__1[] =x.zip!/p/1.png tumor=x.zip!/p/1_mask.png\nq__1[] =x.zip!/q/1.png tumor=\n"},
		{"IDs of two names", []string{image, "id = \"{p}-{case}\"\nimage = \"x.zip!/{p}/img/{case}.png\"", label, `label = "x.zip!/{p}/seg/{case}.png"`},
			[]string{"x.zip!/p/img/1.png", "x.zip!/q/img/1.png", "x.zip!/q/seg/1.png"}, "p-1[] =x.zip!/p/img/1.png tumor=\nq-1[] =x.zip!/q/img/1.png tumor=x.zip!/q/seg/1.png\n"},
		{"a shared name decides", []string{image, `image = "x.zip!/{p}/img/{case}.png"`, label, `label = "x.zip!/{p}/seg/{case}.png"`},
			[]string{"x.zip!/p/img/1.png", "x.zip!/q/seg/1.png", "x.zip!/p/seg/1.png"}, "1[] =x.zip!/p/img/1.png tumor=x.zip!/p/seg/1.png\n"},
		{"channels", []string{image, "", "[[class]]", "[[channel]]\nname = \"t1\"\nimage = \"{case}_t1.png\"\n[[channel]]\nname = \"t2\"\noptional = true\nimage = \"{case}_t2.png\"\n[[class]]", label, `label = "{case}_seg.png"`, `raw = "x.zip!/1.png"`, `raw = "1_t1.png"`},
			[]string{"a_t1.png", "a_t2.png", "a_seg.png", "b_t1.png", "c_t2.png"}, "a[] t1=a_t1.png t2=a_t2.png tumor=a_seg.png\nb[] t1=b_t1.png tumor=\nc[] t1= t2=c_t2.png tumor=\n"},
		{"splits", []string{image, `image = "x.zip!/{part}/{case}.png"`, label, `label = "x.zip!/seg/{case}.png"`, "[[example]]", "[[split]]\nname = \"test\"\ncases = [\"b\"]\n[[split]]\nname = \"train\"\ncase = \"x.zip!/tr/*\"\n[[example]]"},
			[]string{"x.zip!/tr/a.png", "x.zip!/tr/b.png", "x.zip!/ts/c.png"}, "a[train] =x.zip!/tr/a.png tumor=\nb[test] =x.zip!/tr/b.png tumor=\nc[] =x.zip!/ts/c.png tumor=\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cases, err := parsed(t, tt.edit...).Converter().Cases(t.Context(), listed(tt.paths...))
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(cases); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

func TestCasesErrors(t *testing.T) {
	const image, label = `image = "x.zip!/{case}.png"`, `label = "x.zip!/{case}_mask.png"`
	for _, tt := range []struct {
		name  string
		edit  []string
		paths []string
		is    error
		want  string
	}{
		{"nothing", nil, []string{"README"}, ErrNoCase, `none of 1 raw files matches "x.zip!/{case}.png"`},
		{"stems that repeat", []string{image, `image = "x.zip!/**/{case}.png"`}, []string{"x.zip!/p/1.png", "x.zip!/q/1.png"}, ErrAmbiguous, `"x.zip!/p/1.png" and "x.zip!/q/1.png"`},
		{"IDs that become one", nil, []string{"x.zip!/a:b.png", "x.zip!/a?b.png"}, ErrAmbiguous, `"x.zip!/a:b.png" and "x.zip!/a?b.png" both make case a_b`},
		{"two labels", []string{label, `label = "x.zip!/{case}{_mask,-mask}.png"`}, []string{"x.zip!/a.png", "x.zip!/a_mask.png", "x.zip!/a-mask.png"}, ErrAmbiguous, `"x.zip!/a-mask.png" and "x.zip!/a_mask.png"`},
		{"two labels in two folders", []string{label, `label = "x.zip!/**/{case}_mask.png"`}, []string{"x.zip!/a.png", "x.zip!/p/a_mask.png", "x.zip!/q/a_mask.png"}, ErrAmbiguous, `are both the label of case a`},
		{"broken pattern", []string{image, `image = "{case"`}, []string{"a"}, nil, "case.image: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parsed(t, tt.edit...).Converter().Cases(t.Context(), listed(tt.paths...))
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := parsed(t).Converter().Cases(ctx, listed("x.zip!/a.png")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestPartsShare(t *testing.T) {
	r := find(t, "demo-organs")
	cases, err := r.Converter().Cases(t.Context(), listed(
		"demo-organs.tar!/demo-organs/imagesTr/a.nii.gz", "demo-organs.tar!/demo-organs/labelsTr/a.nii.gz",
		"demo-organs.tar!/demo-organs/imagesTr/b.nii.gz", "demo-organs.tar!/demo-organs/labelsTr/b.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	l := cases[0].Labels
	if len(l) != 2 || &l[0].Raw[0] != &l[1].Raw[0] {
		t.Error("classes of one label map do not share its paths")
	}
}

// million lists an image and a label of n cases, as the layout of DSB2018 has.
func million(n int) names {
	out := make(names, 0, 2*n)
	for i := range n {
		id := fmt.Sprintf("%032x", i)
		out = append(out, blob.Info{Path: "stage1_train.zip!/" + id + "/images/" + id + ".png"},
			blob.Info{Path: "stage1_train.zip!/" + id + "/masks/" + id + ".png"})
	}
	return out
}

func TestCasesMemory(t *testing.T) {
	const n, limit = 50_000, 600
	raw := million(n)
	conv := find(t, "dsb2018-bbbc038").Converter()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	cases, err := conv.Cases(t.Context(), raw)
	if err != nil || len(cases) != n {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	runtime.ReadMemStats(&after)
	allocated := (after.TotalAlloc - before.TotalAlloc) / n
	mallocs := after.Mallocs - before.Mallocs
	t.Logf("%d bytes a case, %d allocations", allocated, mallocs)
	if allocated > limit || mallocs > 1000 {
		t.Errorf("%d bytes a case allocated in all, limit %d; %d allocations", allocated, limit, mallocs)
	}
}

func BenchmarkCases(b *testing.B) {
	const n = 500_000
	raw := million(n)
	conv := must(Catalog())[0].Converter()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conv.Cases(b.Context(), raw); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(2*n), "ns/file")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

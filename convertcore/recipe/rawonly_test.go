package recipe

import (
	"context"
	"strings"
	"testing"
)

// bare cuts the layout out of small and puts text in its place.
func bare(t *testing.T, text string) *Recipe {
	t.Helper()
	r, err := Parse("x.toml", []byte(small[:strings.Index(small, "[case]")]+text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// An unverified recipe may say nothing of the layout; half a layout, or none
// in a verified recipe, is wrong.
func TestRawOnly(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":            "",
		"class by name only": "[[class]]\nname = \"tumor\"\n",
		"no image":           "[[example]]\nraw = \"x.zip!/a\"\ncase = \"\"\n",
	} {
		r := bare(t, text)
		for _, p := range Lint(r) {
			t.Errorf("%s: %s", name, p)
		}
		if cases, err := r.Converter().Cases(context.Background(), &memRaw{files: map[string]func() ([]byte, error){"x.zip!/1.png": nil}}); len(cases) > 0 || err != nil || !r.RawOnly() {
			t.Errorf("%s: %d cases, %v", name, len(cases), err)
		}
	}
	for text, want := range map[string]string{
		"[[class]]\nname = \"tumor\"\nlabel = \"x.zip!/{case}.png\"\nselect = { above = 0 }\n": "case.image: ",
		"[[class]]\nname = \"tumor\"\nselect = { above = 0 }\n":                                "class[0].label: ",
		"[case]\nignore_case = true\n":                                                         "case: stands without",
		"[[table]]\nname = \"t\"\nfile = \"x.zip!/a.csv\"\n":                                   "table: stands without",
		"[[split]]\nname = \"test\"\ncases = [\"1\"]\n":                                        "split: stands without",
		"[[example]]\nraw = \"x.zip!/1.png\"\ncase = \"1\"\n":                                  "example: stands without",
		"[case]\nimage = \"x.zip!/{case}.png\"\n":                                              "class: there is none",
	} {
		problems := ""
		for _, p := range Lint(bare(t, text)) {
			problems += p.String() + "\n"
		}
		if !strings.Contains(problems, want) {
			t.Errorf("%s: problems %q, want %q", text, problems, want)
		}
	}
	r := bare(t, "")
	r.Status, r.Missing, r.Evidence = Verified, "", []Fact{{"x", "y", "high"}}
	if len(Lint(r)) == 0 {
		t.Error("a verified recipe without layout passes")
	}
}

// Classes that are known by name only have no masks; the others do.
func TestNamedClass(t *testing.T) {
	r := parsed(t, "[[example]]", "[[class]]\nname = \"edema\"\n[[example]]")
	for _, p := range Lint(r) {
		t.Error(p)
	}
	raw := &memRaw{files: map[string]func() ([]byte, error){"x.zip!/1.png": nil, "x.zip!/1_mask.png": nil}}
	cases, err := r.Converter().Cases(context.Background(), raw)
	if err != nil || len(cases) != 1 || len(cases[0].Labels) != 1 || cases[0].Labels[0].Name != "tumor" {
		t.Errorf("cases %+v, %v", cases, err)
	}
	if got := strings.Join(r.ClassNames(), ",") + " " + strings.Join(r.MaskClasses(), ","); got != "tumor,edema tumor" {
		t.Error(got)
	}
}

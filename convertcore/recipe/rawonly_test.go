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

// Fill gives what Match takes apart again, and edits counts what would have to
// change.
func TestFill(t *testing.T) {
	for _, tt := range []struct{ src, want string }{
		{"a.zip!/{case}/images/{case}.png", "a.zip!/c1/images/c1.png"},
		{"{set=x}/**/{case}_*.{jpg,png}", "x/f/c1_s.png"},
		{"*/{case}/*.dcm", "first/c1/s.dcm"},
	} {
		p, err := Compile(tt.src)
		if err != nil {
			t.Fatal(err)
		}
		got, missing := p.Fill(Filling{Texts: map[string]string{"case": "c1"}, Stars: []string{"first"}[:strings.Count(tt.src, "*/{")%2], Star: "s", Folder: "f/", Alt: 1})
		if strings.HasPrefix(tt.src, "{set") {
			got, missing = p.Fill(Filling{Texts: map[string]string{"case": "c1"}, Star: "s", Folder: "f/", Alt: 1})
		}
		vals := make([]string, len(p.Names()))
		if got != tt.want || missing != "" || !p.Match(got, vals) || vals[p.Index("case")] != "c1" {
			t.Errorf("%s: %q, %q", tt.src, got, missing)
		}
		if _, missing := p.Fill(Filling{}); missing != "case" {
			t.Errorf("%s: %q is missing, want case", tt.src, missing)
		}
	}
	p, err := Compile("a/{case}_mask.png")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"a/x_mask.png": 0, "a/x_masc.png": 1, "b/x_mask.png": 1, "a/x.png": 5, "a/d/x_mask.png": 1} {
		if got := p.edits(path); got != want {
			t.Errorf("%s: %d edits, want %d", path, got, want)
		}
	}
}

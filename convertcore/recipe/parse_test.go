package recipe

import (
	"io/fs"
	"strings"
	"testing"
)

const small = `schema = 1
id = "x"
title = "X"
modality = "mri"
dim = 2
anatomy = "brain"
license = "CC0-1.0"
status = "unverified"
missing = "all"
[citation]
title = "X"
authors = ["A"]
year = 2020
[source]
platform = "http"
[[source.file]]
name = "x.zip"
url = "https://example.org/x.zip"
[case]
image = "x.zip!/{case}.png"
[[class]]
name = "tumor"
label = "x.zip!/{case}_mask.png"
select = { above = 0 }
[[example]]
raw = "x.zip!/1.png"
case = "1"
`

// parsed returns small with old replaced by text; pairs repeat.
func parsed(t *testing.T, pairs ...string) *Recipe {
	t.Helper()
	text := small
	for i := 0; i+1 < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%q is not in the recipe", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	r, err := Parse("x.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"unknown key", `title = "X"`, `titel = "X"`, `x.toml:3: unknown key "titel" (did you mean "title"?)`},
		{"unknown key in a list", `label = "x`, `lable = "x`, `x.toml:23: unknown key "lable" (did you mean "label"?)`},
		{"unknown key deeper", `url = "`, `uri = "`, `x.toml:18: unknown key "uri" (did you mean "url"?)`},
		{"far from any key", `anatomy =`, `zzzzqqq =`, `x.toml:6: unknown key "zzzzqqq"`},
		{"unknown table", `[case]`, "[cases]", `unknown key "cases" (did you mean "case"?)`},
		{"wrong type", `dim = 2`, `dim = "two"`, "x.toml:5:"},
		{"syntax", `dim = 2`, `dim = `, "x.toml:5:"},
		{"twice", `dim = 2`, "dim = 2\ndim = 3", "x.toml:6:"},
		{"schema", "schema = 1", "schema = 2", "x.toml: schema = 2"},
		{"no schema", "schema = 1", "", "x.toml: schema = 0"},
		{"no number", "above = 0", "above = nan", "cannot be hashed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(small, tt.old, tt.new, 1)
			_, err := Parse("x.toml", []byte(text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := Parse("x.toml", make([]byte, maxFile+1)); err == nil {
		t.Error("a file without end was read")
	}
}

func TestHash(t *testing.T) {
	base := parsed(t).Hash()
	for _, same := range [][2]string{
		{`title = "X"`, `title = "Y"`},
		{"schema = 1\n", "# comment\nschema = 1\n"},
		{`year = 2020`, `year = 2021`},
		{`license = "CC0-1.0"`, `license = "MIT"`},
		{"id = \"x\"\ntitle = \"X\"", "title = \"X\"\nid = \"x\""},
		{`raw = "x.zip!/1.png"`, `raw = "x.zip!/1.png" # one`},
	} {
		if parsed(t, same[0], same[1]).Hash() != base {
			t.Errorf("%q changes the hash", same[1])
		}
	}
	for _, other := range [][2]string{
		{`id = "x"`, `id = "y"`},
		{`dim = 2`, `dim = 3`},
		{`above = 0`, `above = 1`},
		{`_mask`, `_seg`},
		{`name = "tumor"`, `name = "lesion"`},
		{`https://example.org/x.zip`, `https://example.org/y.zip`},
		{`above = 0 }`, "above = 0 }\noptional = true"},
		{`above = 0 }`, "above = 0 }\nabsent = \"empty\""},
		{`[[example]]`, "[[split]]\nname = \"train\"\ncase = \"**\"\n[[example]]"},
	} {
		if parsed(t, other[0], other[1]).Hash() == base {
			t.Errorf("%q leaves the hash", other[1])
		}
	}
}

func TestNearest(t *testing.T) {
	keys := knownKeys([]string{"source", "file"})
	if strings.Join(keys, " ") != "name platform record url size sum" {
		t.Errorf("keys of [[source.file]]: %q", keys)
	}
	if keys := knownKeys([]string{"published", "year"}); keys != nil {
		t.Errorf("keys of a date: %q", keys)
	}
	for word, want := range map[string]string{"siez": "size", "nmae": "name", "checksum": "", "s": "", "": ""} {
		if got := nearest(word, keys); got != want {
			t.Errorf("nearest to %q: %q, want %q", word, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	_ = fs.WalkDir(datasets, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			data, _ := datasets.ReadFile(p)
			f.Add(data)
		}
		return err
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Parse("f.toml", data)
		if err != nil {
			return
		}
		problems := Lint(r)
		c := r.Converter().(*converter)
		if len(problems) == 0 && c.err != nil {
			t.Fatalf("lint finds nothing, but %v", c.err)
		}
		again, err := Parse("f.toml", data)
		if err != nil || again.Hash() != r.Hash() {
			t.Fatal("parsed twice, the hashes differ")
		}
	})
}

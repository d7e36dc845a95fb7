package recipe

import (
	"strings"
	"testing"
)

func TestLint(t *testing.T) {
	for _, p := range Lint(parsed(t)) {
		t.Errorf("sound recipe: %s", p)
	}
	for _, p := range Lint(parsed(t, "year = 2020", "doi = \"10.1/x\"", `authors = ["A"]`, "")) {
		t.Errorf("authors and year behind a DOI: %s", p)
	}
	class := `select = { above = 0 }`
	second := class + "\n[[class]]\nname = \"%\"\nlabel = \"x.zip!/{case}_b.png\"\nselect = { above = 0 }"
	for _, tt := range []struct{ name, old, new, want string }{
		{"id with capitals", `id = "x"`, `id = "X"`, "id: "},
		{"id that climbs", `id = "x"`, `id = "x..y"`, "id: "},
		{"modality", `"mri"`, `"MR"`, `modality: "MR" is none of the nine (mri?)`},
		{"dim", "dim = 2", "dim = 4", "dim: 4"},
		{"no anatomy", `"brain"`, `""`, "anatomy: "},
		{"licence not SPDX", `"CC0-1.0"`, `"CC0"`, `license: "CC0" is not in the table of SPDX licences (CC0-1.0?)`},
		{"licence without derivatives", `"CC0-1.0"`, `"CC-BY-NC-ND-4.0"`, "does not let"},
		{"status", `"unverified"`, `"maybe"`, "status: "},
		{"unverified, nothing missing", `missing = "all"`, "", "missing: "},
		{"verified, something missing", `"unverified"`, `"verified"`, "missing: "},
		{"verified without evidence", "\"unverified\"\nmissing = \"all\"", `"verified"`, "evidence: "},
		{"no author", `["A"]`, `[]`, "citation.authors: "},
		{"year", "2020", "20", "citation.year: "},
		{"no year and nothing that leads to it", "year = 2020", "", "citation.year: "},
		{"year that a DOI does not excuse", "year = 2020", "year = 20\ndoi = \"10.1/x\"", "citation.year: "},
		{"no platform", `platform = "http"`, "", "source.platform: "},
		{"neither record nor url", `url = "https://example.org/x.zip"`, "", "source.record: "},
		{"file that climbs", `name = "x.zip"`, `name = "../x.zip"`, "source.file[0].name: "},
		{"platform of a file without record", `name = "x.zip"`, "name = \"x.zip\"\nplatform = \"osf\"", "source.file[0].record: "},
		{"file pattern", `name = "x.zip"`, `name = "x[.zip"`, "source.file[0].name: "},
		{"checksum", `url = "`, "sum = \"sha256:12\"\nurl = \"", "source.file[0].sum: "},
		{"class with a slash", `"tumor"`, `"a/b"`, "class[0].name: "},
		{"class with a dot first", `"tumor"`, `".a"`, "class[0].name: "},
		{"class twice, by case", class, strings.Replace(second, "%", "TUMOR", 1), "class[1].name: \"tumor\" and \"TUMOR\""},
		{"no class", small[strings.Index(small, "[[class]]"):strings.Index(small, "[[example]]")], "", "class: there is none"},
		{"image pattern", `/{case}.png`, `/{case.png`, "case.image: "},
		{"image without case", `/{case}.png"`, `/a.png"`, "case.image: "},
		{"no image pattern", `image = "x.zip!/{case}.png"`, "", "case.image: "},
		{"label without case", `{case}_mask`, `mask`, "class[0].label: "},
		{"unbound placeholder", `{case}_mask`, `{fold}/{case}_mask`, "class[0].label: {fold} is in no image pattern"},
		{"label is the image", `{case}_mask.png`, `{case}.png`, "is also that of the images"},
		{"selector", `{ above = 0 }`, `{ abvoe = 0 }`, "class[0].select: "},
		{"no selector", class, "", "class[0].select: "},
		{"absent", class, class + "\nabsent = \"none\"", "class[0].absent: "},
		{"absent and optional", class, class + "\nabsent = \"empty\"\noptional = true", "class[0].absent: "},
		{"channel of a class", class, class + "\nchannel = \"t1\"", "class[0].channel: "},
		{"channel beside image", "[[class]]", "[[channel]]\nname = \"t1\"\nimage = \"{case}_t1\"\n[[class]]", "case.image: "},
		{"split name", "[[example]]", "[[split]]\nname = \"dev\"\ncase = \"**\"\n[[example]]", "split[0].name: "},
		{"split of nothing", "[[example]]", "[[split]]\nname = \"val\"\n[[example]]", "split[0]: "},
		{"case in two splits", "[[example]]", "[[split]]\nname = \"val\"\ncases = [\"1\"]\n[[split]]\nname = \"test\"\ncases = [\"1\"]\n[[example]]", "split[1].cases: "},
		{"exclude", `image = "x`, "exclude = [\"{\"]\nimage = \"x", "case.exclude[0]: "},
		{"id template", `image = "x`, "id = \"{a}/{b}\"\nimage = \"x", "case.id: "},
		{"id of an unbound name", `image = "x`, "id = \"{fold}\"\nimage = \"x", "does not bind {fold}"},
		{"example", `case = "1"`, `case = "2"`, `example[0]: "x.zip!/1.png" becomes case "1", not "2"`},
		{"example of an unknown file", `raw = "x.zip!/1.png"`, `raw = "y.zip!/1.png"`, "example[0].raw: "},
		{"no example", small[strings.Index(small, "[[example]]"):], "", "example: "},
		{"derived from itself", `id = "x"`, "id = \"x\"\nderived_from = [\"y\", \"x\"]", "derived_from[1]: "},
		{"class by name only, no case", `image = "x.zip!/{case}.png"`, "exclude = [\"y\"]", "case.image: "},
		{"evidence", "[[example]]", "[[evidence]]\nfact = \"x\"\nconfidence = \"sure\"\n[[example]]", "evidence[0].confidence: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var all []string
			for _, p := range Lint(parsed(t, tt.old, tt.new)) {
				all = append(all, p.String())
			}
			if got := strings.Join(all, "\n"); !strings.Contains(got, tt.want) {
				t.Errorf("problems:\n%s\nwant %q", got, tt.want)
			}
		})
	}
}

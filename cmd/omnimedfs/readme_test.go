package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
)

var update = flag.Bool("update", false, "rewrite the README's table of the catalog")

// TestReadmeCatalog keeps the README's counts true; with -update it writes them.
func TestReadmeCatalog(t *testing.T) {
	recipes, err := recipe.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	var list []dataset
	var converted []string
	for _, r := range recipes {
		list = append(list, stated(r))
		if r.Converted() {
			converted = append(converted, r.ID)
		}
	}
	want := summarize(list).markdown() + "\nReal files were converted and compared with an independent reading: " + strings.Join(converted, ", ") + ".\n"
	const from, to, file = "<!-- catalog -->\n", "<!-- /catalog -->\n", "../../README.md"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), from)
	got, after, ok2 := strings.Cut(rest, to)
	switch {
	case !ok || !ok2:
		t.Fatalf("README.md lacks %q and %q", from, to)
	case got == want:
	case *update:
		if err := os.WriteFile(file, []byte(before+from+want+to+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the README's table of the catalog is old: go test ./cmd/omnimedfs -run TestReadmeCatalog -update\n%s", want)
	}
}

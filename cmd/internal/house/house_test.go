// Package house holds the tests of the project's own rules: who may import
// whom, and what stands at the top level.
package house

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/omnimedseg/omnimedfs/"

// root is the top of the repository, seen from this package's folder.
const root = "../../.."

// allowed says which packages of ours the packages below a folder may import;
// the longest folder that matches decides. Their own layer is always allowed
// where the entry names it.
var allowed = map[string][]string{
	"sources/blob":        {},
	"sources":             {"sources"},
	"convertcore":         {"convertcore", "sources/blob"},
	"fs/tree":             {"sources/blob"},
	"fs/cache":            {"sources/blob"},
	"fs":                  {"fs", "sources", "convertcore", "eval/robot", "eval/mask"},
	"eval":                {"eval", "convertcore", "sources/blob"},
	"cmd":                 {"cmd", "fs", "sources", "convertcore", "eval"},
	"scripts":             {"cmd", "fs", "sources", "convertcore", "eval"},
	"sources/sourcestest": {"sources"},
}

// external says which folders alone may import a library.
var external = map[string][]string{
	"github.com/hanwen/go-fuse":   {"fs", "scripts"},
	"github.com/dgraph-io/badger": {"fs/cache"},
	"net/http":                    {"sources", "cmd", "scripts"},
	"github.com/spf13/pflag":      {"cmd", "scripts"},
}

func TestImports(t *testing.T) {
	files := 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && strings.HasPrefix(e.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		if e.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		files++
		return checkFile(t, path)
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Fatalf("only %d Go files seen: the walk is wrong", files)
	}
}

func checkFile(t *testing.T, path string) error {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	rel = filepath.ToSlash(rel)
	dir := filepath.ToSlash(filepath.Dir(rel))
	test := strings.HasSuffix(rel, "_test.go")
	for _, spec := range f.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		if why := forbidden(dir, imp, test); why != "" {
			t.Errorf("%s imports %s: %s", rel, imp, why)
		}
	}
	return nil
}

// forbidden says why a file in dir may not import imp; "" where it may. Tests
// may start servers and use the fake platforms.
func forbidden(dir, imp string, test bool) string {
	if ours, ok := strings.CutPrefix(imp, module); ok {
		if test && ours == "sources/sourcestest" {
			return ""
		}
		rule := longest(dir)
		if rule == "" {
			return "the folder is not in the rules"
		}
		if !below(ours, allowed[rule]) && ours != dir {
			return rule + " may import " + strings.Join(allowed[rule], ", ") + " only"
		}
		return ""
	}
	for lib, dirs := range external {
		if (imp == lib || strings.HasPrefix(imp, lib+"/")) && !test && !below(dir, dirs) {
			return "only " + strings.Join(dirs, ", ") + " may"
		}
	}
	return ""
}

func longest(dir string) (best string) {
	for rule := range allowed {
		if below(dir, []string{rule}) && len(rule) > len(best) {
			best = rule
		}
	}
	return best
}

func below(dir string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return dir == f || strings.HasPrefix(dir, f+"/") })
}

func TestForbidden(t *testing.T) {
	for _, c := range []struct {
		dir, imp string
		ok       bool
	}{
		{"fs/tree", module + "sources/blob", true},
		{"fs/tree", module + "sources", false},
		{"convertcore/format", module + "sources/fetch", false},
		{"eval/session", module + "fs/tree", false},
		{"eval/session", "net/http", false},
		{"cmd/omnimedfs", module + "fs/dataset", true},
		{"sources/raw", module + "convertcore", false},
		{"fs/dataset", "github.com/dgraph-io/badger/v4", false},
	} {
		if got := forbidden(c.dir, c.imp, false) == ""; got != c.ok {
			t.Errorf("%s importing %s: allowed %v, want %v", c.dir, c.imp, got, c.ok)
		}
	}
}

func TestTopLevel(t *testing.T) {
	want := []string{"LICENSE", "README.md", "cmd", "convertcore", "eval", "fs", "go.mod", "go.sum", "scripts", "sources"}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, ".") && !slices.Contains(want, name) {
			t.Errorf("%s does not belong at the top level", name)
		}
	}
}

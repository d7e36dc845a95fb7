package dataset

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// twoRecords lists the words of a record as its files and counts how often it
// was asked.
type twoRecords map[string]int

func (l twoRecords) Files(_ context.Context, record string) ([]sources.File, error) {
	l[record]++
	var out []sources.File
	for _, name := range strings.Fields(record) {
		out = append(out, sources.File{Info: blob.Info{Path: name, Size: 1, Sum: "md5:" + name}})
	}
	return out, nil
}

func TestOrigins(t *testing.T) {
	asked := twoRecords{}
	sources.Register("test-words", func(*sources.Client) sources.Source { return asked })
	client := sources.NewClient(sources.Options{})
	t.Cleanup(func() { client.Close() })
	for _, tt := range []struct {
		name string
		src  recipe.Source
		want string
		asks int
	}{
		{"the whole record", recipe.Source{Platform: "test-words", Record: "a b"}, "a b", 1},
		{"some of it", recipe.Source{Platform: "test-words", Record: "a c.zip d.zip", Files: []recipe.SourceFile{{Name: "*.zip"}}}, "c.zip d.zip", 1},
		{"two records", recipe.Source{Platform: "test-words", Record: "x y", Files: []recipe.SourceFile{
			{Name: "x"}, {Name: "y"}, {Name: "l/*", Platform: "test-words", Record: "l/1 l/2 other"}}}, "x y l/1 l/2", 2},
		{"only URLs", recipe.Source{Platform: "http", Files: []recipe.SourceFile{{Name: "u[1].zip", URL: "https://example.org/u"}}}, "u[1].zip", 0},
	} {
		clear(asked)
		list, err := Origins(t.Context(), client, "id", &tt.src)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var names []string
		for _, o := range list {
			names = append(names, o.Path)
		}
		n := 0
		for _, k := range asked {
			n += k
		}
		if got := strings.Join(names, " "); got != tt.want || n != tt.asks {
			t.Errorf("%s: %q after %d listings, want %q after %d", tt.name, got, n, tt.want, tt.asks)
		}
	}
	gone := recipe.Source{Platform: "test-words", Record: "a", Files: []recipe.SourceFile{{Name: "b"}}}
	if _, err := Origins(t.Context(), client, "id", &gone); !errors.Is(err, sources.ErrGone) {
		t.Errorf("a file that the record lacks: %v", err)
	}
}

package view

import (
	"encoding/json"
	"fmt"
	iofs "io/fs"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// schema is the part of JSON Schema that ours uses.
type schema struct {
	Type       any // a name or several
	Enum       []any
	Pattern    string
	Minimum    *float64
	MinLength  int
	Required   []string
	Properties map[string]schema
	Items      *schema
	Additional any `json:"additionalProperties"`
}

func (s *schema) check(path string, v any, fail func(string, ...any)) {
	kind := map[bool]string{true: "null"}[v == nil]
	switch v := v.(type) {
	case string:
		kind = "string"
		if s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(v) || len(v) < s.MinLength {
			fail("%s: %q", path, v)
		}
	case bool:
		kind = "boolean"
	case float64:
		kind = "integer"
		if v != float64(int64(v)) {
			kind = "number"
		}
		if s.Minimum != nil && v < *s.Minimum {
			fail("%s: %v is too small", path, v)
		}
	case []any:
		kind = "array"
		for i, item := range v {
			if s.Items != nil {
				s.Items.check(fmt.Sprintf("%s[%d]", path, i), item, fail)
			}
		}
	case map[string]any:
		kind = "object"
		for _, key := range s.Required {
			if _, ok := v[key]; !ok {
				fail("%s lacks %s", path, key)
			}
		}
		for key, item := range v {
			if p, ok := s.Properties[key]; ok {
				p.check(path+"."+key, item, fail)
			} else if s.Additional == false {
				fail("%s.%s is not in the schema", path, key)
			}
		}
	}
	if s.Enum != nil && !slices.Contains(s.Enum, v) {
		fail("%s: %v is none of %v", path, v, s.Enum)
	}
	switch t := s.Type.(type) {
	case string:
		if t != kind {
			fail("%s is of type %s, not %s", path, kind, t)
		}
	case []any:
		if !slices.Contains(t, any(kind)) {
			fail("%s is of type %s, not %v", path, kind, t)
		}
	}
}

func TestDatasetJSONFitsItsSchema(t *testing.T) {
	text, err := os.ReadFile("../dataset/dataset.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	root, _ := newCatalog(t, nil)
	for _, fsys := range []iofs.FS{demo(t), tree.FS(root), mapsOf(t, "", class("left", "left", "above = 0"))} {
		found, err := iofs.Glob(fsys, "datasets/*/metadata/dataset.json")
		if err != nil || len(found) == 0 {
			t.Fatal(found, err)
		}
		for _, name := range found {
			var doc any
			readJSON(t, fsys, name, &doc)
			s.check("", doc, func(format string, args ...any) { t.Errorf(name+": "+format, args...) })
			doc.(map[string]any)["dim"], doc.(map[string]any)["more"] = 4.0, 1.0
			wrong := 0
			s.check("", doc, func(string, ...any) { wrong++ })
			if wrong != 2 {
				t.Errorf("%s: %d of 2 faults found", name, wrong)
			}
		}
	}
}

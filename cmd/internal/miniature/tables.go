package miniature

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
)

func (b *builder) table(name string) *recipe.Table {
	for i := range b.r.Tables {
		if b.r.Tables[i].Name == name {
			return &b.r.Tables[i]
		}
	}
	return nil
}

func column(t *recipe.Table, name string) string {
	if c, ok := t.Columns[name]; ok {
		return c
	}
	return name
}

// tableText is the text of a placeholder that only a table has: that of another
// placeholder of the same column, or a new one. bare tells that nothing in the
// pattern gives a file its extension.
func (b *builder) tableText(name, tab string, texts map[string]string, bare bool) string {
	if t := b.table(tab); t != nil {
		for _, other := range slices.Sorted(maps.Keys(texts)) {
			if other != name && column(t, other) == column(t, name) {
				return texts[other]
			}
		}
	}
	text := fmt.Sprintf("%s%d", name, len(b.texts))
	if bare {
		text += map[int]string{2: ".png", 3: ".nii.gz"}[b.r.Dim]
	}
	return text
}

// complete gives the placeholders of IDs that only a table has their texts.
func (b *builder) complete(texts map[string]string) {
	ch := b.channels()[0]
	for _, name := range b.idNames() {
		if _, ok := texts[name]; !ok && ch.Table != "" {
			texts[name] = b.tableText(name, ch.Table, texts, false)
		}
	}
}

// tableFile is a table in the making.
type tableFile struct {
	path   string
	format string
	t      *recipe.Table
	rows   []map[string]string // of case i; nil where the file has none
}

// tables writes the tables that relate the files, and those that list splits.
func (b *builder) tables() error {
	var files []*tableFile
	used := map[string]bool{}
	for _, s := range b.r.Splits {
		if s.Table != "" && len(s.Where) == 0 {
			used[s.Table] = true
		}
	}
	// Tables that are a split each come first, since others may be the union of
	// their files.
	for _, splits := range []bool{true, false} {
		for i := range b.r.Tables {
			t := &b.r.Tables[i]
			if used[t.Name] != splits {
				continue
			}
			var mine []*tableFile
			for _, f := range files {
				if b.matches(t, f.path) {
					mine = append(mine, f)
				}
			}
			if mine == nil {
				f, err := b.newTable(t)
				if err != nil {
					return err
				}
				files, mine = append(files, f), []*tableFile{f}
			}
			for _, f := range mine {
				if err := b.addRows(f, t, splits); err != nil {
					return err
				}
			}
		}
	}
	for _, f := range files {
		data, err := f.encode()
		if err != nil {
			return err
		}
		b.extra[f.path] = data
	}
	return nil
}

func (b *builder) matches(t *recipe.Table, path string) bool {
	return slices.ContainsFunc(t.File, func(src string) bool {
		p, err := recipe.Compile(src)
		return err == nil && p.Match(path, make([]string, len(p.Names())))
	})
}

func (b *builder) newTable(t *recipe.Table) (*tableFile, error) {
	p, err := recipe.Compile(t.File[0])
	if err != nil {
		return nil, err
	}
	path, err := b.fill(p, recipe.Filling{Texts: maps.Clone(b.texts[0]), Star: "t"}, "")
	if err != nil {
		return nil, err
	}
	format := t.Format
	if format == "" {
		format = strings.TrimPrefix(ext(path), ".")
	}
	return &tableFile{path: path, format: format, t: t, rows: make([]map[string]string, len(b.cases))}, nil
}

// splitTables are the splits whose cases a table lists.
func (b *builder) splitTables() (out []recipe.Split) {
	for _, s := range b.r.Splits {
		if s.Table != "" {
			out = append(out, s)
		}
	}
	return out
}

// addRows gives a file the rows and columns that a table needs. Cases without a
// split are given one in turn; a table that is a split has only its own.
func (b *builder) addRows(f *tableFile, t *recipe.Table, isSplit bool) error {
	lists := b.splitTables()
	for i, c := range b.cases {
		row := map[string]string{}
		if isSplit && len(lists) > 0 && lists[i%len(lists)].Table != t.Name {
			continue
		}
		if !isSplit && f.rows[i] == nil && f.t != t {
			continue // the file is of other cases
		}
		for name, text := range b.texts[i] {
			row[column(t, name)] = text
		}
		for _, s := range lists {
			if s.Table != t.Name {
				continue
			}
			raw := row[column(t, "case")]
			if replaced(raw, t.Replace) != c.ID {
				raw = c.ID
			}
			if replaced(raw, t.Replace) != c.ID {
				return cannot("table %s makes another ID of %q", t.Name, c.ID)
			}
			row[column(t, "case")] = raw
		}
		if len(lists) > 0 {
			s := lists[i%len(lists)]
			if s.Table == t.Name {
				maps.Copy(row, s.Where)
			}
			if c.Split == "" {
				c.Split = s.Name
			}
		}
		for name, text := range b.texts[i] {
			if got := replaced(row[column(t, name)], t.Replace); got != text && !isSplit && !(name == "case" && got == c.ID) {
				return cannot("table %s replaces %q", t.Name, text)
			}
		}
		if f.rows[i] == nil {
			f.rows[i] = map[string]string{}
		}
		for k, v := range row {
			if _, ok := f.rows[i][k]; !ok {
				f.rows[i][k] = v
			}
		}
	}
	return nil
}

// splits checks that what tables say and what patterns say does not mix.
func (b *builder) splits() error {
	lists := b.splitTables()
	if len(lists) > 0 && len(lists) != len(b.r.Splits) {
		return cannot("splits by table and otherwise")
	}
	return nil
}

func (f *tableFile) encode() ([]byte, error) {
	f.rows = slices.DeleteFunc(f.rows, func(r map[string]string) bool { return r == nil })
	switch f.format {
	case "csv", "tsv":
		return f.encodeCSV()
	case "json", "jsonl":
		return f.encodeJSON()
	}
	return nil, cannot("a table as .%s", f.format)
}

func (f *tableFile) encodeCSV() ([]byte, error) {
	names := map[string]bool{}
	for _, r := range f.rows {
		for k := range r {
			names[k] = true
		}
	}
	head := slices.Sorted(maps.Keys(names))
	if f.t.Header == "none" {
		head = nil
		for i := range len(names) + 20 {
			head = append(head, fmt.Sprintf("c%d", i))
		}
	}
	var out strings.Builder
	w := csv.NewWriter(&out)
	w.Comma = ','
	if f.format == "tsv" {
		w.Comma = '\t'
	}
	if f.t.Separator != "" {
		w.Comma = []rune(f.t.Separator)[0]
	}
	if f.t.Header != "none" {
		w.Write(head)
	}
	for _, r := range f.rows {
		record := make([]string, len(head))
		for i, k := range head {
			record[i] = r[k]
		}
		w.Write(record)
	}
	w.Flush()
	return []byte(out.String()), w.Error()
}

func (f *tableFile) encodeJSON() ([]byte, error) {
	var list []any
	for _, r := range f.rows {
		row := map[string]any{}
		for _, k := range slices.Sorted(maps.Keys(r)) {
			if err := setAt(row, strings.Split(k, "."), r[k]); err != nil {
				return nil, err
			}
		}
		list = append(list, row)
	}
	var doc any = list
	if f.t.Rows != "" {
		keys := strings.Split(f.t.Rows, ".")
		for i := len(keys) - 1; i >= 0; i-- {
			doc = map[string]any{keys[i]: doc}
		}
	}
	return json.Marshal(doc)
}

func setAt(m map[string]any, keys []string, v string) error {
	for _, k := range keys[:len(keys)-1] {
		if strings.Trim(k, "0123456789") == "" {
			return cannot("a column in a JSON list")
		}
		in, ok := m[k].(map[string]any)
		if !ok {
			in = map[string]any{}
			m[k] = in
		}
		m = in
	}
	m[keys[len(keys)-1]] = v
	return nil
}

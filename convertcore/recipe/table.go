package recipe

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Table is a CSV or JSON file of the dataset that relates its files. A
// placeholder that an image's or label's pattern lacks is looked up in the row
// whose columns have the texts of those that it has.
type Table struct {
	Name      string            `toml:"name"`
	File      Patterns          `toml:"file"`      // all files that match any are one table
	Format    string            `toml:"format"`    // csv, tsv, json or jsonl; "" by the file's extension
	Separator string            `toml:"separator"` // of CSV; "" is ","
	Header    string            `toml:"header"`    // "none": the columns are called c0, c1 …
	Rows      string            `toml:"rows"`      // JSON: keys that lead to the list of rows, "a.b"; a table of rows has its keys in the column "key"
	Columns   map[string]string `toml:"columns"`   // placeholder -> column, or keys of a JSON row "a.b"; others are called as they are
	Replace   Replace           `toml:"replace"`   // in every text
}

const (
	maxTable     = 64 << 20 // bytes of a table's file
	maxTableRows = 4 << 20
)

// rows is a table that was read: texts by placeholder.
type rows []map[string]string

// lookup is a table with its rows by the text of a column.
type lookup struct {
	rows rows
	by   map[string]map[string][]int // column -> text -> rows
}

func (l *lookup) find(column, text string) []int {
	if l.by == nil {
		l.by = map[string]map[string][]int{}
	}
	idx, ok := l.by[column]
	if !ok {
		idx = map[string][]int{}
		for i, r := range l.rows {
			if v, ok := r[column]; ok {
				idx[v] = append(idx[v], i)
			}
		}
		l.by[column] = idx
	}
	return idx[text]
}

// text returns column want of the row that has the texts of have, false where
// there is none; rows that disagree are ErrAmbiguous.
func (l *lookup) text(want string, have map[string]string) (string, bool, error) {
	for _, column := range slices.Sorted(maps.Keys(have)) {
		at := l.find(column, have[column])
		out, found := "", false
		for _, i := range at {
			r := l.rows[i]
			v, ok := r[want]
			for k, t := range have {
				if rt, has := r[k]; has && rt != t {
					ok = false
				}
			}
			if !ok {
				continue
			}
			if found && v != out {
				return "", false, fmt.Errorf("%w: rows with %s %q have %s %q and %q", ErrAmbiguous, column, have[column], want, out, v)
			}
			out, found = v, true
		}
		if found {
			return out, true, nil
		}
	}
	return "", false, nil
}

// table is a compiled Table.
type table struct {
	*Table
	files   []*Pattern
	replace replacer
}

// readTables reads the tables that the recipe names.
func (p *plan) readTables(ctx context.Context, raw convertcore.Raw, files []blob.Info) (map[string]*lookup, error) {
	out := map[string]*lookup{}
	vals := make([]string, p.names)
	for i := range p.tables {
		t := &p.tables[i]
		l := &lookup{}
		for k := range files {
			path := files[k].Path
			if hidden(path) || !slices.ContainsFunc(t.files, func(x *Pattern) bool { return x.Match(p.fold(path), vals) }) {
				continue
			}
			r, err := t.read(ctx, raw, path)
			if err != nil {
				return nil, fmt.Errorf("table %s: %s: %w", t.Name, path, err)
			}
			if l.rows = append(l.rows, r...); len(l.rows) > maxTableRows {
				return nil, fmt.Errorf("table %s: more than %d rows", t.Name, maxTableRows)
			}
		}
		if l.rows == nil {
			return nil, fmt.Errorf("table %s: %w matches %q", t.Name, ErrAbsent, t.File)
		}
		if p.recipe.Case.IgnoreCase {
			for _, r := range l.rows {
				for k, v := range r {
					r[k] = p.fold(v)
				}
			}
		}
		out[t.Name] = l
	}
	return out, nil
}

func (t *table) read(ctx context.Context, raw convertcore.Raw, path string) (rows, error) {
	b, err := raw.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if b.Size() > maxTable {
		return nil, fmt.Errorf("%w: table of %d bytes", convertcore.ErrUnsupported, b.Size())
	}
	data, err := blob.ReadAll(b)
	if err != nil {
		return nil, err
	}
	return t.parse(path, bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
}

func (t *table) parse(path string, data []byte) (rows, error) {
	kind := t.Format
	if kind == "" {
		kind = strings.ToLower(path[strings.LastIndexByte(path, '.')+1:])
	}
	switch kind {
	case "json", "jsonl":
		return t.parseJSON(data)
	case "tsv":
		return t.parseCSV(data, '\t')
	}
	sep := ','
	if t.Separator != "" {
		sep = []rune(t.Separator)[0]
	}
	return t.parseCSV(data, sep)
}

func (t *table) parseCSV(data []byte, sep rune) (out rows, err error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace = sep, -1, true, sep != '\t'
	var names []string
	for len(out) <= maxTableRows {
		record, err := r.Read()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", convertcore.ErrFormat, err)
		}
		if names == nil && t.Header != "none" {
			for _, name := range record {
				names = append(names, strings.TrimSpace(name))
			}
			continue
		}
		row := map[string]string{}
		for i, v := range record {
			name := "c" + strconv.Itoa(i)
			if t.Header != "none" {
				if i >= len(names) {
					continue
				}
				name = names[i]
			}
			row[name] = strings.TrimSpace(v)
		}
		out = append(out, t.named(func(name string) (string, bool) { v, ok := row[name]; return v, ok }, row))
	}
	return nil, fmt.Errorf("%w: more than %d rows", convertcore.ErrUnsupported, maxTableRows)
}

// named adds the placeholders that the recipe names, and replaces.
func (t *table) named(get func(string) (string, bool), row map[string]string) map[string]string {
	for name, column := range t.Columns {
		if v, ok := get(column); ok {
			row[name] = v
		}
	}
	if len(t.replace) > 0 {
		for k, v := range row {
			row[k] = t.replace.apply(v)
		}
	}
	return row
}

// parseJSON reads one document, or several that follow one another (JSON
// Lines), each a row.
func (t *table) parseJSON(data []byte) (out rows, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var docs []any
	for {
		var v any
		if err := dec.Decode(&v); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%w: %w", convertcore.ErrFormat, err)
		}
		docs = append(docs, v)
	}
	var list any = docs
	if len(docs) == 1 {
		list = docs[0]
	}
	if t.Rows != "" {
		if list = jsonAt(list, t.Rows); list == nil {
			return nil, fmt.Errorf("%w: there is no %q", convertcore.ErrFormat, t.Rows)
		}
	}
	switch list := list.(type) {
	case []any:
		for _, v := range list {
			out = append(out, t.jsonRow("", v))
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(list)) {
			out = append(out, t.jsonRow(key, list[key]))
		}
	default:
		return nil, fmt.Errorf("%w: %q holds no rows", convertcore.ErrFormat, t.Rows)
	}
	return out, nil
}

// jsonRow makes a row of an object, or of a lone text in the column "value".
func (t *table) jsonRow(key string, v any) map[string]string {
	row := map[string]string{}
	if key != "" {
		row["key"] = key
	}
	if m, ok := v.(map[string]any); ok {
		for k, x := range m {
			if text, ok := jsonText(x); ok {
				row[k] = text
			}
		}
	} else if text, ok := jsonText(v); ok {
		row["value"] = text
	}
	return t.named(func(path string) (string, bool) {
		if text, ok := row[path]; ok {
			return text, true
		}
		return jsonText(jsonAt(v, path))
	}, row)
}

// jsonAt follows keys and list positions joined by dots; nil where they lead
// nowhere.
func jsonAt(v any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func jsonText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

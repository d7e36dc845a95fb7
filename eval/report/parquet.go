package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sort"

	"github.com/parquet-go/parquet-go"

	"github.com/omnimedseg/omnimedfs/eval/session"
)

// ParquetFile is the records as a table.
const ParquetFile = "steps.parquet"

// rowBatch is how many rows are handed over at a time.
const rowBatch = 512

// Parquet writes steps.parquet: a row for every step, a column for every
// metric (null where undefined), the prompts as JSON text.
func (r *Run) Parquet() error {
	path := filepath.Join(r.Dir, ParquetFile)
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return err
	}
	defer f.Close()
	columns := r.columns()
	group := parquet.Group{}
	for _, c := range columns {
		group[c.name] = c.node
	}
	// A Group orders its columns by name; rows must follow.
	sort.Slice(columns, func(i, j int) bool { return columns[i].name < columns[j].name })
	w := parquet.NewWriter(f, parquet.NewSchema("steps", group), parquet.Compression(&parquet.Zstd))
	var rows []parquet.Row
	flush := func() error {
		_, err := w.WriteRows(rows)
		rows = rows[:0]
		return err
	}
	err = session.Records(r.Dir, func(rec *session.Record) error {
		row := make(parquet.Row, 0, len(columns))
		for i, c := range columns {
			v := c.of(rec)
			level := 0
			if c.node.Optional() && !v.IsNull() {
				level = 1
			}
			row = append(row, v.Level(0, level, i))
		}
		if rows = append(rows, row); len(rows) == rowBatch {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

type column struct {
	name string
	node parquet.Node
	of   func(r *session.Record) parquet.Value
}

func (r *Run) columns() []column {
	text := func(name string, of func(r *session.Record) string) column {
		return column{name, parquet.Encoded(parquet.String(), &parquet.RLEDictionary), func(r *session.Record) parquet.Value {
			return parquet.ByteArrayValue([]byte(of(r)))
		}}
	}
	number := func(name string, of func(r *session.Record) int) column {
		return column{name, parquet.Int(32), func(r *session.Record) parquet.Value { return parquet.Int32Value(int32(of(r))) }}
	}
	out := []column{
		text("dataset", func(r *session.Record) string { return r.Dataset }),
		text("case", func(r *session.Record) string { return r.Case }),
		text("class", func(r *session.Record) string { return r.Class }),
		text("user", func(r *session.Record) string { return r.User }),
		number("trial", func(r *session.Record) int { return r.Trial }),
		number("step", func(r *session.Record) int { return r.Step }),
		text("status", func(r *session.Record) string { return r.Status }),
		text("metric_status", func(r *session.Record) string { return r.MetricStatus }),
		{"penalty_mm", parquet.Leaf(parquet.DoubleType), func(r *session.Record) parquet.Value { return parquet.DoubleValue(r.Penalty) }},
		{"prompts", parquet.String(), func(r *session.Record) parquet.Value {
			text, _ := json.Marshal(r.Prompts) // plain data that was read from JSON
			return parquet.ByteArrayValue(text)
		}},
	}
	for _, n := range r.names {
		out = append(out, column{n, parquet.Optional(parquet.Leaf(parquet.DoubleType)), func(r *session.Record) parquet.Value {
			if v := r.Metrics[n]; v != nil {
				return parquet.DoubleValue(*v)
			}
			return parquet.NullValue()
		}})
	}
	return out
}

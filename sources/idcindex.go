package sources

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// The columns of IDC's index that are read are those of idc_index.sql,
// seg_index.sql and rtstruct_index.sql in idc-index-data.

const (
	idcSeriesMax = 200_000 // of one record
	parquetRows  = 50_000_000
)

// idcLabels finds the label series whose column has a value; letters' case
// does not count.
func idcLabels(t *parquetTable, column, value string) ([]idcSeries, error) {
	rows := map[int64]bool{}
	err := t.column(column, func(row int64, v []byte) error {
		if strings.EqualFold(string(v), value) {
			rows[row] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []idcSeries
	err = t.column("Modality", func(row int64, v []byte) error {
		if m := string(v); rows[row] && (m == "SEG" || m == "RTSTRUCT") {
			out = append(out, idcSeries{row: row, modality: m, label: true})
		}
		if len(out) > idcSeriesMax {
			return fmt.Errorf("%w: more than %d series", ErrServer, idcSeriesMax)
		}
		return nil
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%w: no segmentation or structure set with %s %q", ErrGone, column, value)
	}
	if err != nil {
		return nil, err
	}
	return out, t.at("SeriesInstanceUID", out, func(x *idcSeries, v string) { x.uid = v })
}

// idcRefer sets what labels are drawn on.
func idcRefer(t *parquetTable, column string, series []idcSeries) error {
	rows := map[int64]*idcSeries{}
	known := map[string]*idcSeries{}
	for i := range series {
		known[series[i].uid] = &series[i]
	}
	err := t.column("SeriesInstanceUID", func(row int64, v []byte) error {
		if x := known[string(v)]; x != nil {
			rows[row] = x
		}
		return nil
	})
	if err != nil {
		return err
	}
	return t.column(column, func(row int64, v []byte) error {
		if x := rows[row]; x != nil {
			x.of = string(v)
		}
		return nil
	})
}

// idcImages adds the series that labels are drawn on. A label whose image the
// index does not have is drawn on none.
func idcImages(t *parquetTable, labels []idcSeries) ([]idcSeries, error) {
	wanted := map[string]bool{}
	for i := range labels {
		if labels[i].of != "" {
			wanted[labels[i].of] = false
		}
	}
	out := slices.Clip(labels)
	err := t.column("SeriesInstanceUID", func(row int64, v []byte) error {
		if found, ok := wanted[string(v)]; ok && !found {
			wanted[string(v)] = true
			out = append(out, idcSeries{row: row, uid: string(v)})
		}
		return nil
	})
	for i := range labels {
		if !wanted[out[i].of] {
			out[i].of = ""
		}
	}
	return out, err
}

// idcDescribe fills in what else the index says of series.
func idcDescribe(t *parquetTable, series []idcSeries) error {
	for _, c := range []struct {
		name string
		set  func(x *idcSeries, v string)
	}{
		{"PatientID", func(x *idcSeries, v string) { x.patient = idcName(v, "unknown") }},
		{"Modality", func(x *idcSeries, v string) { x.modality = idcName(v, "unknown") }},
		{"SeriesDescription", func(x *idcSeries, v string) { x.about = idcName(v, "") }},
		{"aws_bucket", func(x *idcSeries, v string) { x.bucket = v }},
		{"crdc_series_uuid", func(x *idcSeries, v string) { x.dir = v }},
		{"license_short_name", func(x *idcSeries, v string) { x.license = v }},
	} {
		if err := t.at(c.name, series, c.set); err != nil {
			return err
		}
	}
	for i := range series {
		if x := &series[i]; !plainID(x.uid, ".") || x.of != "" && !plainID(x.of, ".") {
			return fmt.Errorf("%w: series UID %.80q", ErrServer, x.uid)
		}
	}
	return nil
}

// idcName makes a text fit as one element of a path.
func idcName(s, empty string) string {
	s = strings.TrimSpace(strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || strings.ContainsRune(`/\:*?"<>|`, c) {
			return '_'
		}
		return c
	}, strings.ToValidUTF8(s, "_")))
	if len(s) > 100 {
		s = strings.TrimSpace(strings.ToValidUTF8(s[:100], ""))
	}
	if s = strings.Trim(s, "."); s == "" {
		return empty
	}
	return s
}

// parquetTable reads columns of texts.
type parquetTable struct{ file *parquet.File }

// openParquet reads a table's footer. What is malformed is ErrServer.
func openParquet(r io.ReaderAt, size int64) (t *parquetTable, err error) {
	defer unpanic(&err)
	f, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(1<<20))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrServer, err)
	}
	if n := f.NumRows(); n < 0 || n > parquetRows {
		return nil, fmt.Errorf("%w: table of %d rows", ErrServer, n)
	}
	return &parquetTable{f}, nil
}

// unpanic makes an error of a panic: the library's decoders are not written for
// files that contradict themselves.
func unpanic(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: malformed table: %v", ErrServer, p)
	}
}

// column calls visit with each value in the order of rows; null is empty. The
// bytes are visit's until it returns.
func (t *parquetTable) column(name string, visit func(row int64, v []byte) error) (err error) {
	defer unpanic(&err)
	leaf, ok := t.file.Schema().Lookup(name)
	if !ok || leaf.Node.Type().Kind() != parquet.ByteArray || leaf.MaxRepetitionLevel > 0 {
		return fmt.Errorf("%w: no column of texts %q", ErrServer, name)
	}
	row, values := int64(0), make([]parquet.Value, 512)
	for _, group := range t.file.RowGroups() {
		pages := group.ColumnChunks()[leaf.ColumnIndex].Pages()
		for {
			page, readErr := pages.ReadPage()
			if readErr == io.EOF {
				break
			}
			if readErr == nil {
				row, readErr = visitPage(page, row, values, visit)
				parquet.Release(page)
			}
			if readErr != nil {
				pages.Close()
				return readErr
			}
		}
		if err := pages.Close(); err != nil {
			return err
		}
	}
	return nil
}

func visitPage(page parquet.Page, row int64, values []parquet.Value, visit func(int64, []byte) error) (int64, error) {
	r := page.Values()
	for {
		n, err := r.ReadValues(values)
		for _, v := range values[:n] {
			var text []byte
			if !v.IsNull() {
				text = v.ByteArray()
			}
			if err := visit(row, text); err != nil {
				return row, err
			}
			row++
		}
		if err == io.EOF {
			return row, nil
		}
		if err != nil {
			return row, err
		}
		if n == 0 {
			return row, io.ErrNoProgress
		}
	}
}

// at sets a column's values for the rows of series.
func (t *parquetTable) at(name string, series []idcSeries, set func(x *idcSeries, v string)) error {
	rows := make(map[int64]*idcSeries, len(series))
	for i := range series {
		rows[series[i].row] = &series[i]
	}
	return t.column(name, func(row int64, v []byte) error {
		if x := rows[row]; x != nil {
			set(x, string(v))
		}
		return nil
	})
}

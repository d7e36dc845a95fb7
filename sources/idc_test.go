package sources

import (
	"bytes"
	"encoding/xml"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

type idcRow struct {
	SourceDOI  string  `parquet:"source_DOI"`
	Collection string  `parquet:"collection_id"`
	Analysis   *string `parquet:"analysis_result_id,optional"`
	Patient    string  `parquet:"PatientID"`
	UID        string  `parquet:"SeriesInstanceUID"`
	Modality   string  `parquet:"Modality"`
	About      *string `parquet:"SeriesDescription,optional"`
	Bucket     string  `parquet:"aws_bucket"`
	UUID       string  `parquet:"crdc_series_uuid"`
	License    string  `parquet:"license_short_name"`
	Count      int64   `parquet:"instanceCount"`
}

type segRow struct {
	UID string   `parquet:"SeriesInstanceUID"`
	Of  *string  `parquet:"segmented_SeriesInstanceUID,optional"`
	Any []string `parquet:"SegmentedPropertyType_CodeMeanings,list"`
}

type rtRow struct {
	UID string `parquet:"SeriesInstanceUID"`
	Of  string `parquet:"referenced_SeriesInstanceUID"`
}

func parquetOf[T any](t testing.TB, rows []T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(3), parquet.PageBufferSize(64))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func text(s string) *string { return &s }

func idcRows() []idcRow {
	const doi = "10.7937/K9/x"
	return []idcRow{
		{doi, "lung", nil, "P1", "1.1", "CT", text("chest"), "idc-open-data", "u-ct1", "CC BY 3.0", 2},
		{doi, "lung", nil, "P1", "1.2", "RTSTRUCT", nil, "idc-open-data", "u-rt1", "CC BY 3.0", 1},
		{doi, "lung", nil, "P2", "2.1", "CT", text("not outlined"), "idc-open-data", "u-ct2", "CC BY 3.0", 2},
		{doi, "lung", nil, "P3", "3.1", "CT", text("chest"), "idc-open-data-cr", "u-ct3", "CC BY-NC 4.0", 2},
		{"10.7937/k9/X", "lung", nil, "P3", "3.2", "SEG", text("Tumor a/b"), "idc-open-data-cr", "u-sg3", "CC BY-NC 4.0", 1},
		{doi, "lung", nil, "P4", "4.2", "SEG", nil, "idc-open-data", "u-sg4", "CC BY 3.0", 1},
		{"10.5281/zenodo.1", "lung", text("AI"), "P1", "1.3", "SEG", nil, "idc-open-data", "u-ai1", "CC BY 4.0", 1},
	}
}

// memoryFacts counts what is asked.
type memoryFacts map[string][]byte

func (m memoryFacts) Get(k string) ([]byte, bool)  { v, ok := m[k]; return v, ok }
func (m memoryFacts) Set(k string, v []byte) error { m[k] = bytes.Clone(v); return nil }

// serveIDC plays the index and the buckets, in which a series has two files.
func serveIDC(t *testing.T, requests *int, tables map[string][]byte) *Client {
	var mu sync.Mutex
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		*requests++
		mu.Unlock()
		if data, ok := tables[strings.TrimPrefix(r.URL.Path, "/index/24.2.2/release_artifacts/")]; ok {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
			return
		}
		type object struct {
			Key  string
			Size int
		}
		prefix := r.FormValue("prefix")
		if !strings.HasPrefix(r.URL.Path, "/idc-open-data") || prefix == "" {
			http.NotFound(w, r)
			return
		}
		_ = xml.NewEncoder(w).Encode(struct {
			XMLName  xml.Name `xml:"ListBucketResult"`
			Contents []object
		}{Contents: []object{{prefix + "i1.dcm", 10}, {prefix + "i2.dcm", 20}}})
	}))
	t.Cleanup(srv.Close)
	c := NewClient(Options{Facts: memoryFacts{}, Mirrors: []Mirror{
		{Prefix: idcIndex, Target: srv.URL + "/index/"},
		{Prefix: "https://idc-open-data.s3.amazonaws.com/", Target: srv.URL + "/idc-open-data/"},
		{Prefix: "https://idc-open-data-cr.s3.amazonaws.com/", Target: srv.URL + "/idc-open-data-cr/"},
	}})
	t.Cleanup(func() { c.Close() })
	return c
}

func TestIDCIndex(t *testing.T) {
	tables := map[string][]byte{
		"idc_index.parquet":      parquetOf(t, idcRows()),
		"seg_index.parquet":      parquetOf(t, []segRow{{"3.2", text("3.1"), []string{"a", "b"}}, {"4.2", text("4.1"), nil}, {"1.3", text("1.1"), nil}, {"9", nil, nil}}),
		"rtstruct_index.parquet": parquetOf(t, []rtRow{{"1.2", "1.1"}}),
	}
	requests := 0
	c := serveIDC(t, &requests, tables)
	s, err := c.Source("idc")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ record, want, license string }{
		{"doi/10.7937/K9/X", "P1/CT/1.1 P1/RTSTRUCT/1.1/1.2 P3/CT/3.1 P3/SEG/3.1/3.2 Tumor a_b P4/SEG/none/4.2", "CC-BY-NC-4.0"},
		{"analysis/AI@24.2.2", "P1/CT/1.1 P1/SEG/1.1/1.3", "CC-BY-4.0"},
		{"collection/lung", "P1/CT/1.1 P1/RTSTRUCT/1.1/1.2 P1/SEG/1.1/1.3 P3/CT/3.1 P3/SEG/3.1/3.2 Tumor a_b P4/SEG/none/4.2", "CC-BY-NC-4.0"},
	} {
		files, err := s.Files(t.Context(), tt.record)
		if err != nil {
			t.Errorf("%s: %v", tt.record, err)
			continue
		}
		var got []string
		for i, f := range files {
			dir, name, _ := strings.Cut(f.Path, "/i")
			if i%2 == 0 {
				got = append(got, dir)
			} else if dir != got[len(got)-1] || name != "2.dcm" || f.Size != 20 {
				t.Errorf("%s: %+v", tt.record, f)
			}
		}
		if text := strings.Join(got, " "); text != tt.want {
			t.Errorf("%s:\n%s, want\n%s", tt.record, text, tt.want)
		}
		before := requests
		again, err := s.Files(t.Context(), tt.record)
		if err != nil || len(again) != len(files) || again[0] != files[0] || requests != before {
			t.Errorf("%s: listed again with %d requests, %d files, %v", tt.record, requests-before, len(again), err)
		}
		if l, err := s.(Licenser).License(t.Context(), tt.record); err != nil || l != tt.license {
			t.Errorf("%s: licence %q, %v", tt.record, l, err)
		}
	}
	for record, want := range map[string]error{"doi/10.1/none": ErrGone, "collection/lung@1.0": ErrGone} {
		if _, err := s.Files(t.Context(), record); !errors.Is(err, want) {
			t.Errorf("%s: %v", record, err)
		}
	}
	for _, record := range []string{"series/x", "doi/", "doi/a b", "collection/x@../1", "collection/x@"} {
		if _, err := s.Files(t.Context(), record); err == nil {
			t.Errorf("%s is listed", record)
		}
	}
}

func TestIDCMalformed(t *testing.T) {
	good := idcRows()
	for name, table := range map[string][]byte{
		"no table":    []byte("no table at all, whatever its name says"),
		"other table": parquetOf(t, []rtRow{{"1", "2"}}),
		"bad bucket":  parquetOf(t, []idcRow{{"d", "c", nil, "P", "1", "SEG", nil, "elsewhere", "u", "", 1}}),
		"bad uid":     parquetOf(t, []idcRow{{"d", "c", nil, "P", "../1", "SEG", nil, "idc-open-data", "u", "", 1}}),
		"cut":         parquetOf(t, good)[:200],
	} {
		requests := 0
		c := serveIDC(t, &requests, map[string][]byte{"idc_index.parquet": table, "seg_index.parquet": parquetOf(t, []segRow{{"9", nil, nil}})})
		s, _ := c.Source("idc")
		if files, err := s.Files(t.Context(), "collection/c"); !errors.Is(err, ErrServer) {
			t.Errorf("%s: %d files, %v", name, len(files), err)
		}
	}
}

func FuzzIDCIndex(f *testing.F) {
	f.Add(parquetOf(f, idcRows()))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := openParquet(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		if series, err := idcLabels(table, "collection_id", "lung"); err == nil {
			if series, err = idcImages(table, series); err == nil {
				_ = idcDescribe(table, series)
			}
		}
	})
}

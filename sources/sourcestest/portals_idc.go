package sourcestest

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// The columns of IDC's index that the platform reads.
type idcIndexRow struct {
	SourceDOI  string `parquet:"source_DOI"`
	Collection string `parquet:"collection_id"`
	Analysis   string `parquet:"analysis_result_id"`
	Patient    string `parquet:"PatientID"`
	UID        string `parquet:"SeriesInstanceUID"`
	Modality   string `parquet:"Modality"`
	About      string `parquet:"SeriesDescription"`
	Bucket     string `parquet:"aws_bucket"`
	UUID       string `parquet:"crdc_series_uuid"`
	License    string `parquet:"license_short_name"`
}

type idcLabelRow struct {
	UID        string `parquet:"SeriesInstanceUID"`
	Segmented  string `parquet:"segmented_SeriesInstanceUID"`
	Referenced string `parquet:"referenced_SeriesInstanceUID"`
}

// PlayIDC plays the index of IDC and its buckets with files whose names are
// those of a listing: patient/CT/series/instance.dcm and patient/SEG/series
// that it is drawn on/series description/instance.dcm.
func PlayIDC(t testing.TB, files map[string][]byte) Record {
	t.Helper()
	rows := map[string]idcIndexRow{}
	var labels []idcLabelRow
	stored := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		e := strings.Split(name, "/")
		row := idcIndexRow{"10.1/x", "c", "a", e[0], e[2], e[1], "", "idc-open-data", "", "CC BY 4.0"}
		if len(e) == 5 {
			uid, about, _ := strings.Cut(e[3], " ")
			// A name that is no UID stands for a description alone.
			if strings.Trim(uid, "0123456789.") != "" {
				t.Fatalf("%s: no series UID", name)
			}
			row.UID, row.About = uid, about
		} else if len(e) != 4 {
			t.Fatalf("%s: not a name of IDC", name)
		}
		if known, ok := rows[row.UID]; ok {
			row = known
		} else {
			row.UUID = fmt.Sprintf("00000000-0000-4000-8000-%012d", len(rows))
			rows[row.UID] = row
			if len(e) == 5 {
				labels = append(labels, idcLabelRow{row.UID, e[2], e[2]})
			}
		}
		stored[row.UUID+"/"+e[len(e)-1]] = files[name]
	}
	drawn := map[string]bool{}
	for _, l := range labels {
		drawn[l.Segmented] = true
	}
	for _, row := range slices.Collect(maps.Values(rows)) { // images are listed for what is drawn on them
		if row.Modality == "SEG" || row.Modality == "RTSTRUCT" || drawn[row.UID] {
			continue
		}
		l := row
		l.UID, l.Modality, l.UUID = row.UID+".9", "RTSTRUCT", fmt.Sprintf("00000000-0000-4000-8000-%012d", len(rows))
		rows[l.UID] = l
		labels = append(labels, idcLabelRow{l.UID, row.UID, row.UID})
		stored[l.UUID+"/outlines.dcm"] = []byte("nothing of use")
	}
	p := playBucket(t, stored, "")
	r := p.record("doi/10.1/x", "idc-open-data.s3.amazonaws.com", "storage.googleapis.com")
	tables := map[string][]byte{
		"idc_index.parquet": parquetTable(t, slices.Collect(maps.Values(rows))), "seg_index.parquet": parquetTable(t, labels), "rtstruct_index.parquet": parquetTable(t, labels),
	}
	p.mux.HandleFunc("GET /idc-index-data-artifacts/{version}/release_artifacts/{name}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", modified, bytes.NewReader(tables[r.PathValue("name")]))
	})
	return r
}

func parquetTable[T any](t testing.TB, rows []T) []byte {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b, parquet.Compression(&parquet.Zstd))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

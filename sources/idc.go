package sources

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"
)

func init() { Register("idc", func(c *Client) Source { return idc{s3{c}} }) }

// idc is NCI Imaging Data Commons: its open buckets have a folder of DICOM
// files a series, named by UUIDs, without a signature. The record says which:
//
//	doi/10.7937/abc      the segmentations (SEG) and structure sets (RTSTRUCT)
//	                     with that source DOI, and the images they are drawn on
//	analysis/NLSTSeg     those of an analysis result, and their images
//	collection/lctsc     those of a collection, and their images
//	uuid,uuid            series by their UUIDs: uuid/instance.dcm
//
// The first three are looked up in the index that IDC publishes
// (github.com/ImagingDataCommons/idc-index-data); "@24.2.2" behind the record
// names its version. Names tell what belongs together:
//
//	patient/CT/<image's series UID>/<instance>.dcm
//	patient/SEG/<image's series UID>/<series UID> <description>/<instance>.dcm
//
// Where the index does not say what a label is drawn on, or does not have that
// image, "none" is in the UID's place.
type idc struct{ s3 }

const (
	idcIndex    = "https://storage.googleapis.com/idc-index-data-artifacts/"
	idcVersion  = "24.2.2"
	idcListings = 16      // folders listed at a time
	idcKept     = 8 << 20 // bytes of a listing that is kept in Facts
)

// idcSeries is a series of the index.
type idcSeries struct {
	row                                        int64
	uid, patient, modality, about, bucket, dir string
	license                                    string
	label                                      bool
	of                                         string // of a label: the series that it is drawn on
}

// parse takes a record apart; column is "" where it is a list of UUIDs.
func (idc) parse(record string) (column, value, version string, err error) {
	kind, value, ok := strings.Cut(record, "/")
	if !ok {
		return "", "", "", nil
	}
	value, version, ok = strings.Cut(value, "@")
	if !ok {
		version = idcVersion
	}
	column = map[string]string{"doi": "source_DOI", "analysis": "analysis_result_id", "collection": "collection_id"}[kind]
	if column == "" || !plainID(value, "-_./") || !plainID(version, ".") {
		return "", "", "", badRecord(record, "doi/10.x/y, analysis/name, collection/name or series UUIDs, separated by commas")
	}
	return column, value, version, nil
}

func (s idc) Files(ctx context.Context, record string) ([]File, error) {
	column, value, version, err := s.parse(record)
	if err != nil {
		return nil, err
	}
	if column == "" {
		return s.byUUID(ctx, record)
	}
	key := "idc:" + version + ":" + column + ":" + value
	if files, ok := s.kept(key); ok {
		return files, nil
	}
	series, err := s.series(ctx, column, value, version)
	if err != nil {
		return nil, fmt.Errorf("record %q: %w", record, err)
	}
	files, err := s.listAll(ctx, record, series)
	if err != nil {
		return nil, err
	}
	s.keep(key, files)
	s.license(key, series)
	return files, nil
}

// License returns the licence that most restricts among the series.
func (s idc) License(ctx context.Context, record string) (string, error) {
	column, value, version, err := s.parse(record)
	if err != nil || column == "" {
		return "", err
	}
	key := "idc:" + version + ":" + column + ":" + value
	if id, ok := s.c.facts.Get(key + ":license"); ok {
		return string(id), nil
	}
	series, err := s.series(ctx, column, value, version)
	if err != nil {
		return "", fmt.Errorf("record %q: %w", record, err)
	}
	return s.license(key, series), nil
}

// license finds the licence and keeps it: the index is large to ask twice.
func (s idc) license(key string, series []idcSeries) string {
	worst := ""
	for i := range series {
		worst = stricter(worst, SPDX(series[i].license))
	}
	_ = s.c.facts.Set(key+":license", []byte(worst)) // if not, it is asked again
	return worst
}

func (s idc) byUUID(ctx context.Context, record string) ([]File, error) {
	var l listing
	for _, id := range strings.Split(record, ",") {
		id = strings.TrimSpace(id)
		if !plainID(id, "-") {
			return nil, badRecord(record, "series UUIDs, separated by commas")
		}
		if err := s.list(ctx, &l, "https://idc-open-data.s3.amazonaws.com", id+"/", id+"/"); err != nil {
			return nil, err
		}
	}
	return l.done(record)
}

// series looks labels and their images up in the index.
func (s idc) series(ctx context.Context, column, value, version string) ([]idcSeries, error) {
	dir := idcIndex + version + "/release_artifacts/"
	var out []idcSeries
	err := s.table(ctx, dir+"idc_index.parquet", func(index *parquetTable) error {
		var err error
		if out, err = idcLabels(index, column, value); err != nil {
			return err
		}
		for _, ref := range []struct{ modality, file, column string }{
			{"SEG", "seg_index.parquet", "segmented_SeriesInstanceUID"}, {"RTSTRUCT", "rtstruct_index.parquet", "referenced_SeriesInstanceUID"},
		} {
			if !slices.ContainsFunc(out, func(x idcSeries) bool { return x.modality == ref.modality }) {
				continue
			}
			err := s.table(ctx, dir+ref.file, func(t *parquetTable) error { return idcRefer(t, ref.column, out) })
			if err != nil {
				return err
			}
		}
		if out, err = idcImages(index, out); err != nil {
			return err
		}
		return idcDescribe(index, out)
	})
	return out, err
}

// table opens a table of the index.
func (s idc) table(ctx context.Context, url string, use func(*parquetTable) error) error {
	f := File{URL: url}
	f.Path, f.Size = url[strings.LastIndexByte(url, '/')+1:], -1
	b, err := s.c.Open(ctx, "http", f)
	if err != nil {
		return err
	}
	defer b.Close()
	t, err := openParquet(b, b.Size())
	if err == nil {
		err = use(t)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	return nil
}

// folder is where a series stands in the listing.
func (x *idcSeries) folder() string {
	if !x.label {
		return x.patient + "/" + x.modality + "/" + x.uid + "/"
	}
	return x.patient + "/" + x.modality + "/" + cmp.Or(x.of, "none") + "/" + strings.TrimSpace(x.uid+" "+x.about) + "/"
}

// listAll lists the folders of the series.
func (s idc) listAll(ctx context.Context, record string, series []idcSeries) ([]File, error) {
	parts := make([]listing, len(series))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(idcListings)
	for i := range series {
		x := &series[i]
		if !plainID(x.dir, "-") || !plainID(x.bucket, "-") || !strings.HasPrefix(x.bucket, "idc-open-data") {
			return nil, fmt.Errorf("record %q: %w: series %.80q is in %.80q", record, ErrServer, x.dir, x.bucket)
		}
		g.Go(func() error {
			return s.list(ctx, &parts[i], "https://"+x.bucket+".s3.amazonaws.com", x.dir+"/", x.folder())
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var l listing
	for i := range parts {
		for _, f := range parts[i].files {
			l.add(f.Path, f.Size, f.Sum, f.URL)
		}
	}
	return l.done(record)
}

// kept returns a listing from Facts. An index's version does not change, and
// neither does what its UUIDs name.
func (s idc) kept(key string) ([]File, bool) {
	packed, ok := s.c.facts.Get(key)
	if !ok {
		return nil, false
	}
	z, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, false
	}
	defer z.Close()
	var files []File
	if err := json.NewDecoder(io.LimitReader(z, 64*idcKept)).Decode(&files); err != nil {
		return nil, false
	}
	return files, true
}

func (s idc) keep(key string, files []File) {
	text, err := json.Marshal(files)
	if err != nil || len(text) > 64*idcKept {
		return
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return
	}
	defer z.Close()
	if packed := z.EncodeAll(text, nil); len(packed) <= idcKept {
		_ = s.c.facts.Set(key, packed) // a fact that is not kept is asked for again
	}
}

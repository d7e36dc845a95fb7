package sources

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func init() { Register("tcia", func(c *Client) Source { return tcia{c} }) }

// tcia is The Cancer Imaging Archive through the NBIA REST API v4. The record
// is a collection's name, or "series:" and the UIDs of series, separated by
// commas. Its files are one zip a series, "patient/uid.zip" ("uid.zip" for UIDs),
// which the server makes on the fly: no ranges, no checksum, and no size, since
// getSeriesSize and FileSize count the images and not the zip. TCIA_TOKEN is
// sent where it is set, which restricted collections need.
type tcia struct{ c *Client }

const nbiaAPI = "https://services.cancerimagingarchive.net/nbia-api/services/v4/"

type nbiaSeries struct {
	UID        string          `json:"SeriesInstanceUID"`
	Patient    string          `json:"PatientID"`
	License    string          `json:"LicenseName"`
	LicenseURI string          `json:"LicenseURI"`
	FileSize   json.RawMessage `json:"FileSize"`
}

func (tcia) token() string { return bearer("Bearer", "TCIA_TOKEN") }

func (s tcia) series(ctx context.Context, record string) (out []nbiaSeries, err error) {
	if uids, ok := strings.CutPrefix(record, "series:"); ok {
		for _, uid := range strings.Split(uids, ",") {
			out = append(out, nbiaSeries{UID: strings.TrimSpace(uid)})
		}
		return out, nil
	}
	if record == "" || len(record) > 200 || strings.ContainsFunc(record, func(r rune) bool { return r < ' ' }) {
		return nil, badRecord(record, "a collection's name or series:UID,UID")
	}
	return out, s.c.getJSON(ctx, nbiaAPI+"getSeries?Collection="+url.QueryEscape(record), s.token(), &out)
}

func (s tcia) Files(ctx context.Context, record string) ([]File, error) {
	all, err := s.series(ctx, record)
	if err != nil {
		return nil, err
	}
	return tciaList(record, all)
}

func tciaList(record string, all []nbiaSeries) ([]File, error) {
	var l listing
	for _, x := range all {
		if !plainID(x.UID, ".") {
			return nil, badRecord(record, "series whose UIDs are digits and dots")
		}
		name := x.UID + ".zip"
		if x.Patient != "" {
			name = strings.NewReplacer("/", "_", "\\", "_").Replace(x.Patient) + "/" + name
		}
		l.add(name, -1, "", nbiaAPI+"getImage?SeriesInstanceUID="+x.UID)
	}
	return l.done(record)
}

func (s tcia) Open(ctx context.Context, f File) (blob.Blob, error) {
	return s.c.openURL(ctx, f, access{auth: s.token(), made: true})
}

// License returns the licence that most restricts among the record's series.
func (s tcia) License(ctx context.Context, record string) (string, error) {
	var all []nbiaSeries
	uids, ok := strings.CutPrefix(record, "series:")
	if first, _, _ := strings.Cut(uids, ","); ok && plainID(first, ".") {
		if err := s.c.getJSON(ctx, nbiaAPI+"getSeriesMetaData?SeriesInstanceUID="+first, s.token(), &all); err != nil {
			return "", err
		}
	} else {
		var err error
		if all, err = s.series(ctx, record); err != nil {
			return "", err
		}
	}
	worst := ""
	for _, x := range all {
		id := SPDX(x.LicenseURI)
		if TermsOf(id) == TermsUnknown {
			id = SPDX(x.License)
		}
		worst = stricter(worst, id)
	}
	return worst, nil
}

// stricter returns the licence that restricts more: a closed one, else the one
// with more conditions in its name.
func stricter(a, b string) string {
	if a == "" || TermsOf(b) == TermsClosed || TermsOf(b) == TermsOpen && len(b) > len(a) && TermsOf(a) != TermsClosed {
		return b
	}
	return a
}

func parseTCIA(body []byte) ([]File, error) {
	var all []nbiaSeries
	if err := decode(body, &all); err != nil {
		return nil, err
	}
	return tciaList("x", all)
}

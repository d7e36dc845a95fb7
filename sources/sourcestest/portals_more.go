package sourcestest

import (
	"net/http"
	"strings"
	"testing"
)

func init() {
	RegisterFixture("tcia", Fixture{Remote: true, Play: playTCIA})
	RegisterFixture("kaggle", Fixture{Remote: true, Play: playKaggle})
	RegisterFixture("grandchallenge", Fixture{Remote: true, Play: playGrandChallenge})
	RegisterFixture("omnimedfs", Fixture{Remote: true, Play: playOmniMedFS})
}

// playTCIA makes a zip a series: whole, in chunks, without length, validators
// or ranges.
func playTCIA(t testing.TB, files map[string][]byte) Record {
	p := newPortal(t, files)
	p.store.signed = false
	r := p.record("COLLECTION", "services.cancerimagingarchive.net")
	r.Files = map[string][]byte{}
	var series []object
	uids := map[string]string{}
	for i, n := range p.names {
		if len(files[n]) == 0 {
			continue
		}
		uid := "1.3.6.1.4.1.14519.5.2.1." + string(rune('1'+i))
		uids[uid] = n
		name := "P-1/" + uid + ".zip"
		r.Files[name] = files[n]
		if n == "scan.bin" {
			r.Main = name
		}
		series = append(series, object{"SeriesInstanceUID": uid, "PatientID": "P-1", "Collection": "COLLECTION", "ImageCount": 3,
			"FileSize": len(files[n]) * 2, "LicenseName": "Creative Commons Attribution 3.0 Unported License", "LicenseURI": "http://creativecommons.org/licenses/by/3.0/"})
	}
	p.json("GET /nbia-api/services/v4/getSeries", func(r *http.Request) any {
		if r.FormValue("Collection") != "COLLECTION" {
			return []object{}
		}
		return series
	})
	p.mux.HandleFunc("GET /nbia-api/services/v4/getImage", func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/" + uids[r.FormValue("SeriesInstanceUID")]
		r.Header.Del("Range")
		p.store.ServeHTTP(made{w}, r)
	})
	return r
}

// made drops what a file that is made on the fly does not have.
type made struct{ http.ResponseWriter }

func (m made) Unwrap() http.ResponseWriter { return m.ResponseWriter }

func (m made) WriteHeader(status int) {
	for _, h := range []string{"ETag", "Last-Modified", "Accept-Ranges"} {
		m.Header().Del(h)
	}
	m.ResponseWriter.WriteHeader(status)
}

func playKaggle(t testing.TB, files map[string][]byte) Record {
	if tt, ok := t.(*testing.T); ok {
		tt.Setenv("KAGGLE_USERNAME", "user")
		tt.Setenv("KAGGLE_KEY", "secret")
	}
	p := newPortal(t, files)
	allowed := func(w http.ResponseWriter, r *http.Request) bool {
		user, key, ok := r.BasicAuth()
		if !ok || user != "user" || key != "secret" {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return false
		}
		return true
	}
	p.mux.HandleFunc("GET /api/v1/datasets/list/owner/name", func(w http.ResponseWriter, r *http.Request) {
		if !allowed(w, r) {
			return
		}
		var list []object
		for _, n := range p.names {
			list = append(list, object{"name": n, "totalBytes": len(files[n]), "creationDate": "2020-02-20T20:20:20Z"})
		}
		list, next := page(list, r.FormValue("pageToken"), 2)
		writeJSON(w, object{"datasetFiles": list, "nextPageToken": next})
	})
	p.mux.HandleFunc("GET /api/v1/datasets/download/owner/name/{name...}", func(w http.ResponseWriter, r *http.Request) {
		if allowed(w, r) && r.FormValue("datasetVersionNumber") == "3" {
			p.send(w, r, r.PathValue("name"))
		}
	})
	return p.record("owner/name/versions/3", "www.kaggle.com")
}

func playGrandChallenge(t testing.TB, files map[string][]byte) Record {
	r := playZenodo(t, files)
	r.Name = "zenodo:" + r.Name
	return r
}

func playOmniMedFS(t testing.TB, files map[string][]byte) Record {
	p := newPortal(t, files)
	p.store.signed = false
	p.json("GET /d/files.json", func(*http.Request) any {
		var list []object
		for _, n := range p.names {
			list = append(list, object{"path": n, "size": len(files[n]), "sum": "sha256:" + sha256Of(files[n])})
		}
		return object{"omnimedfs": 1, "license": "CC-BY-4.0", "files": list}
	})
	p.mux.HandleFunc("GET /d/files/", func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.TrimPrefix(r.URL.Path, "/d/files")
		p.store.ServeHTTP(w, r)
	})
	return p.record("https://omnimedfs.example/d/", "omnimedfs.example")
}

package sourcestest

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"testing"
)

func init() {
	RegisterFixture("dryad", Fixture{Remote: true, Play: playDryad})
	RegisterFixture("gdrive", Fixture{Remote: true, Play: playDrive})
}

func playDryad(t testing.TB, files map[string][]byte) Record {
	p := newPortal(t, files)
	p.mux.HandleFunc("GET /api/v2/datasets/{doi}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("doi") != "doi:10.5061/dryad.abc" {
			http.NotFound(w, r)
			return
		}
		writeJSON(w, object{"identifier": "doi:10.5061/dryad.abc", "license": "https://spdx.org/licenses/CC0-1.0.html",
			"_links": object{"stash:version": object{"href": "/api/v2/versions/12345"}}})
	})
	p.json("GET /api/v2/versions/12345/files", func(r *http.Request) any {
		list := []object{{"path": "gone.txt", "size": 1, "status": "deleted", "_links": object{}}}
		for _, n := range p.names {
			list = append(list, object{"path": n, "size": len(files[n]), "status": "created", "digest": sha256Of(files[n]), "digestType": "sha-256",
				"_links": object{"stash:download": object{"href": fmt.Sprintf("/api/v2/files/%d/download", p.id(n))}}})
		}
		at, _ := strconv.Atoi(r.FormValue("page"))
		list, next := page(list, strconv.Itoa((at-1)*2), 2)
		links := object{"self": object{"href": r.URL.String()}}
		if next != "" {
			links["next"] = object{"href": fmt.Sprintf("/api/v2/versions/12345/files?page=%d", at+1)}
		}
		return object{"_links": links, "count": len(list), "_embedded": object{"stash:files": list}}
	})
	p.mux.HandleFunc("GET /api/v2/files/{id}/download", func(w http.ResponseWriter, r *http.Request) { p.send(w, r, p.name(r.PathValue("id"))) })
	return p.record("doi:10.5061/dryad.abc", "datadryad.org")
}

// playDrive asks back before it gives the largest file.
func playDrive(t testing.TB, files map[string][]byte) Record {
	p := newPortal(t, files)
	p.store.signed = false
	r := p.record("", "drive.usercontent.google.com")
	r.Files = map[string][]byte{}
	var ids []string
	for _, n := range p.names {
		r.Files[path.Base(n)] = files[n]
		ids = append(ids, strconv.Itoa(p.id(n)))
	}
	r.Name = strings.Join(ids, ", ")
	p.mux.HandleFunc("GET /download", func(w http.ResponseWriter, r *http.Request) {
		id := r.FormValue("id")
		name := p.name(id)
		if name == "" || r.FormValue("export") != "download" {
			http.NotFound(w, r)
			return
		}
		if len(files[name]) >= 1<<20 && r.FormValue("uuid") != "u-"+id {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, `<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body><form id="download-form" `+
				`action="https://drive.usercontent.google.com/download" method="get"><input type="submit" value="Download anyway"/>`+
				`<input type="hidden" name="id" value="%s"><input type="hidden" name="export" value="download">`+
				`<input type="hidden" name="confirm" value="t"><input type="hidden" name="uuid" value="u-%s"></form></body></html>`, id, id)
			return
		}
		base := path.Base(name)
		w.Header().Set("Content-Disposition", `attachment; filename="`+strings.ReplaceAll(base, "ä", "a")+`"; filename*=UTF-8''`+url.PathEscape(base))
		r.URL.Path = "/" + name
		p.store.ServeHTTP(w, r)
	})
	return r
}

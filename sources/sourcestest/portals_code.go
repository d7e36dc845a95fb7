package sourcestest

import (
	"net/http"
	"path"
	"strconv"
	"testing"
)

func init() {
	RegisterFixture("github", Fixture{Remote: true, Play: playGitHub})
	RegisterFixture("dataverse", Fixture{Remote: true, Play: playDataverse})
	RegisterFixture("osf", Fixture{Remote: true, Play: playOSF})
}

func playGitHub(t testing.TB, files map[string][]byte) Record {
	const sha = "1234567890123456789012345678901234567890"
	p := newPortal(t, files)
	p.store.signed = false
	p.json("GET /repos/owner/name/git/trees/"+sha, func(*http.Request) any {
		tree := []object{{"path": "folder", "mode": "040000", "type": "tree", "sha": sha}, {"path": "link", "mode": "120000", "type": "blob", "size": 4, "sha": sha}}
		for _, n := range p.names {
			tree = append(tree, object{"path": n, "mode": "100644", "type": "blob", "size": len(files[n]), "sha": sha})
		}
		return object{"sha": sha, "tree": tree, "truncated": false}
	})
	p.mux.Handle("GET /owner/name/"+sha+"/", http.StripPrefix("/owner/name/"+sha, p.store))
	return p.record("owner/name@"+sha, "api.github.com", "raw.githubusercontent.com")
}

func playDataverse(t testing.TB, files map[string][]byte) Record {
	p := newPortal(t, files)
	p.json("GET /api/datasets/:persistentId/versions/1.0", func(*http.Request) any {
		var list []object
		for _, n := range p.names {
			e := object{"label": path.Base(n), "restricted": false, "dataFile": object{"id": p.id(n), "filename": path.Base(n), "filesize": len(files[n]),
				"md5": md5Of(files[n]), "checksum": object{"type": "MD5", "value": md5Of(files[n])}}}
			if d := path.Dir(n); d != "." {
				e["directoryLabel"] = d
			}
			list = append(list, e)
		}
		return object{"status": "OK", "data": object{"license": object{"name": "CC0 1.0", "uri": "http://creativecommons.org/publicdomain/zero/1.0"}, "files": list}}
	})
	p.mux.HandleFunc("GET /api/access/datafile/{id}", func(w http.ResponseWriter, r *http.Request) { p.send(w, r, p.name(r.PathValue("id"))) })
	return p.record("dataverse.nl/doi:10.34894/ABCDEF@1.0", "dataverse.nl")
}

func playOSF(t testing.TB, files map[string][]byte) Record {
	const base = "https://api.osf.io/v2/nodes/abcde/files/osfstorage/"
	p := newPortal(t, files)
	dirs := foldersOf(p.names)
	answer := func(dir string) func(*http.Request) any {
		return func(r *http.Request) any {
			var all []object
			for i, d := range dirs {
				if path.Dir(d) == dir {
					all = append(all, object{"attributes": object{"kind": "folder", "materialized_path": "/" + d + "/"},
						"relationships": object{"files": object{"links": object{"related": object{"href": base + "f" + strconv.Itoa(i) + "/"}}}}})
				}
			}
			for _, n := range p.names {
				if path.Dir(n) == dir {
					all = append(all, object{"attributes": object{"kind": "file", "materialized_path": "/" + n, "size": len(files[n]),
						"extra": object{"hashes": object{"md5": md5Of(files[n]), "sha256": sha256Of(files[n])}}},
						"links": object{"download": "https://osf.io/download/" + strconv.Itoa(p.id(n)) + "/"}})
				}
			}
			all, next := page(all, r.FormValue("page"), 2)
			links := object{"next": nil}
			if next != "" {
				links["next"] = "https://api.osf.io" + r.URL.Path + "?page=" + next
			}
			return object{"data": all, "links": links}
		}
	}
	p.json("GET /v2/nodes/abcde/files/osfstorage/{$}", answer("."))
	for i, d := range dirs {
		p.json("GET /v2/nodes/abcde/files/osfstorage/f"+strconv.Itoa(i)+"/", answer(d))
	}
	p.mux.HandleFunc("GET /download/{id}/", func(w http.ResponseWriter, r *http.Request) { p.send(w, r, p.name(r.PathValue("id"))) })
	return p.record("abcde", "api.osf.io", "osf.io")
}

package sourcestest

import (
	"encoding/xml"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func init() {
	RegisterFixture("zenodo", Fixture{Remote: true, Play: playZenodo})
	RegisterFixture("figshare", Fixture{Remote: true, Play: playFigshare})
	RegisterFixture("mendeley", Fixture{Remote: true, Play: playMendeley})
	RegisterFixture("s3", Fixture{Remote: true, Play: playS3})
	RegisterFixture("idc", Fixture{Remote: true, Play: playIDC})
	RegisterFixture("huggingface", Fixture{Remote: true, Play: playHuggingFace})
}

func playZenodo(t testing.TB, files map[string][]byte) Record {
	p := newPortal(t, files)
	p.json("GET /api/records/42", func(*http.Request) any {
		var list []object
		for _, n := range p.names {
			list = append(list, object{"key": n, "size": len(files[n]), "checksum": "md5:" + md5Of(files[n]),
				"links": object{"self": "https://zenodo.org/api/records/42/files/" + escape(n) + "/content"}})
		}
		return object{"id": 42, "metadata": object{"license": object{"id": "cc-by-4.0"}}, "files": list}
	})
	p.mux.HandleFunc("GET /api/records/42/files/", func(w http.ResponseWriter, r *http.Request) {
		p.send(w, r, strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/api/records/42/files/"), "/content"))
	})
	return p.record("42", "zenodo.org")
}

func playFigshare(t testing.TB, files map[string][]byte) Record {
	p := newPortal(t, files)
	p.json("GET /v2/articles/42/versions/3", func(*http.Request) any {
		var list []object
		for _, n := range p.names {
			list = append(list, object{"id": p.id(n), "name": n, "size": len(files[n]), "is_link_only": false,
				"computed_md5": md5Of(files[n]), "download_url": "https://ndownloader.figshare.com/files/" + strconv.Itoa(p.id(n))})
		}
		return object{"id": 42, "license": object{"value": 1, "name": "CC BY 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"}, "files": list}
	})
	p.mux.HandleFunc("GET /files/{id}", func(w http.ResponseWriter, r *http.Request) { p.send(w, r, p.name(r.PathValue("id"))) })
	return p.record("42/3", "api.figshare.com", "ndownloader.figshare.com")
}

func playMendeley(t testing.TB, files map[string][]byte) Record {
	p := newPortal(t, files)
	dirs := foldersOf(p.names)
	folder := func(dir string) string {
		if i := slices.Index(dirs, dir); i >= 0 {
			return "f-" + strconv.Itoa(i)
		}
		return "root"
	}
	p.json("GET /public-api/datasets/abc123/folders/2", func(*http.Request) any {
		var list []object
		for _, d := range dirs {
			f := object{"id": folder(d), "name": path.Base(d)}
			if path.Dir(d) != "." {
				f["parent_id"] = folder(path.Dir(d))
			}
			list = append(list, f)
		}
		return list
	})
	p.json("GET /public-api/datasets/abc123", func(*http.Request) any {
		return object{"id": "abc123", "version": 2, "data_licence": object{"short_name": "CC BY 4.0", "url": "http://creativecommons.org/licenses/by/4.0"}}
	})
	p.json("GET /public-api/datasets/abc123/files", func(r *http.Request) any {
		list := []object{}
		for _, n := range p.names {
			if folder(path.Dir(n)) != r.FormValue("folder_id") || r.FormValue("version") != "2" {
				continue
			}
			list = append(list, object{"filename": path.Base(n), "id": strconv.Itoa(p.id(n)), "size": len(files[n]), "content_details": object{
				"size": len(files[n]), "sha256_hash": sha256Of(files[n]),
				"download_url": "https://data.mendeley.com/public-files/datasets/abc123/files/" + strconv.Itoa(p.id(n)) + "/file_downloaded"}})
		}
		return list
	})
	p.mux.HandleFunc("GET /public-files/datasets/abc123/files/{id}/file_downloaded", func(w http.ResponseWriter, r *http.Request) {
		p.send(w, r, p.name(r.PathValue("id")))
	})
	return p.record("abc123/2", "data.mendeley.com")
}

type s3Object struct {
	Key, ETag string
	Size      int
}

// s3List answers ListObjectsV2, two keys a page.
func (p *portal) s3List(w http.ResponseWriter, r *http.Request, folder string) {
	var all []s3Object
	for _, n := range p.names {
		if key := folder + n; strings.HasPrefix(key, r.FormValue("prefix")) {
			all = append(all, s3Object{key, `"` + md5Of(p.files[n]) + `"`, len(p.files[n])})
		}
	}
	all, next := page(all, r.FormValue("continuation-token"), 2)
	w.Header().Set("Content-Type", "application/xml")
	xml.NewEncoder(w).Encode(struct {
		XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []s3Object
	}{IsTruncated: next != "", NextContinuationToken: next, Contents: all})
}

// playBucket plays S3 itself: objects come without a redirect.
func playBucket(t testing.TB, files map[string][]byte, folder string) *portal {
	p := newPortal(t, files)
	p.store.signed = false
	p.mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && r.FormValue("list-type") == "2" {
			p.s3List(w, r, folder)
			return
		}
		http.StripPrefix("/"+folder, p.store).ServeHTTP(w, r)
	})
	return p
}

func playS3(t testing.TB, files map[string][]byte) Record {
	return playBucket(t, files, "data/v1/").record("public-bucket/data/v1/", "public-bucket.s3.amazonaws.com")
}

func playIDC(t testing.TB, files map[string][]byte) Record {
	const series = "0a1b2c3d-0000-4000-8000-000000000001"
	r := playBucket(t, files, series+"/").record(series, "idc-open-data.s3.amazonaws.com")
	r.Files, r.Main = map[string][]byte{}, series+"/scan.bin"
	for n, data := range files {
		r.Files[series+"/"+n] = data
	}
	return r
}

func playHuggingFace(t testing.TB, files map[string][]byte) Record {
	const sha = "1234567890123456789012345678901234567890"
	p := newPortal(t, files)
	p.json("GET /api/datasets/owner/name/revision/main", func(*http.Request) any {
		return object{"id": "owner/name", "sha": sha, "gated": false, "tags": []string{"license:cc-by-nc-4.0"}}
	})
	p.mux.HandleFunc("GET /api/datasets/owner/name/tree/"+sha, func(w http.ResponseWriter, r *http.Request) {
		list := []object{{"type": "directory", "path": "folder", "size": 0, "oid": sha}}
		for _, n := range p.names {
			list = append(list, object{"type": "file", "path": n, "size": len(files[n]), "oid": sha,
				"lfs": object{"oid": sha256Of(files[n]), "size": len(files[n]), "pointerSize": 134}})
		}
		list, next := page(list, r.FormValue("cursor"), 3)
		if next != "" {
			w.Header().Set("Link", "<https://huggingface.co/api/datasets/owner/name/tree/"+sha+"?recursive=true&cursor="+next+`>; rel="next"`)
		}
		writeJSON(w, list)
	})
	p.mux.HandleFunc("GET /datasets/owner/name/resolve/"+sha+"/{name...}", func(w http.ResponseWriter, r *http.Request) {
		p.send(w, r, r.PathValue("name"))
	})
	return p.record("owner/name", "huggingface.co")
}

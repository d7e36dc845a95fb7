package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	iofs "io/fs"
	"net"
	"net/http"
	"path"
	"strings"
	"time"
)

// runServe serves the tree over HTTP with ranges, for machines without FUSE and
// for other OmniMedFS (platform "omnimedfs", record URL/datasets/ID).
func runServe(ctx context.Context, p *program, _ []string) error {
	fsys, done, err := p.treeFS(ctx)
	if err != nil {
		return err
	}
	defer done()
	l, err := net.Listen("tcp", p.opts.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "serving http://%s/\n", l.Addr())
	return serveUntil(ctx, l, treeHandler(fsys))
}

// serveUntil serves until ctx ends.
func serveUntil(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := srv.Shutdown(end); err != nil {
		srv.Close()
	}
	<-ended
	return ctx.Err()
}

// contentTypes are given, since guessing would read, and so convert, a file
// that somebody only asks the size of.
var contentTypes = map[string]string{
	".png": "image/png", ".json": "application/json", ".txt": "text/plain; charset=utf-8", ".gz": "application/gzip",
	".tsv": "text/tab-separated-values; charset=utf-8", ".bib": "text/plain; charset=utf-8", ".jsonl": "application/jsonl",
}

// treeHandler serves a tree's files and listings. Below each dataset it also
// serves files.json and files/…, as the platform omnimedfs reads them.
func treeHandler(fsys iofs.FS) http.Handler {
	files := http.FileServerFS(fsys)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /datasets/{id}/files.json", func(w http.ResponseWriter, r *http.Request) {
		serveIndex(w, fsys, r.PathValue("id"))
	})
	mux.HandleFunc("GET /datasets/{id}/files/{path...}", func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.URL.Path = "/datasets/" + r.PathValue("id") + "/" + r.PathValue("path")
		serveFile(w, r, files)
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) { serveFile(w, r, files) })
	return mux
}

func serveFile(w http.ResponseWriter, r *http.Request, files http.Handler) {
	if !strings.HasSuffix(r.URL.Path, "/") {
		kind, ok := contentTypes[path.Ext(r.URL.Path)]
		if !ok && path.Ext(r.URL.Path) != "" {
			kind = "application/octet-stream"
		}
		if kind != "" {
			w.Header().Set("Content-Type", kind)
		}
	}
	files.ServeHTTP(w, r)
}

// indexed is one line of files.json.
type indexed struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
}

// serveIndex lists the images, labels and metadata of a dataset with their
// sizes, at the cost of their headers.
func serveIndex(w http.ResponseWriter, fsys iofs.FS, id string) {
	doc := struct {
		Version int       `json:"omnimedfs"`
		License string    `json:"license"`
		Files   []indexed `json:"files"`
	}{Version: 1, Files: []indexed{}}
	root := "datasets/" + id
	data, err := iofs.ReadFile(fsys, root+"/metadata/dataset.json")
	if err == nil {
		err = json.Unmarshal(data, &doc)
	}
	for _, top := range []string{"images", "labels", "metadata"} {
		if err != nil {
			break
		}
		err = iofs.WalkDir(fsys, root+"/"+top, func(name string, d iofs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			st, err := d.Info()
			if err == nil {
				doc.Files = append(doc.Files, indexed{strings.TrimPrefix(name, root+"/"), st.Size()})
			}
			return err
		})
	}
	doc.Version = 1
	if err != nil {
		code := http.StatusInternalServerError
		if errors.Is(err, iofs.ErrNotExist) {
			code = http.StatusNotFound
		}
		http.Error(w, err.Error(), code)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(doc) // the client went away
}

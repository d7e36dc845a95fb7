package sourcestest

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/sources"
)

// portal is a platform as most are: an API, and a storage at another host that
// only answers signed URLs, to which the API's download links redirect.
type portal struct {
	files map[string][]byte
	names []string // sorted
	store *Server
	mux   *http.ServeMux
	url   string // of the API
}

func newPortal(t testing.TB, files map[string][]byte) *portal {
	p := &portal{files: files, names: slices.Sorted(maps.Keys(files)), store: Serve(t, files), mux: http.NewServeMux()}
	p.store.signed = true
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-RateLimit-Limit", "60")
		w.Header().Set("X-RateLimit-Remaining", "59")
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Unix()+60, 10))
		p.mux.ServeHTTP(w, r)
	}))
	t.Cleanup(api.Close)
	p.url = api.URL
	return p
}

// record makes the hosts' URLs lead to the portal.
func (p *portal) record(name string, hosts ...string) Record {
	r := Record{Name: name, Server: p.store, Mirrors: []sources.Mirror{{Prefix: "https://storage.invalid", Target: p.store.URL}}}
	for _, h := range hosts {
		r.Mirrors = append(r.Mirrors, sources.Mirror{Prefix: "https://" + h, Target: p.url})
	}
	return r
}

// send redirects to the storage with a fresh signature.
func (p *portal) send(w http.ResponseWriter, r *http.Request, name string) {
	if _, ok := p.files[name]; !ok {
		http.NotFound(w, r)
		return
	}
	u := url.URL{Path: "/" + name, RawQuery: "X-Amz-Expires=10&X-Amz-Signature=" + strconv.FormatInt(time.Now().UnixNano(), 16)}
	http.Redirect(w, r, p.store.URL+u.String(), http.StatusFound)
}

func (p *portal) json(pattern string, answer func(r *http.Request) any) {
	p.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { writeJSON(w, answer(r)) })
}

type object = map[string]any

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func md5Of(b []byte) string    { s := md5.Sum(b); return hex.EncodeToString(s[:]) }
func sha256Of(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

// id numbers a file, name finds it again.
func (p *portal) id(name string) int { return slices.Index(p.names, name) + 100 }

func (p *portal) name(id string) string {
	n, err := strconv.Atoi(id)
	if err != nil || n < 100 || n >= 100+len(p.names) {
		return ""
	}
	return p.names[n-100]
}

// page cuts a listing: from is the first index, next "" at the end.
func page[T any](all []T, from string, size int) (out []T, next string) {
	n, _ := strconv.Atoi(from)
	n = min(max(n, 0), len(all))
	end := min(n+size, len(all))
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	return all[n:end], next
}

// foldersOf lists the folders that files are in, and those that these are in.
func foldersOf(names []string) []string {
	seen := map[string]bool{}
	for _, n := range names {
		for d := path.Dir(n); d != "."; d = path.Dir(d) {
			seen[d] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func escape(name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

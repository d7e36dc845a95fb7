// Package sourcestest plays the platforms on loopback: a server that can fail
// in all the ways that real ones do, and the conformance suite that every
// registered platform passes.
package sourcestest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// modified is the Last-Modified of every file.
var modified = time.Date(2020, 2, 20, 20, 20, 20, 0, time.UTC)

// Request is one request as the server saw it.
type Request struct {
	Method, Path, Range string
	Status              int
	Bytes               int64 // of the body that was sent
	Header              http.Header
}

// Server serves files on loopback until the test ends.
type Server struct {
	URL string // without a slash at its end

	files func(name string) (io.ReadSeekCloser, error)

	signed bool // refuse HEAD and requests without a signature, as storage behind signed URLs does

	mu       sync.Mutex
	faults   []*Fault
	requests []*Request
	stop     chan struct{}
}

// Serve serves the files, keyed by their path without a leading slash.
func Serve(t testing.TB, files map[string][]byte, faults ...*Fault) *Server {
	return serve(t, faults, func(name string) (io.ReadSeekCloser, error) {
		data, ok := files[name]
		if !ok {
			return nil, os.ErrNotExist
		}
		return nopCloser{bytes.NewReader(data)}, nil
	})
}

// ServeDir serves the tree below a folder.
func ServeDir(t testing.TB, dir string, faults ...*Fault) *Server {
	return serve(t, faults, func(name string) (io.ReadSeekCloser, error) {
		return os.OpenInRoot(dir, filepath.FromSlash(name))
	})
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

func serve(t testing.TB, faults []*Fault, files func(string) (io.ReadSeekCloser, error)) *Server {
	s := &Server{files: files, faults: faults, stop: make(chan struct{})}
	h := httptest.NewServer(s)
	s.URL = h.URL
	t.Cleanup(func() {
		close(s.stop) // lets the stalled ones go
		h.CloseClientConnections()
		h.Close()
	})
	return s
}

// SetFaults replaces the faults.
func (s *Server) SetFaults(faults ...*Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = faults
}

// Requests returns what was asked since the last Reset.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Request, len(s.requests))
	for i, r := range s.requests {
		out[i] = *r
	}
	return out
}

// Count returns the number of requests and the bytes of their bodies.
func (s *Server) Count() (requests int, bytes int64) {
	for _, r := range s.Requests() {
		requests++
		bytes += r.Bytes
	}
	return requests, bytes
}

// Reset forgets the requests.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// ServeHTTP answers one request, with the first fault that takes it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	cw := &counting{ResponseWriter: w, s: s, r: &Request{r.Method, r.URL.Path, r.Header.Get("Range"), 200, 0, r.Header.Clone()}}
	s.mu.Lock()
	s.requests = append(s.requests, cw.r)
	s.mu.Unlock()
	if s.signed && (r.Method != http.MethodGet || r.URL.Query().Get("X-Amz-Signature") == "" || r.Header.Get("Authorization") != "") {
		http.Error(cw, "SignatureDoesNotMatch", http.StatusForbidden)
		return
	}
	f, err := s.files(name)
	if err != nil {
		http.NotFound(cw, r)
		return
	}
	defer f.Close()
	cw.Header().Set("ETag", etag(name))
	cw.Header().Set("Content-Type", "application/octet-stream")
	if fault := s.take(name); fault != nil {
		fault.apply(s, cw, r, f)
		return
	}
	http.ServeContent(cw, r, name, modified, f)
}

func (s *Server) take(name string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.path != "" && f.path != name || f.left == 0 {
			continue
		}
		if f.skip > 0 {
			f.skip--
			continue
		}
		if f.left > 0 {
			f.left--
		}
		return f
	}
	return nil
}

func etag(name string) string {
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("%q", fmt.Sprintf("%x", sum[:6]))
}

// counting counts the bytes of a body before they are sent, so that a client
// that has them finds them counted.
type counting struct {
	http.ResponseWriter
	s *Server
	r *Request
}

func (c *counting) WriteHeader(status int) {
	c.s.mu.Lock()
	c.r.Status = status
	c.s.mu.Unlock()
	c.ResponseWriter.WriteHeader(status)
}

func (c *counting) Write(p []byte) (int, error) {
	c.s.mu.Lock()
	c.r.Bytes += int64(len(p))
	c.s.mu.Unlock()
	return c.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (c *counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

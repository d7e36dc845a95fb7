package sourcestest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Fault is one way in which a server fails. It takes every request until it is
// limited by Times, Skip or On. Faults are used up: make new ones for each server.
type Fault struct {
	path  string
	left  int // -1: for ever
	skip  int
	apply func(s *Server, w *counting, r *http.Request, f io.ReadSeeker)
}

func fault(apply func(s *Server, w *counting, r *http.Request, f io.ReadSeeker)) *Fault {
	return &Fault{left: -1, apply: apply}
}

// Times limits the fault to n requests.
func (f *Fault) Times(n int) *Fault { f.left = n; return f }

// Skip lets n requests pass first.
func (f *Fault) Skip(n int) *Fault { f.skip = n; return f }

// On limits the fault to the file of that path.
func (f *Fault) On(path string) *Fault { f.path = path; return f }

func serveContent(w http.ResponseWriter, r *http.Request, f io.ReadSeeker) {
	http.ServeContent(w, r, "", modified, f)
}

func plain(w *counting, f io.ReadSeeker) {
	n, _ := f.Seek(0, io.SeekEnd)
	f.Seek(0, io.SeekStart)
	w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	w.Header().Set("Last-Modified", modified.Format(http.TimeFormat))
	w.WriteHeader(200)
	io.Copy(w, f)
}

// NoRanges answers 200 with the whole file.
func NoRanges() *Fault {
	return fault(func(_ *Server, w *counting, _ *http.Request, f io.ReadSeeker) { plain(w, f) })
}

// NoLength answers 200 with the whole file in chunks, without a length.
func NoLength() *Fault {
	return fault(func(_ *Server, w *counting, _ *http.Request, f io.ReadSeeker) {
		w.WriteHeader(200)
		http.NewResponseController(w).Flush()
		io.Copy(w, f)
	})
}

// Status answers with a status and, where it is not negative, Retry-After.
func Status(code, retryAfter int) *Fault {
	return fault(func(_ *Server, w *counting, _ *http.Request, _ io.ReadSeeker) {
		if retryAfter >= 0 {
			w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		}
		http.Error(w, http.StatusText(code), code)
	})
}

// limited lets n bytes of the body pass and then calls end.
type limited struct {
	*counting
	n   int64
	end func()
}

func (l *limited) Write(p []byte) (int, error) {
	if int64(len(p)) <= l.n {
		l.n -= int64(len(p))
		return l.counting.Write(p)
	}
	l.counting.Write(p[:l.n])
	http.NewResponseController(l.counting).Flush()
	l.end()
	return 0, io.ErrClosedPipe
}

func cutAt(n int64, end func(s *Server, r *http.Request)) *Fault {
	return fault(func(s *Server, w *counting, r *http.Request, f io.ReadSeeker) {
		serveContent(&limited{w, n, func() { end(s, r) }}, r, f)
	})
}

// Cut drops the connection after n bytes of the body.
func Cut(n int64) *Fault {
	return cutAt(n, func(*Server, *http.Request) { panic(http.ErrAbortHandler) })
}

// CutWhole is Cut by a server without ranges.
func CutWhole(n int64) *Fault {
	return fault(func(_ *Server, w *counting, r *http.Request, f io.ReadSeeker) {
		lw := &limited{w, n, func() { panic(http.ErrAbortHandler) }}
		size, _ := f.Seek(0, io.SeekEnd)
		f.Seek(0, io.SeekStart)
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		w.WriteHeader(200)
		io.Copy(struct{ io.Writer }{lw}, f)
	})
}

// Stall sends n bytes of the body and then nothing until the client leaves.
func Stall(n int64) *Fault {
	return cutAt(n, func(s *Server, r *http.Request) {
		select {
		case <-s.stop:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	})
}

// Slow waits before each answer.
func Slow(d time.Duration) *Fault {
	return fault(func(s *Server, w *counting, r *http.Request, f io.ReadSeeker) {
		select {
		case <-time.After(d):
		case <-s.stop:
		case <-r.Context().Done():
		}
		serveContent(w, r, f)
	})
}

// WrongLength announces delta bytes more than the body of a 200 has.
func WrongLength(delta int64) *Fault {
	return fault(func(_ *Server, w *counting, _ *http.Request, f io.ReadSeeker) {
		n, _ := f.Seek(0, io.SeekEnd)
		f.Seek(0, io.SeekStart)
		w.Header().Set("Content-Length", strconv.FormatInt(n+delta, 10))
		w.WriteHeader(200)
		io.CopyN(w, f, n+min(0, delta))
	})
}

// HTML answers 200 with a page, as portals do in place of a file that needs a
// login. An empty contentType leaves the file's own.
func HTML(contentType string) *Fault {
	return fault(func(_ *Server, w *counting, _ *http.Request, _ io.ReadSeeker) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.Header().Del("ETag")
		io.WriteString(w, "\n<!DOCTYPE HTML><html><body>Please log in</body></html>")
	})
}

// Changed answers with another ETag and ignores If-Range.
func Changed() *Fault {
	return fault(func(_ *Server, w *counting, r *http.Request, f io.ReadSeeker) {
		r.Header.Del("If-Range")
		w.Header().Set("ETag", `"another-version"`)
		serveContent(w, r, f)
	})
}

// NoValidators says nothing of the file's version.
func NoValidators() *Fault {
	return fault(func(_ *Server, w *counting, r *http.Request, f io.ReadSeeker) {
		w.Header().Del("ETag")
		http.ServeContent(w, r, "", time.Time{}, f)
	})
}

// Tampered sends other bytes of the same length.
func Tampered() *Fault {
	return fault(func(_ *Server, w *counting, r *http.Request, f io.ReadSeeker) {
		data, _ := io.ReadAll(f)
		for i := range data {
			data[i] ^= 0x55
		}
		serveContent(w, r, bytes.NewReader(data))
	})
}

// WrongRange answers with other bytes than were asked for.
func WrongRange() *Fault {
	return fault(func(_ *Server, w *counting, r *http.Request, f io.ReadSeeker) {
		var a, b int64
		fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &a, &b)
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", a+1, b+1))
		r.Header.Del("If-Range")
		serveContent(w, r, f)
	})
}

// Gzip compresses the whole answer whether asked to or not.
func Gzip() *Fault {
	return fault(func(_ *Server, w *counting, _ *http.Request, f io.ReadSeeker) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.Copy(z, f)
		z.Close()
	})
}

// Redirect sends the client to another URL.
func Redirect(to string) *Fault {
	return fault(func(_ *Server, w *counting, r *http.Request, _ io.ReadSeeker) {
		http.Redirect(w, r, to, http.StatusFound)
	})
}

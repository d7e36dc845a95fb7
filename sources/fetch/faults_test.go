package fetch_test

import (
	"bytes"
	"context"
	"errors"

	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/fetch"
	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

// noise is not HTML, not compressible, and the same in each run.
func noise(n int) []byte {
	p := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{1})
	rng.Read(p)
	return p
}

func quick(o fetch.Options) fetch.Options {
	o.AllowHTTP, o.Trusted = true, []string{"127.0.0.1"}
	o.Backoff, o.MaxBackoff = time.Millisecond, 5*time.Second
	if o.Stall == 0 {
		o.Stall = 5 * time.Second
	}
	return o
}

func client(t *testing.T, o fetch.Options) *fetch.Client {
	t.Helper()
	c := fetch.New(quick(o))
	t.Cleanup(func() { c.Close() })
	return c
}

// readFile opens a file and reads all of it.
func readFile(ctx context.Context, c *fetch.Client, url string, size int64) ([]byte, error) {
	b, err := c.Open(ctx, fetch.Target{URL: url, Size: size})
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return blob.ReadAll(b)
}

func TestFaults(t *testing.T) {
	data := noise(300 << 10)
	short := fetch.Options{Header: 100 * time.Millisecond, Stall: 100 * time.Millisecond, Attempts: 2}
	tests := []struct {
		name   string
		fault  *sourcestest.Fault
		opt    fetch.Options
		size   int64 // declared; -1 unknown
		want   error // nil: the right bytes
		text   string
		maxReq int // 0: not checked
	}{
		{name: "none", size: -1, maxReq: 2},
		{name: "declared size", size: 300 << 10, maxReq: 1},
		{name: "declared size is wrong", size: 300<<10 + 1, want: fetch.ErrChanged, text: "307200 bytes, expected 307201"},
		{name: "no ranges, small", fault: sourcestest.NoRanges(), size: -1, maxReq: 1},
		{name: "no ranges, large", fault: sourcestest.NoRanges(), opt: fetch.Options{Whole: 1000}, size: -1, maxReq: 1},
		{name: "no ranges, declared", fault: sourcestest.NoRanges(), size: 300 << 10, maxReq: 1},
		{name: "no ranges, other size", fault: sourcestest.NoRanges(), size: 1000, want: fetch.ErrChanged},
		{name: "no length", fault: sourcestest.NoLength(), size: -1, maxReq: 1},
		{name: "no length, large", fault: sourcestest.NoLength(), opt: fetch.Options{Whole: 1000}, size: -1, maxReq: 1},
		{name: "cut once", fault: sourcestest.Cut(10_000).Times(1), size: -1},
		{name: "cut again and again", fault: sourcestest.Cut(50_000), size: -1},
		{name: "cut at once, always", fault: sourcestest.Cut(0), size: -1, want: fetch.ErrServer},
		{name: "whole cut once", fault: sourcestest.CutWhole(100_000).Times(1), size: -1},
		{name: "whole always cut", fault: sourcestest.CutWhole(100_000), size: -1, want: fetch.ErrServer, text: "body ended at byte 100000 of 307200"},
		{name: "whole always cut, large", fault: sourcestest.CutWhole(100_000), opt: fetch.Options{Whole: 1000}, size: -1, want: fetch.ErrServer},
		{name: "length too long", fault: sourcestest.WrongLength(5), size: -1, want: fetch.ErrServer},
		{name: "length too short", fault: sourcestest.WrongLength(-5), size: 300 << 10, want: fetch.ErrChanged},
		{name: "html", fault: sourcestest.HTML("text/html; charset=utf-8"), size: -1, want: fetch.ErrGone, text: "HTML page", maxReq: 1},
		{name: "html, declared", fault: sourcestest.HTML("text/html"), size: 300 << 10, want: fetch.ErrGone, maxReq: 1},
		{name: "html that says otherwise", fault: sourcestest.HTML(""), size: -1, want: fetch.ErrGone, maxReq: 1},
		{name: "404", fault: sourcestest.Status(404, -1), size: -1, want: fetch.ErrGone, text: "404", maxReq: 1},
		{name: "410", fault: sourcestest.Status(410, -1), size: -1, want: fetch.ErrGone, maxReq: 1},
		{name: "401", fault: sourcestest.Status(401, -1), size: -1, want: fetch.ErrRefused, maxReq: 1},
		{name: "403", fault: sourcestest.Status(403, -1), size: -1, want: fetch.ErrRefused, maxReq: 1},
		{name: "416", fault: sourcestest.Status(416, -1), size: 300 << 10, want: fetch.ErrServer, text: "416", maxReq: 1},
		{name: "418", fault: sourcestest.Status(418, -1), size: -1, want: fetch.ErrServer, maxReq: 1},
		{name: "429 twice", fault: sourcestest.Status(429, 0).Times(2), size: -1},
		{name: "429 for ever", fault: sourcestest.Status(429, 0), size: -1, want: fetch.ErrRateLimited},
		{name: "429 for an hour", fault: sourcestest.Status(429, 3600), size: -1, want: fetch.ErrRateLimited, text: "1h0m0s", maxReq: 1},
		{name: "503 three times", fault: sourcestest.Status(503, -1).Times(3), size: -1},
		{name: "500 for ever", fault: sourcestest.Status(500, -1), size: -1, want: fetch.ErrServer, text: "5 attempts"},
		{name: "wrong range once", fault: sourcestest.WrongRange().Times(1), size: -1},
		{name: "wrong range", fault: sourcestest.WrongRange(), size: -1, want: fetch.ErrServer},
		{name: "gzip", fault: sourcestest.Gzip(), size: -1, want: fetch.ErrServer, text: "gzip"},
		{name: "stall once", fault: sourcestest.Stall(20_000).Skip(1).Times(1), opt: short, size: -1},
		{name: "stall", fault: sourcestest.Stall(0), opt: short, size: -1, want: fetch.ErrTimeout},
		{name: "slow header", fault: sourcestest.Slow(time.Minute), opt: short, size: -1, want: fetch.ErrTimeout},
		{name: "changed at second request", fault: sourcestest.Changed().Skip(1), size: -1, want: fetch.ErrChanged, text: "another-version"},
		{name: "ranges given up at second request", fault: sourcestest.NoRanges().Skip(1), size: -1, maxReq: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var faults []*sourcestest.Fault
			if tt.fault != nil {
				faults = append(faults, tt.fault)
			}
			srv := sourcestest.Serve(t, map[string][]byte{"d/file.bin": data}, faults...)
			c := client(t, tt.opt)
			got, err := readFile(context.Background(), c, srv.URL+"/d/file.bin?token=hush", tt.size)
			if !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			if tt.want == nil && !bytes.Equal(got, data) {
				t.Errorf("%d wrong bytes", len(got))
			}
			if err != nil && (strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), srv.URL+"/d/file.bin") || !strings.Contains(err.Error(), tt.text)) {
				t.Errorf("text: %v", err)
			}
			if n, _ := srv.Count(); tt.maxReq > 0 && n > tt.maxReq {
				t.Errorf("%d requests, want %d at most", n, tt.maxReq)
			}
		})
	}
}

func TestRetryAfterIsWaitedFor(t *testing.T) {
	srv := sourcestest.Serve(t, map[string][]byte{"f": noise(100)}, sourcestest.Status(429, 1).Times(1))
	start := time.Now()
	if _, err := readFile(context.Background(), client(t, fetch.Options{}), srv.URL+"/f", -1); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d < time.Second {
		t.Errorf("came back after %s, asked for 1 s", d)
	}
}

func TestResumeStartsWhereItStopped(t *testing.T) {
	data := noise(200 << 10)
	srv := sourcestest.Serve(t, map[string][]byte{"f": data}, sourcestest.Cut(100_000).Times(1))
	got, err := readFile(context.Background(), client(t, fetch.Options{}), srv.URL+"/f", int64(len(data)))
	if err != nil || !bytes.Equal(got, data) {
		t.Fatal(err)
	}
	if n, sent := srv.Count(); n != 2 || sent > int64(len(data))+1000 {
		t.Errorf("%d requests, %d bytes sent for %d", n, sent, len(data))
	}
}

func TestEmptyFile(t *testing.T) {
	srv := sourcestest.Serve(t, map[string][]byte{"f": {}})
	got, err := readFile(context.Background(), client(t, fetch.Options{}), srv.URL+"/f", -1)
	if err != nil || len(got) != 0 {
		t.Fatal(got, err)
	}
}

// TestEmptyFileBehindS3 plays gateways that answer a range of an empty object
// with 416 and do not say how long it is.
func TestEmptyFileBehindS3(t *testing.T) {
	for _, length := range []int{0, 7} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return
			}
			w.Write(make([]byte, length))
		}))
		got, err := readFile(context.Background(), client(t, fetch.Options{PerHost: 1}), srv.URL+"/f", -1)
		if (length == 0) != (err == nil) || len(got) != 0 || err != nil && !errors.Is(err, fetch.ErrServer) {
			t.Errorf("%d bytes: %d, %v", length, len(got), err)
		}
		srv.Close()
	}
}

func TestHTMLFileIsAFile(t *testing.T) {
	page := []byte("<!doctype html><p>a real page")
	srv := sourcestest.Serve(t, map[string][]byte{"index.html": page})
	got, err := readFile(context.Background(), client(t, fetch.Options{}), srv.URL+"/index.html", -1)
	if err != nil || !bytes.Equal(got, page) {
		t.Fatal(got, err)
	}
}

func TestRedirectIsFollowedWithItsRange(t *testing.T) {
	data := noise(100 << 10)
	to := sourcestest.Serve(t, map[string][]byte{"real": data})
	from := sourcestest.Serve(t, map[string][]byte{"f": nil}, sourcestest.Redirect(to.URL+"/real?X-Amz-Signature=1"))
	got, err := readFile(context.Background(), client(t, fetch.Options{}), from.URL+"/f", -1)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatal(err)
	}
	if r := to.Requests()[0]; r.Range == "" || r.Method != "GET" {
		t.Errorf("redirected request: %+v", r)
	}
}

func TestOfflineAndUnreachable(t *testing.T) {
	srv := sourcestest.Serve(t, map[string][]byte{"f": noise(10)})
	if _, err := readFile(context.Background(), client(t, fetch.Options{Offline: true}), srv.URL+"/f", -1); !errors.Is(err, fetch.ErrOffline) {
		t.Error(err)
	}
	if n, _ := srv.Count(); n != 0 {
		t.Error("a request went out")
	}
	for _, u := range []string{"ftp://a/b", "file:///etc/passwd", "http:///x", ":", ""} {
		if _, err := readFile(context.Background(), client(t, fetch.Options{}), u, 1); err == nil {
			t.Errorf("%q opened", u)
		}
	}
	if _, err := readFile(context.Background(), client(t, fetch.Options{Attempts: 2}), "http://127.0.0.1:1/f", -1); !errors.Is(err, fetch.ErrServer) {
		t.Error(err)
	}
}

func TestBudget(t *testing.T) {
	srv := sourcestest.Serve(t, map[string][]byte{"f": noise(1 << 20)})
	c := client(t, fetch.Options{Budget: 200 << 10})
	_, err := readFile(context.Background(), c, srv.URL+"/f", -1)
	if !errors.Is(err, fetch.ErrBudget) {
		t.Fatal(err)
	}
	total := int64(0)
	for _, s := range c.Stats() {
		total += s.Bytes
	}
	if total > 264<<10 {
		t.Errorf("%d bytes came under a budget of %d", total, 200<<10)
	}
	n, _ := srv.Count()
	if _, err := readFile(context.Background(), c, srv.URL+"/f", -1); !errors.Is(err, fetch.ErrBudget) {
		t.Error(err)
	}
	if m, _ := srv.Count(); m != n {
		t.Error("a request went out after the budget was spent")
	}
}

func TestCancelIsPrompt(t *testing.T) {
	srv := sourcestest.Serve(t, map[string][]byte{"f": noise(10 << 20)}, sourcestest.Stall(0).Skip(1))
	c := client(t, fetch.Options{Stall: 20 * time.Second})
	f, err := c.Open(context.Background(), fetch.Target{URL: srv.URL + "/f", Size: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, n := range []int{100, 9 << 20} { // a flight and a stream
		ctx, cancel := context.WithCancel(context.Background())
		b := blob.WithContext(ctx, f)
		time.AfterFunc(50*time.Millisecond, cancel)
		start := time.Now()
		_, err = b.ReadAt(make([]byte, n), 512<<10)
		if !errors.Is(err, context.Canceled) || time.Since(start) > 2*time.Second {
			t.Errorf("%d bytes: %v after %s", n, err, time.Since(start))
		}
		b.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	b := blob.WithContext(ctx, f)
	defer b.Close()
	if _, err := b.ReadAt(make([]byte, 1), 512<<10); !errors.Is(err, fetch.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestOneLeaverDoesNotStopTheOthers(t *testing.T) {
	data := noise(1 << 20)
	srv := sourcestest.Serve(t, map[string][]byte{"f": data}, sourcestest.Slow(300*time.Millisecond).Skip(1))
	c := client(t, fetch.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	first, err := c.Open(ctx, fetch.Target{URL: srv.URL + "/f", Size: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second := blob.WithContext(context.Background(), first)
	defer second.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := first.ReadAt(make([]byte, 100), 500_000); !errors.Is(err, context.Canceled) {
			t.Error("first:", err)
		}
	})
	wg.Go(func() {
		p := make([]byte, 100)
		if _, err := second.ReadAt(p, 500_000); err != nil || !bytes.Equal(p, data[500_000:500_100]) {
			t.Error("second:", err)
		}
	})
	time.Sleep(100 * time.Millisecond)
	cancel()
	wg.Wait()
	if n, _ := srv.Count(); n != 2 {
		t.Errorf("%d requests, want the probe and one", n)
	}
}

func TestCloseEndsGoroutines(t *testing.T) {
	srv := sourcestest.Serve(t, map[string][]byte{"f": noise(1 << 20)}, sourcestest.Stall(0).Skip(1))
	before := runtime.NumGoroutine()
	c := fetch.New(quick(fetch.Options{Stall: time.Minute}))
	b, err := c.Open(context.Background(), fetch.Target{URL: srv.URL + "/f", Size: -1})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	go func() {
		_, err := b.ReadAt(make([]byte, 1), 512<<10)
		got <- err
	}()
	time.Sleep(50 * time.Millisecond)
	start := time.Now()
	c.Close()
	if err := <-got; err == nil || time.Since(start) > 2*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
	b.Close()
	if _, err := c.Open(context.Background(), fetch.Target{URL: srv.URL + "/f", Size: 1}); err == nil {
		t.Error("a closed client opens")
	}
	for range 100 {
		if runtime.NumGoroutine() <= before+2 { // the server's own come and go
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestGet(t *testing.T) {
	srv := sourcestest.Serve(t, map[string][]byte{"api": []byte("{}")}, sourcestest.Status(503, 0).Times(1))
	c := client(t, fetch.Options{})
	if b, err := c.Get(context.Background(), srv.URL+"/api", 10); err != nil || string(b) != "{}" {
		t.Error(string(b), err)
	}
	if _, err := c.Get(context.Background(), srv.URL+"/api", 1); err == nil {
		t.Error("a body over the limit was taken")
	}
	if _, err := c.Get(context.Background(), srv.URL+"/none", 1); !errors.Is(err, fetch.ErrGone) {
		t.Error(err)
	}
}

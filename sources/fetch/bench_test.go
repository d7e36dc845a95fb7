package fetch_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/fetch"
)

// throttled sends at most rate bytes a second over each connection.
func throttled(data []byte, rate int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(slowly{w, rate}, r, "", time.Time{}, bytes.NewReader(data))
	})
}

type slowly struct {
	http.ResponseWriter
	rate int
}

func (s slowly) Write(p []byte) (int, error) {
	time.Sleep(time.Duration(len(p)) * time.Second / time.Duration(s.rate))
	return s.ResponseWriter.Write(p)
}

func TestSlowConnectionIsSplit(t *testing.T) {
	data := noise(12 << 20)
	slow := throttled(data, 8<<20)
	var at, peak atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := at.Add(1)
		defer at.Add(-1)
		for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
		}
		slow.ServeHTTP(w, r)
	}))
	defer srv.Close()
	for _, tt := range []struct{ perHost, least, most int64 }{{1, 1, 1}, {4, 2, 4}} {
		peak.Store(0)
		got, err := readFile(context.Background(), client(t, fetch.Options{PerHost: int(tt.perHost)}), srv.URL+"/f", int64(len(data)))
		if n := peak.Load(); err != nil || !bytes.Equal(got, data) || n < tt.least || n > tt.most+1 { // the one that was left may linger
			t.Errorf("%d a host: %d bytes over %d connections, %v", tt.perHost, len(got), n, err)
		}
	}
}

// BenchmarkStream reads 256 MiB from loopback and compares with curl.
func BenchmarkStream(b *testing.B) {
	data := noise(256 << 20)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}))
	defer srv.Close()
	var ours, curls time.Duration
	buf := make([]byte, 16<<20)
	for b.Loop() {
		start := time.Now()
		if out, err := exec.Command("curl", "-sS", "-o", "/dev/null", srv.URL+"/f").CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		curls += time.Since(start)
		c := fetch.New(quick(fetch.Options{}))
		start = time.Now()
		f, err := c.Open(context.Background(), fetch.Target{URL: srv.URL + "/f", Size: int64(len(data))})
		if err != nil {
			b.Fatal(err)
		}
		for off := int64(0); off < f.Size(); off += int64(len(buf)) {
			if _, err := f.ReadAt(buf, off); err != nil && err != io.EOF {
				b.Fatal(err)
			}
		}
		ours += time.Since(start)
		f.Close()
		c.Close()
	}
	b.ReportMetric(100*curls.Seconds()/ours.Seconds(), "%ofcurl")
}

// BenchmarkMembers reads 200 spans of 20 KB at random places, each answer 50 ms
// late: one after the other, and by 16 readers.
func BenchmarkMembers(b *testing.B) {
	for _, perHost := range []int{10, 16} {
		b.Run(map[int]string{10: "default10", 16: "perhost16"}[perHost], func(b *testing.B) { benchMembers(b, perHost) })
	}
}

func benchMembers(b *testing.B, perHost int) {
	data := noise(64 << 20)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(50 * time.Millisecond)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}))
	defer srv.Close()
	read := func(readers int) time.Duration {
		c := fetch.New(quick(fetch.Options{PerHost: perHost}))
		defer c.Close()
		f, err := c.Open(context.Background(), fetch.Target{URL: srv.URL + "/f", Size: int64(len(data))})
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		rng := rand.New(rand.NewPCG(5, 6))
		offs := make(chan int64, 200)
		for range 200 {
			offs <- rng.Int64N(int64(len(data)) - 20_000)
		}
		close(offs)
		start := time.Now()
		var wg sync.WaitGroup
		for range readers {
			wg.Go(func() { readSpans(b, f, data, offs) })
		}
		wg.Wait()
		return time.Since(start)
	}
	var one, many time.Duration
	for b.Loop() {
		one += read(1)
		many += read(16)
	}
	b.ReportMetric(one.Seconds()/many.Seconds(), "times")
}

func readSpans(b *testing.B, f blob.Blob, data []byte, offs <-chan int64) {
	p := make([]byte, 20_000)
	for off := range offs {
		if _, err := f.ReadAt(p, off); err != nil || !bytes.Equal(p, data[off:off+int64(len(p))]) {
			b.Error(off, err)
		}
	}
}

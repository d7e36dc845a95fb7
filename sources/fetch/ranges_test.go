package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/fetch"
	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

type memFacts struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (f *memFacts) Get(k string) ([]byte, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.m[k]
	return v, ok
}

func (f *memFacts) Set(k string, v []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.m == nil {
		f.m = map[string][]byte{}
	}
	f.m[k] = bytes.Clone(v)
	return nil
}

func open(t *testing.T, c *fetch.Client, url string, size int64) blob.Blob {
	t.Helper()
	b, err := c.Open(context.Background(), fetch.Target{URL: url, Size: size})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestReadFetchesItsOwnBlocksOnce(t *testing.T) {
	data := noise(1 << 20)
	srv := sourcestest.Serve(t, map[string][]byte{"f": data})
	b := open(t, client(t, fetch.Options{}), srv.URL+"/f", int64(len(data)))
	reads := []struct {
		off, n   int
		requests int
		bytes    int64
	}{
		{100_000, 10, 1, 16 << 10},       // block 6
		{98_304, 16 << 10, 0, 0},         // the same
		{90_000, 40_000, 2, 32 << 10},    // 5 is left of it, 7 right: 5..7 in one request
		{900_000, 50_000, 1, 64 << 10},   // 54..57
		{1<<20 - 5, 100, 1, 16 << 10},    // the end
		{1 << 20, 1, 0, 0},               // beyond it
		{300_000, 100_000, 1, 112 << 10}, // 18..24
	}
	for _, r := range reads {
		srv.Reset()
		p := make([]byte, r.n)
		n, err := b.ReadAt(p, int64(r.off))
		want := data[min(r.off, len(data)):min(r.off+r.n, len(data))]
		if !bytes.Equal(p[:n], want) || (n < r.n) != (err == io.EOF) {
			t.Fatalf("read %d at %d: %d bytes, %v", r.n, r.off, n, err)
		}
		if req, sent := srv.Count(); req > r.requests || sent > r.bytes+16<<10*int64(max(0, r.requests-1)) {
			t.Errorf("read %d at %d: %d requests, %d bytes; want %d, %d", r.n, r.off, req, sent, r.requests, r.bytes)
		}
	}
}

func TestOneFlightForManyReaders(t *testing.T) {
	data := noise(256 << 10)
	srv := sourcestest.Serve(t, map[string][]byte{"f": data}, sourcestest.Slow(100*time.Millisecond))
	b := open(t, client(t, fetch.Options{}), srv.URL+"/f", int64(len(data)))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			p := make([]byte, 100<<10)
			if _, err := b.ReadAt(p, 50_000); err != nil || !bytes.Equal(p, data[50_000:][:len(p)]) {
				t.Error("wrong bytes:", err)
			}
		})
	}
	wg.Wait()
	if n, _ := srv.Count(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestWillNeedCoalesces(t *testing.T) {
	data := noise(4 << 20)
	srv := sourcestest.Serve(t, map[string][]byte{"f": data})
	b := open(t, client(t, fetch.Options{}), srv.URL+"/f", int64(len(data)))
	var spans []blob.Span
	for i := range 50 { // 50 little members, 20 KB apart, in two places
		spans = append(spans, blob.Span{Off: int64(i%25)*20_000 + int64(i/25)*2<<20, Len: 500})
	}
	spans = append(spans, blob.Span{Off: -5, Len: 10}, blob.Span{Off: 1 << 40, Len: 1}, blob.Span{Off: 5, Len: -1})
	if err := blob.WillNeed(context.Background(), b, spans); err != nil {
		t.Fatal(err)
	}
	n, sent := srv.Count()
	if n != 2 || sent > 1<<20+64<<10 {
		t.Errorf("%d requests, %d bytes; want 2 and about 1 MB", n, sent)
	}
	for _, s := range spans[:50] {
		p := make([]byte, s.Len)
		if _, err := b.ReadAt(p, s.Off); err != nil || !bytes.Equal(p, data[s.Off:][:s.Len]) {
			t.Fatal("wrong bytes:", err)
		}
	}
	if m, _ := srv.Count(); m != n {
		t.Errorf("%d more requests for what was brought", m-n)
	}
}

func TestSecondClientNeedsNoProbe(t *testing.T) {
	data := noise(100 << 10)
	srv := sourcestest.Serve(t, map[string][]byte{"f": data})
	facts := &memFacts{}
	open(t, client(t, fetch.Options{Facts: facts}), srv.URL+"/f?X-Amz-Signature=a", -1)
	srv.Reset()
	off := client(t, fetch.Options{Facts: facts, Offline: true})
	if b := open(t, off, srv.URL+"/f?X-Amz-Signature=b", -1); b.Size() != int64(len(data)) {
		t.Error("size", b.Size())
	}
	srv.SetFaults(sourcestest.Changed())
	b := open(t, client(t, fetch.Options{Facts: facts}), srv.URL+"/f", -1)
	if _, err := b.ReadAt(make([]byte, 10), 0); !errors.Is(err, fetch.ErrChanged) {
		t.Error("another version was read under the old pin:", err)
	}
}

func TestStreamDoesNotEvict(t *testing.T) {
	data := noise(8 << 20)
	srv := sourcestest.Serve(t, map[string][]byte{"hot": data[:256<<10], "f": data})
	c := client(t, fetch.Options{Memory: 1 << 20})
	hot := open(t, c, srv.URL+"/hot", 256<<10)
	p := make([]byte, 256<<10)
	hot.ReadAt(p, 0)
	var got bytes.Buffer
	if _, err := io.CopyBuffer(&got, struct{ io.Reader }{blob.Reader(open(t, c, srv.URL+"/f", int64(len(data))))}, make([]byte, 100_000)); err != nil || !bytes.Equal(got.Bytes(), data) {
		t.Fatal("streamed:", err)
	}
	srv.Reset()
	if _, err := hot.ReadAt(p, 0); err != nil || !bytes.Equal(p, data[:len(p)]) {
		t.Fatal(err)
	}
	if n, _ := srv.Count(); n != 0 {
		t.Errorf("the hot file was evicted by a stream: %d requests", n)
	}
}

func TestPerHostLimit(t *testing.T) {
	srv := sourcestest.Serve(t, map[string][]byte{"f": noise(1 << 20)}, sourcestest.Slow(100*time.Millisecond))
	b := open(t, client(t, fetch.Options{PerHost: 2}), srv.URL+"/f", 1<<20)
	start := time.Now()
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() { b.ReadAt(make([]byte, 1), int64(i)*128<<10) })
	}
	wg.Wait()
	if d := time.Since(start); d < 300*time.Millisecond {
		t.Errorf("6 requests of 100 ms, 2 at a time, took %s", d)
	}
}

func TestWithoutRanges(t *testing.T) {
	data := noise(1 << 20)
	for _, whole := range []int64{1000, 8 << 20} {
		t.Run(fmt.Sprint(whole), func(t *testing.T) {
			dir := t.TempDir()
			srv := sourcestest.Serve(t, map[string][]byte{"f": data}, sourcestest.NoRanges())
			c := client(t, fetch.Options{Whole: whole, Spool: dir})
			b := open(t, c, srv.URL+"/f", -1)
			for off := int64(0); off < 1<<20; off += 100_000 {
				p := make([]byte, 5000)
				if _, err := b.ReadAt(p, off); err != nil || !bytes.Equal(p, data[off:][:5000]) {
					t.Fatal(err)
				}
			}
			b.Close()
			again := open(t, c, srv.URL+"/f", -1)
			p := make([]byte, 10)
			if _, err := again.ReadAt(p, 777_777); err != nil || !bytes.Equal(p, data[777_777:][:10]) {
				t.Fatal(err)
			}
			n, _ := srv.Count()
			if limit := map[int64]int{1000: 1, 8 << 20: 3}[whole]; n > limit {
				t.Errorf("%d downloads", n)
			}
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("named spool files: %v", left)
			}
		})
	}
}

func TestStats(t *testing.T) {
	srv := sourcestest.Serve(t, map[string][]byte{"f": noise(100 << 10)})
	c := client(t, fetch.Options{})
	b := open(t, c, srv.URL+"/f", -1)
	b.ReadAt(make([]byte, 1), 50_000)
	want := map[string]int64{"probe": 16 << 10, "read": 16 << 10}
	for _, s := range c.Stats() {
		if s.Bytes != want[s.Reason] || s.Requests != 1 {
			t.Errorf("%+v", s)
		}
		delete(want, s.Reason)
	}
	if len(want) > 0 {
		t.Errorf("missing %v", want)
	}
}

func TestRedact(t *testing.T) {
	tests := map[string]string{
		"https://u:p@h/a?x=1&token=t&b=2#f":           "https://h/a?x=1&b=2",
		"https://h/a?X-Amz-Credential=k&X-Amz-Date=1": "https://h/a",
		"https://h/a?file=a%20b&apiKey=1":             "https://h/a?file=a%20b",
	}
	for in, want := range tests {
		if got, err := fetch.Redact(in); err != nil || got != want {
			t.Errorf("%s: %s, %v", in, got, err)
		}
	}
}

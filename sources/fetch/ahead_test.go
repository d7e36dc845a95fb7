package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/fetch"
	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

// inOrder reads [off, off+n) of b in steps and returns what came.
func inOrder(t *testing.T, b blob.Blob, off, n, step int64) []byte {
	t.Helper()
	var got bytes.Buffer
	if _, err := io.CopyBuffer(struct{ io.Writer }{&got}, struct{ io.Reader }{io.NewSectionReader(b, off, n)}, make([]byte, step)); err != nil {
		t.Fatal(err)
	}
	return got.Bytes()
}

// TestAheadGrows: who reads in order waits for few round trips, and no byte
// comes twice or from beyond the span.
func TestAheadGrows(t *testing.T) {
	data := noise(24 << 20)
	const from, n, step, late = 1_000_000, 20 << 20, 128 << 10, 20 * time.Millisecond
	read := func(ahead bool) (time.Duration, int, int64) {
		srv := sourcestest.Serve(t, map[string][]byte{"f": data}, sourcestest.Slow(late))
		// The cache holds less than what is on its way.
		b := open(t, client(t, fetch.Options{Memory: 2 << 20}), srv.URL+"/f", int64(len(data)))
		if ahead {
			b = blob.Ahead(context.Background(), b, blob.Span{Off: from, Len: n})
			defer b.Close()
		}
		start := time.Now()
		if got := inOrder(t, b, from, n, step); !bytes.Equal(got, data[from:from+n]) {
			t.Fatal("wrong bytes")
		}
		took := time.Since(start)
		for _, r := range srv.Requests() {
			if first, last := span(t, r.Range); last >= from+n+16<<10 || first < from-16<<10 {
				t.Errorf("asked for %s", r.Range)
			}
		}
		requests, sent := srv.Count()
		return took, requests, sent
	}
	plain, many, _ := read(false)
	took, few, sent := read(true)
	t.Logf("%s in %d requests, with reading ahead %s in %d", plain, many, took, few)
	if few > many/8 {
		t.Errorf("%d requests, without reading ahead %d", few, many)
	}
	if sent > n+32<<10 {
		t.Errorf("%d bytes for %d", sent, n)
	}
}

func span(t *testing.T, s string) (first, last int64) {
	t.Helper()
	if _, err := fmt.Sscanf(s, "bytes=%d-%d", &first, &last); err != nil {
		t.Fatal(s, err)
	}
	return first, last
}

// TestAheadLeavesRandomReadsAlone: looks at headers and reads here and there
// cost what they cost without.
func TestAheadLeavesRandomReadsAlone(t *testing.T) {
	data := noise(16 << 20)
	srv := sourcestest.Serve(t, map[string][]byte{"f": data})
	cost := func(ahead bool) (int, int64) {
		b := open(t, client(t, fetch.Options{}), srv.URL+"/f", int64(len(data)))
		if ahead {
			b = blob.Ahead(context.Background(), b, blob.Span{Off: 0, Len: int64(len(data))})
			defer b.Close()
		}
		srv.Reset()
		rng := rand.New(rand.NewPCG(1, 2))
		inOrder(t, b, 0, 200_000, 16<<10) // a header
		for range 40 {
			off := rng.Int64N(int64(len(data)) - 100_000)
			if got := inOrder(t, b, off, 60_000, 20_000); !bytes.Equal(got, data[off:off+60_000]) {
				t.Fatal("wrong bytes")
			}
		}
		return srv.Count()
	}
	n, sent := cost(false)
	if m, more := cost(true); m != n || more != sent {
		t.Errorf("%d requests, %d bytes; without reading ahead %d, %d", m, more, n, sent)
	}
}

// TestAheadTakesReadsAsTheyCome: the kernel's reads overtake each other.
func TestAheadTakesReadsAsTheyCome(t *testing.T) {
	data := noise(16 << 20)
	srv := sourcestest.Serve(t, map[string][]byte{"f": data}, sourcestest.Slow(5*time.Millisecond))
	b := blob.Ahead(context.Background(), open(t, client(t, fetch.Options{Memory: 1 << 20}), srv.URL+"/f", int64(len(data))), blob.Span{Off: 0, Len: int64(len(data))})
	defer b.Close()
	const step = 256 << 10
	offs := make(chan int64, len(data)/step)
	for i := range int64(len(data) / step) {
		offs <- (i ^ 1) * step
	}
	close(offs)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			p := make([]byte, step)
			for off := range offs {
				if n, err := b.ReadAt(p, off); n < step || err != nil && err != io.EOF || !bytes.Equal(p, data[off:off+step]) {
					t.Error(off, n, err)
				}
			}
		})
	}
	wg.Wait()
	if n, sent := srv.Count(); n > 32 || sent > int64(len(data))*11/10 {
		t.Errorf("%d requests, %d bytes", n, sent)
	}
}

// TestAheadFails: what fails ahead fails where it is read, and is tried anew.
func TestAheadFails(t *testing.T) {
	data := noise(8 << 20)
	srv := sourcestest.Serve(t, map[string][]byte{"f": data})
	b := blob.Ahead(context.Background(), open(t, client(t, fetch.Options{Attempts: 1}), srv.URL+"/f", int64(len(data))), blob.Span{Off: 0, Len: int64(len(data))})
	inOrder(t, b, 0, 400_000, 100_000)
	srv.SetFaults(sourcestest.Status(404, -1))
	off, p := int64(400_000), make([]byte, 100_000)
	var err error
	for ; err == nil && off < 7<<20; off += int64(len(p)) {
		_, err = b.ReadAt(p, off)
	}
	if !errors.Is(err, fetch.ErrGone) {
		t.Error(err)
	}
	srv.SetFaults()
	off -= int64(len(p))
	for i := range int64(20) {
		if _, err := b.ReadAt(p, off+i*100_000); err != nil || !bytes.Equal(p, data[off+i*100_000:][:len(p)]) {
			t.Fatal("after the failure:", err)
		}
	}
	b.Close()
	if _, err := b.ReadAt(p, 0); err == nil {
		t.Error("read after Close")
	}
}

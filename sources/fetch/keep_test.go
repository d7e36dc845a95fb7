package fetch_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources/fetch"
	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

// memKeeper is a fetch.Keeper.
type memKeeper struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (k *memKeeper) Get(file [16]byte, first int64, n int) [][]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([][]byte, n)
	for i := range out {
		out[i] = k.m[fmt.Sprint(file, first+int64(i))]
	}
	return out
}

func (k *memKeeper) Put(file [16]byte, first int64, blocks [][]byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.m == nil {
		k.m = map[string][]byte{}
	}
	for i, b := range blocks {
		k.m[fmt.Sprint(file, first+int64(i))] = bytes.Clone(b)
	}
}

// TestKeptBlocksCostNothing: what one client has read the next one has, by
// whatever reads, with ranges and without.
func TestKeptBlocksCostNothing(t *testing.T) {
	data := noise(20<<20 + 77)
	for _, tt := range []struct {
		name  string
		fault func() *sourcestest.Fault
		whole int64
	}{{"ranges", nil, 0}, {"no ranges, in memory", sourcestest.NoRanges, 32 << 20}, {"no ranges, on disk", sourcestest.NoRanges, 1000}} {
		t.Run(tt.name, func(t *testing.T) {
			srv := sourcestest.Serve(t, map[string][]byte{"f": data})
			if tt.fault != nil {
				srv.SetFaults(tt.fault())
			}
			facts, keep := &memFacts{}, &memKeeper{}
			opt := fetch.Options{Facts: facts, Keep: keep, Whole: tt.whole, Spool: t.TempDir(), Memory: 64 << 20}
			for _, size := range []int64{1000, 100_000, int64(len(data))} { // the last one is longer than a flight
				b := open(t, client(t, opt), srv.URL+"/f?X-Amz-Signature=a", -1)
				got := make([]byte, size)
				if _, err := b.ReadAt(got, 0); err != nil && err != io.EOF || !bytes.Equal(got, data[:size]) {
					t.Fatal("first:", err)
				}
				srv.Reset()
				off := opt
				off.Offline = true
				b = open(t, client(t, off), srv.URL+"/f?X-Amz-Signature=b", -1)
				clear(got)
				if _, err := b.ReadAt(got, 0); err != nil && err != io.EOF || !bytes.Equal(got, data[:size]) {
					t.Fatal("offline:", err)
				}
				if n, _ := srv.Count(); n != 0 {
					t.Errorf("%d requests", n)
				}
			}
		})
	}
}

// TestKeptBlocksAreMadeWhole: of a span of which some is kept, the rest comes.
func TestKeptBlocksAreMadeWhole(t *testing.T) {
	data := noise(2 << 20)
	srv := sourcestest.Serve(t, map[string][]byte{"f": data})
	opt := fetch.Options{Facts: &memFacts{}, Keep: &memKeeper{}}
	b := open(t, client(t, opt), srv.URL+"/f", -1)
	for off, n := range map[int64]int{300_000: 200_000, 900_000: 10} { // blocks 18 to 30, and 54
		if _, err := b.ReadAt(make([]byte, n), off); err != nil {
			t.Fatal(err)
		}
	}
	srv.Reset()
	b = open(t, client(t, opt), srv.URL+"/f", -1)
	got := make([]byte, len(data))
	if _, err := b.ReadAt(got, 0); err != nil && err != io.EOF || !bytes.Equal(got, data) {
		t.Fatal("wrong bytes:", err)
	}
	n, sent := srv.Count()
	// The first block was kept by the opening. One alone is cheaper to read again
	// than to leave out.
	if n != 2 || sent != int64(len(data)-14*16<<10) {
		t.Errorf("%d requests, %d bytes", n, sent)
	}
}

// TestKeptBlocksOfAnotherVersion are never read for the file, and are not kept
// where no version is told.
func TestKeptBlocksOfAnotherVersion(t *testing.T) {
	old, young := noise(1<<20), bytes.Repeat([]byte("young "), 1<<20/6+1)[:1<<20]
	files := map[string][]byte{"f": old}
	srv := sourcestest.Serve(t, files)
	facts, keep := &memFacts{}, &memKeeper{}
	opt := fetch.Options{Facts: facts, Keep: keep}
	p := make([]byte, 100_000)
	if _, err := open(t, client(t, opt), srv.URL+"/f", -1).ReadAt(p, 0); err != nil {
		t.Fatal(err)
	}
	kept := len(keep.m)
	files["f"] = young
	srv.SetFaults(sourcestest.Changed())
	b := open(t, client(t, opt), srv.URL+"/f", -1)
	if n, err := b.ReadAt(make([]byte, 200_000), 50_000); !errors.Is(err, fetch.ErrChanged) {
		t.Errorf("half of it kept: %d bytes, %v", n, err)
	}
	if len(keep.m) != kept {
		t.Error("blocks of a refused version were kept")
	}
	// Who has forgotten the pin sees the new version alone.
	opt.Facts = &memFacts{}
	got := make([]byte, 300_000)
	if _, err := open(t, client(t, opt), srv.URL+"/f", -1).ReadAt(got, 0); err != nil || !bytes.Equal(got, young[:len(got)]) {
		t.Error("the new version:", err)
	}

	unknown := &memKeeper{}
	srv.SetFaults(sourcestest.NoValidators())
	if _, err := open(t, client(t, fetch.Options{Facts: &memFacts{}, Keep: unknown}), srv.URL+"/f", -1).ReadAt(p, 0); err != nil || !bytes.Equal(p, young[:len(p)]) {
		t.Fatal(err)
	}
	if len(unknown.m) != 0 {
		t.Error("kept although its version is unknown")
	}
}

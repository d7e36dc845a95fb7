package cache

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestLimitBoundsTheDisk reads many times the limit from several goroutines
// and measures the disk all the while.
func TestLimitBoundsTheDisk(t *testing.T) {
	const limit = 64 << 20
	dir := t.TempDir()
	c := open(t, dir, Options{Limit: limit})
	total := 400 << 20
	if testing.Short() {
		total = 120 << 20
	}
	const size = 3<<19 + 11
	var (
		mu   sync.Mutex
		peak int64
		wg   sync.WaitGroup
	)
	for g := range 2 {
		wg.Go(func() {
			for i := g; i < total/size; i += 2 {
				data := payload(i, size)
				p, err := c.Fill(t.Context(), key(i), put(data, Layout{}, ""))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := readAll(p); err != nil && !errors.Is(err, ErrEvicted) || err == nil && !bytes.Equal(got, data) {
					t.Errorf("payload %d: %v", i, err)
				}
				mu.Lock()
				peak = max(peak, diskUse(dir))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	s := c.Stats()
	t.Logf("limit %d MB: peak %d MB, now %d MB in %d generations, %d evictions, %d payloads",
		limit>>20, peak>>20, s.Disk>>20, len(s.Generations), s.Evictions, s.Entries)
	if peak > limit+limit/8 {
		t.Errorf("%d bytes on disk under a limit of %d", peak, limit)
	}
	if s.Disk < limit/2 {
		t.Errorf("only %d bytes of %d used", s.Disk, limit)
	}
	if s.Evictions == 0 {
		t.Error("nothing was evicted")
	}
	last := total/size - 1
	if !c.Has(key(last)) || c.Has(key(0)) {
		t.Error("the newest is gone or the oldest is there")
	}
}

func TestTooLargeIsServedAndNotKept(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, Options{Limit: 8 << 20})
	small := payload(1, 1<<20)
	mustFill(t, c, key(1), small, Layout{}, "")
	big := payload(2, 14<<20)
	p := mustFill(t, c, key(2), big, Layout{}, "meta")
	if got, err := readAll(p); err != nil || !bytes.Equal(got, big) {
		t.Fatal("wrong bytes", err)
	}
	if s := c.Stats(); s.Spooled < 14<<20 || s.Disk > 8<<20 {
		t.Errorf("spooled %d, disk %d", s.Spooled, s.Disk)
	}
	if q, err := c.Get(t.Context(), key(2)); err != nil {
		t.Error("the newest large payload was not kept at hand:", err)
	} else {
		q.Close()
	}
	if !c.Has(key(1)) {
		t.Error("a large payload pushed out a small one")
	}
	p = mustFill(t, c, key(3), payload(3, 12<<20), Layout{}, "")
	if c.Has(key(2)) {
		t.Error("a second large payload did not take the first one's place")
	}
	if err := c.Trim(t.Context(), 8<<20); err != nil {
		t.Fatal(err)
	}
	if got, err := readAll(p); err != nil || len(got) != 12<<20 {
		t.Error("an open large payload was trimmed:", err)
	}
	if s := c.Stats(); s.Spooled != 0 {
		t.Errorf("%d bytes spooled by nobody", s.Spooled)
	}
	if m, ok := c.Meta(key(2)); !ok || string(m) != "meta" {
		t.Error("the metadata of a large payload are gone")
	}
}

func TestHotIsCopiedForward(t *testing.T) {
	c := open(t, t.TempDir(), Options{Limit: 32 << 20})
	hot := payload(0, 1<<20)
	p := mustFill(t, c, key(0), hot, Layout{}, "")
	for i := 1; i < 90; i++ {
		mustFill(t, c, key(i), payload(i, 1<<20), Layout{}, "")
		b := make([]byte, 1000)
		if _, err := p.ReadAt(b, int64(i)*500); err != nil || !bytes.Equal(b, hot[i*500:][:1000]) {
			t.Fatalf("after %d payloads: %v", i, err)
		}
		time.Sleep(2 * time.Millisecond) // copying is in the background
	}
	s := c.Stats()
	if s.Forwarded == 0 || s.Evictions == 0 {
		t.Errorf("%d copied forward, %d evicted", s.Forwarded, s.Evictions)
	}
	if !c.Has(key(0)) {
		t.Error("the hot payload is gone")
	}
}

func TestEvictedWhileOpen(t *testing.T) {
	c := open(t, t.TempDir(), Options{Limit: 64 << 20})
	p := mustFill(t, c, key(1), payload(1, 1<<20), Layout{}, "m")
	if err := c.Trim(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ReadAt(make([]byte, 10), 0); !errors.Is(err, ErrEvicted) {
		t.Errorf("got %v", err)
	}
	if m, ok := c.Meta(key(1)); !ok || string(m) != "m" {
		t.Error("metadata went with the bytes")
	}
	// Filled again, the old handle reads again.
	mustFill(t, c, key(1), payload(1, 1<<20), Layout{}, "m")
	if _, err := p.ReadAt(make([]byte, 10), 0); err != nil {
		t.Errorf("after filling again: %v", err)
	}
	if err := c.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Meta(key(1)); ok || c.Has(key(1)) {
		t.Error("something was left after Clear")
	}
	mustFill(t, c, key(1), payload(1, 100), Layout{}, "m")
}

// TestLeftovers opens a folder in which a crash left parts of removals.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, Options{})
	mustFill(t, c, key(1), payload(1, 1<<20), Layout{}, "")
	c.Close()
	for _, name := range []string{"gen-000000.dead", "fill-1.tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, name, "x"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "gen-000007"), 0o755); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, "gen-000007", "MANIFEST"), []byte("nonsense nonsense"), 0o644)
	c = open(t, dir, Options{})
	if !c.Has(key(1)) {
		t.Error("the sound generation is gone")
	}
	names, _ := os.ReadDir(dir)
	for _, n := range names {
		if strings.HasSuffix(n.Name(), ".dead") || strings.HasSuffix(n.Name(), ".tmp") || n.Name() == "gen-000007" {
			t.Error(n.Name(), "is left")
		}
	}
}

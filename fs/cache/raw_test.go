package cache

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

const rawBlock = 16 << 10

func rawFile(i int) (f [16]byte) {
	copy(f[:], fmt.Sprint("file ", i))
	return f
}

// rawBlocks are n blocks of a file from the first on, the last one short.
func rawBlocks(file, first, n int) (out [][]byte) {
	for i := first; i < first+n; i++ {
		out = append(out, payload(1000*file+i, rawBlock-100*(i%2)))
	}
	return out
}

func TestRawBlocks(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, Options{})
	r := c.Raw()
	if got := r.Get(rawFile(1), 0, 3); len(got) != 3 || got[0] != nil || got[2] != nil {
		t.Error("something is there before anything was put:", got)
	}
	if s := c.Stats(); s.Raw != 0 {
		t.Errorf("%d bytes of none", s.Raw)
	}
	want := rawBlocks(1, 5, 200)
	want[3] = nil
	r.Put(rawFile(1), 5, want)
	check := func(r *Raw) {
		t.Helper()
		for i, b := range r.Get(rawFile(1), 5, 200) {
			if !bytes.Equal(b, want[i]) || (b == nil) != (want[i] == nil) {
				t.Fatalf("block %d: %d bytes, want %d", i, len(b), len(want[i]))
			}
		}
		for _, b := range append(r.Get(rawFile(1), 0, 5), r.Get(rawFile(2), 5, 200)...) {
			if b != nil {
				t.Fatal("a block that was never put")
			}
		}
	}
	check(r)
	c.Close()
	if got := r.Get(rawFile(1), 5, 1); got[0] != nil {
		t.Error("read from a closed cache")
	}
	r.Put(rawFile(1), 900, rawBlocks(1, 900, 1))
	c = open(t, dir, Options{})
	check(c.Raw())
	if s := c.Stats(); s.Raw < 199*rawBlock || s.Entries != 0 {
		t.Errorf("%+v", s)
	}
	if err := c.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.Raw().Get(rawFile(1), 5, 1); got[0] != nil || c.Stats().Raw != 0 {
		t.Error("left after Clear")
	}
}

// TestRawGoesFirst: raw bytes never push out payloads, and payloads push out
// raw bytes before each other, within the limit.
func TestRawGoesFirst(t *testing.T) {
	const limit = 64 << 20
	dir := t.TempDir()
	c := open(t, dir, Options{Limit: limit})
	for i := range 16 {
		mustFill(t, c, key(i), payload(i, 1<<20), Layout{}, "")
	}
	peak := int64(0)
	for i := range 40 { // 160 MiB
		c.Raw().Put(rawFile(i), 0, rawBlocks(i, 0, 256))
		peak = max(peak, diskUse(dir))
	}
	s := c.Stats()
	if s.Entries != 16 || s.Raw < limit/4 {
		t.Errorf("%d payloads of 16 beside %d raw bytes", s.Entries, s.Raw)
	}
	if got := c.Raw().Get(rawFile(39), 0, 256); got[0] == nil || got[255] == nil {
		t.Error("the newest raw bytes are gone")
	}
	for i := 16; i < 50; i++ {
		mustFill(t, c, key(i), payload(i, 1<<20), Layout{}, "")
		peak = max(peak, diskUse(dir))
	}
	t.Logf("limit %d MB, peak %d MB, raw %d MB and then %d MB", limit>>20, peak>>20, s.Raw>>20, c.Stats().Raw>>20)
	if peak > limit+limit/8 {
		t.Errorf("%d bytes on disk under a limit of %d", peak, limit)
	}
	for i := range 50 {
		if !c.Has(key(i)) {
			t.Errorf("payload %d went before raw bytes", i)
		}
	}
	// Payloads that leave less than a sixteenth leave no raw bytes at all.
	for i := 50; i < 62; i++ {
		mustFill(t, c, key(i), payload(i, 1<<20), Layout{}, "")
	}
	before := c.Stats().Entries
	c.Raw().Put(rawFile(99), 0, rawBlocks(99, 0, 256))
	if s := c.Stats(); s.Entries != before || s.Disk > limit+limit/8 {
		t.Errorf("%d payloads of %d, %d bytes", s.Entries, before, s.Disk)
	}
}

func TestDamagedRawIsMissing(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, Options{})
	want := rawBlocks(1, 0, 100)
	c.Raw().Put(rawFile(1), 0, want)
	c.Close()
	for _, path := range vlogs(t, dir) {
		for at := 0.0; at < 1; at += 0.03 {
			harm(t, path, at)
		}
	}
	c = open(t, dir, Options{})
	missing := 0
	for i, b := range c.Raw().Get(rawFile(1), 0, 100) {
		if b == nil {
			missing++
		} else if !bytes.Equal(b, want[i]) {
			t.Errorf("block %d has wrong bytes", i)
		}
	}
	if missing == 0 {
		t.Error("the damage was not found: the test harms nothing")
	}
	c.Raw().Put(rawFile(1), 0, want)
	for i, b := range c.Raw().Get(rawFile(1), 0, 100) {
		if !bytes.Equal(b, want[i]) {
			t.Fatalf("block %d was not put anew", i)
		}
	}
}

// putRawUntilKilled is the process that TestKillRaw kills.
func putRawUntilKilled(dir string) {
	c, err := Open(noTest, dir, Options{Limit: 48 << 20, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(1)
	}
	var wg sync.WaitGroup
	for g := range 3 {
		wg.Go(func() {
			for i := g; ; i += 3 {
				c.Raw().Put(rawFile(i%500), 0, rawBlocks(i%500, 0, 1+i%40))
				os.Stdout.WriteString(fmt.Sprintln(i % 500))
			}
		})
	}
	wg.Wait()
}

// TestKillRaw kills a process that puts raw blocks: each is then right or
// missing, and the last acknowledged ones are there.
func TestKillRaw(t *testing.T) {
	dir := t.TempDir()
	for round := range 4 {
		var out bytes.Buffer
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+dir, "CACHE_TEST_CRASH_RAW=1")
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(200+100*round) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		if strings.Contains(out.String(), ":") {
			t.Fatal(out.String())
		}
		lines := strings.Fields(out.String())
		if len(lines) < 5 {
			t.Fatalf("round %d: only %d puts", round, len(lines))
		}
		c := open(t, dir, Options{Limit: 48 << 20})
		for i := range 500 {
			for k, b := range c.Raw().Get(rawFile(i), 0, 40) {
				if b != nil && !bytes.Equal(b, rawBlocks(i, k, 1)[0]) {
					t.Fatalf("round %d: block %d of %d has wrong bytes", round, k, i)
				}
			}
		}
		for _, l := range lines[len(lines)-3:] {
			var i int
			fmt.Sscan(l, &i)
			if c.Raw().Get(rawFile(i), 0, 1)[0] == nil {
				t.Errorf("round %d: what was put last is gone", round)
			}
		}
		if s := c.Stats(); s.Disk > 60<<20 || s.Damaged > 0 {
			t.Errorf("round %d: %d bytes, %d damaged", round, s.Disk, s.Damaged)
		}
		c.Close()
	}
}

package cache

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const crashDir = "CACHE_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if os.Getenv("CACHE_TEST_CRASH_RAW") != "" {
			putRawUntilKilled(dir)
		}
		fillUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// crashSize is the length of the i-th payload of the crash test: from tiny to
// some megabytes.
func crashSize(i int) int { return 100 << (i % 16) }

// fillUntilKilled fills in parallel, prints what was acknowledged, and is
// killed.
func fillUntilKilled(dir string) {
	c, err := Open(noTest, dir, Options{Limit: 48 << 20, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(1)
	}
	start, _ := strconv.Atoi(os.Getenv("CACHE_TEST_CRASH_START"))
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := start + g; ; i += 4 {
				p, err := c.Fill(noTest, key(i), put(payload(i, crashSize(i)), Layout{}, strconv.Itoa(i)))
				if err != nil {
					fmt.Println("fill:", err)
					os.Exit(1)
				}
				p.Close()
				os.Stdout.WriteString("did " + strconv.Itoa(i) + "\n")
			}
		})
	}
	wg.Wait()
}

// TestKill kills a process that fills, again and again in the same folder.
// Every payload is then right or absent, and the last acknowledged ones are
// there.
func TestKill(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 4
	}
	dir := t.TempDir()
	start := 0
	for round := range rounds {
		var out bytes.Buffer
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprint("CACHE_TEST_CRASH_START=", start))
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(150*time.Millisecond + time.Duration(rand.IntN(500))*time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		lines := strings.Fields(strings.ReplaceAll(out.String(), "did ", ""))
		if strings.Contains(out.String(), ":") {
			t.Fatalf("round %d: %s", round, out.String())
		}
		c := open(t, dir, Options{Limit: 48 << 20})
		// Counted before anything is read: reading copies hot payloads forward, for
		// which others may go.
		s, there := c.Stats(), 0
		for i := range start + 4*len(lines) + 8 {
			if c.Has(key(i)) {
				there++
			}
		}
		if s.Entries != there {
			t.Errorf("round %d: stats count %d payloads, %d are there", round, s.Entries, there)
		}
		for i := range start + 4*len(lines) + 8 {
			p, err := c.Get(t.Context(), key(i))
			if errors.Is(err, ErrMiss) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if string(p.Meta()) != strconv.Itoa(i) {
				t.Errorf("round %d: payload %d has meta %q", round, i, p.Meta())
			}
			if got, err := readAll(p); err != nil || !bytes.Equal(got, payload(i, crashSize(i))) {
				t.Errorf("round %d: payload %d: %d bytes, %v", round, i, len(got), err)
			}
		}
		// The last few acknowledged are within the limit whatever was evicted.
		for _, l := range lines[max(0, len(lines)-4):] {
			if i, _ := strconv.Atoi(l); !c.Has(key(i)) {
				t.Errorf("round %d: acknowledged payload %d is gone", round, i)
			}
		}
		s = c.Stats()
		if s.Disk > 60<<20 {
			t.Errorf("round %d: %d bytes on disk", round, s.Disk)
		}
		if s.Damaged > 0 {
			t.Errorf("round %d: %d damaged", round, s.Damaged)
		}
		start += 4*len(lines) + 8
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d rounds, %d payloads", rounds, start)
}

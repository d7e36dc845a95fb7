package cache

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cpuTime returns the processor time of the process, which a shared machine
// disturbs less than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perCPU reports the bytes a second of processor time since start.
func perCPU(b *testing.B, start time.Duration, bytes int) {
	b.ReportMetric(float64(bytes)*float64(b.N)/1e6/(cpuTime()-start).Seconds(), "MB/cpu-s")
}

// resident returns the anonymous and the mapped resident memory.
func resident() (anon, file int64) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0
	}
	for _, l := range strings.Split(string(text), "\n") {
		fmt.Sscanf(l, "RssAnon: %d", &anon)
		fmt.Sscanf(l, "RssFile: %d", &file)
	}
	return anon << 10, file << 10
}

func BenchmarkFill(b *testing.B) {
	c := open(b, b.TempDir(), Options{Limit: 1 << 30})
	rgb := smooth(rand.New(rand.NewPCG(1, 1)), 512, 512, 3, 6)
	b.SetBytes(int64(len(rgb)))
	start := cpuTime()
	i := 0
	for b.Loop() {
		i++
		mustFill(b, c, key(i), rgb, Layout{512 * 3, 1, 3}, "").Close()
	}
	perCPU(b, start, len(rgb))
}

func BenchmarkRead(b *testing.B) {
	const n = 64
	c := open(b, b.TempDir(), Options{Memory: 8 << 20})
	rgb := smooth(rand.New(rand.NewPCG(1, 1)), 512, 512, 3, 6)
	for i := range n {
		mustFill(b, c, key(i), rgb, Layout{512 * 3, 1, 3}, "").Close()
	}
	for _, size := range []int{64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dK", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(rgb)))
			buf := make([]byte, size)
			start := cpuTime()
			i := 0
			for b.Loop() {
				i++
				p, err := c.Get(b.Context(), key(i%n))
				if err != nil {
					b.Fatal(err)
				}
				for off := int64(0); off < p.Size(); off += int64(size) {
					if _, err := p.ReadAt(buf, off); err != nil && err != io.EOF {
						b.Fatal(err)
					}
				}
				p.Close()
			}
			perCPU(b, start, len(rgb))
		})
	}
}

// BenchmarkBigRun is the acceptance line: 2 GB read through a limit of 200 MB.
// It takes two minutes, so it is a benchmark.
func BenchmarkBigRun(t *testing.B) {
	dir := t.TempDir()
	c, err := Open(t.Context(), dir, Options{Limit: 200 << 20, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	anon, file := resident()
	t.Logf("idle: %d MB anonymous, %d MB mapped, disk %d KB", anon>>20, file>>20, diskUse(dir)>>10)
	var peak, peakAnon, peakFile int64
	rgb := smooth(rand.New(rand.NewPCG(1, 1)), 1024, 1024, 3, 6)
	for i := range (2 << 30) / len(rgb) {
		rgb[i]++
		p := mustFill(t, c, key(i), rgb, Layout{1024 * 3, 1, 3}, "")
		got, err := readAll(p)
		if err != nil || !bytes.Equal(got, rgb) {
			t.Fatal(err)
		}
		peak = max(peak, diskUse(dir))
		anon, file := resident()
		peakAnon, peakFile = max(peakAnon, anon), max(peakFile, file)
	}
	t.Logf("peak: disk %d MB, %d MB anonymous, %d MB mapped", peak>>20, peakAnon>>20, peakFile>>20)
	if peak > 300<<20 {
		t.Errorf("%d bytes on disk", peak)
	}
	s := c.Stats()
	t.Logf("%d entries, %d MB, evictions %d", s.Entries, s.Disk>>20, s.Evictions)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("closed: disk %d MB", diskUse(dir)>>20)
	begin := time.Now()
	c, err = Open(t.Context(), dir, Options{Limit: 200 << 20, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	anon, file = resident()
	t.Logf("opened again in %v: disk %d MB, %d MB anonymous (heap not given back yet), %d MB mapped", time.Since(begin), diskUse(dir)>>20, anon>>20, file>>20)
}

// BenchmarkMillionFacts measures a million small facts.
func BenchmarkMillionFacts(t *testing.B) {
	dir := t.TempDir()
	c := open(t, dir, Options{})
	begin := time.Now()
	value := bytes.Repeat([]byte{7, 1, 9, 3}, 25)
	for i := range 1_000_000 {
		if err := c.Facts().Set(fmt.Sprintf("head:dataset-name/case-%07d", i), value); err != nil {
			t.Fatal(err)
		}
	}
	set := time.Since(begin)
	if err := c.Facts().Flush(); err != nil {
		t.Fatal(err)
	}
	anon, file := resident()
	t.Logf("set %v, flushed %v: disk %d MB, %d MB anonymous, %d MB mapped", set, time.Since(begin), diskUse(dir)>>20, anon>>20, file>>20)
	c.Close()
	begin = time.Now()
	c = open(t, dir, Options{})
	opened := time.Since(begin)
	begin = time.Now()
	for i := range 100_000 {
		if _, ok := c.Facts().Get(fmt.Sprintf("head:dataset-name/case-%07d", i*10)); !ok {
			t.Fatal("gone")
		}
	}
	debug.FreeOSMemory()
	anon, file = resident()
	t.Logf("opened in %v, %v a Get: disk %d MB, %d MB anonymous, %d MB mapped", opened, time.Since(begin)/100_000, diskUse(dir)>>20, anon>>20, file>>20)
}

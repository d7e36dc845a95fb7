package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	datafs "github.com/omnimedseg/omnimedfs/fs"
	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

const streamRecipe = `schema = 1
id = "stream"
title = "Stream"
modality = "ct"
dim = 3
anatomy = "all"
license = "CC0-1.0"
status = "unverified"
missing = "everything: a measurement"

[citation]
title = "Stream"
authors = ["Doe, J."]
year = 2020
doi = "10.0/x"

[source]
platform = "http"

[[source.file]]
name = "big.bin"
url = "https://files.example.org/big.bin"
`

// BenchmarkRawStream reads one raw file of 256 MiB through a mount, in order,
// each answer of its server 50 ms late.
func BenchmarkRawStream(b *testing.B) {
	if _, err := os.Stat("/dev/fuse"); err != nil {
		b.Skip("no /dev/fuse here:", err)
	}
	data := make([]byte, 256<<20)
	rand.NewChaCha8([32]byte{2}).Read(data)
	srv := sourcestest.Serve(b, map[string][]byte{"big.bin": data}, sourcestest.Slow(50*time.Millisecond))
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "stream.toml"), []byte(streamRecipe), 0o644); err != nil {
		b.Fatal(err)
	}
	var took, curl time.Duration
	requests := 0
	for b.Loop() {
		start := time.Now()
		if out, err := exec.Command("curl", "-sS", "-o", "/dev/null", srv.URL+"/big.bin").CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		curl += time.Since(start)
		srv.Reset()
		n, d := streamOnce(b, dir, srv.URL)
		if n != int64(len(data)) {
			b.Fatalf("%d bytes", n)
		}
		took += d
		k, _ := srv.Count()
		requests += k
	}
	b.ReportMetric(float64(len(data))*float64(b.N)/1e6/took.Seconds(), "MB/s")
	b.ReportMetric(100*curl.Seconds()/took.Seconds(), "%ofcurl")
	b.ReportMetric(float64(requests)/float64(b.N), "requests")
}

// streamOnce mounts, and reads the file.
func streamOnce(b *testing.B, recipes, url string) (int64, time.Duration) {
	o := new(options)
	if _, err := o.table().Load("mount", nil, func(string) (string, bool) { return "", false }); err != nil {
		b.Fatal(err)
	}
	o.Cache, o.Recipes, o.Datasets, o.Mirror = b.TempDir(), []string{recipes}, []string{"stream"}, []string{"https://files.example.org/=" + url + "/"}
	a, err := newApp(o, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	at := filepath.Join(b.TempDir(), "mnt")
	m, err := datafs.Mount(context.Background(), at, a.Root(), datafs.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Unmount(context.Background())
	f, err := os.Open(filepath.Join(at, "datasets/stream/raw/big.bin"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	start := time.Now()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, make([]byte, 1<<20))
	if err != nil {
		b.Fatal(fmt.Errorf("%d bytes: %w", n, err))
	}
	return n, time.Since(start)
}

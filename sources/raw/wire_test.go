package raw_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/archive"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/raw"
	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

// sparseFile leaves holes where zeros are written.
type sparseFile struct{ *os.File }

var zeroPage = make([]byte, 64<<10)

func (f sparseFile) Write(p []byte) (int, error) {
	if len(p) > 4096 && bytes.Equal(p, zeroPage[:min(len(p), len(zeroPage))]) {
		_, err := f.Seek(int64(len(p)), io.SeekCurrent)
		return len(p), err
	}
	return f.File.Write(p)
}

// mountOver is what one mount has over a server.
func mountOver(t testing.TB, srv *sourcestest.Server, facts blob.Facts, spool int64, name string) *raw.Files {
	t.Helper()
	c := sources.NewClient(sources.Options{Mirrors: []sources.Mirror{{Prefix: srv.URL, Target: srv.URL}}, Facts: facts})
	s := archive.NewSpool(t.TempDir(), spool)
	f := sources.File{Info: blob.Info{Path: name, Size: -1}, URL: srv.URL + "/" + name}
	files := raw.New(raw.Options{Facts: facts, Spool: s, List: raw.Origins(raw.Origin{Info: f.Info, Open: func(ctx context.Context, _ raw.Origin) (blob.Blob, error) {
		return c.Open(ctx, "http", f)
	}})})
	t.Cleanup(func() {
		files.Close()
		s.Close()
		c.Close()
	})
	srv.Reset()
	if err := files.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	return files
}

// TestWireOfGigabyteZip: of a zip of 1 GB and 100,000 members the listing costs
// the directory, a member its packed bytes, and the second listing nothing.
func TestWireOfGigabyteZip(t *testing.T) {
	dir := t.TempDir()
	out, err := os.Create(filepath.Join(dir, "big.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w := zip.NewWriter(sparseFile{out})
	add := func(name string, method uint16, data []byte, times int) {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		for range times {
			f.Write(data)
		}
		w.Flush()
	}
	noise := make([]byte, 300_000)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	want := map[string][]byte{"a/first": noise[:100], "m/deflated": append(noise[:200_000:200_000], zeroPage...), "m/stored": noise, "z/last": noise[5:90_000]}
	add("a/first", zip.Deflate, want["a/first"], 1)
	for i := range 16 { // 64 MiB each
		add(fmt.Sprintf("b/zeros%02d", i), zip.Store, zeroPage, 1024)
		if i == 7 {
			add("m/deflated", zip.Deflate, want["m/deflated"], 1)
			add("m/stored", zip.Store, noise, 1)
		}
	}
	for i := range 100_000 {
		add(fmt.Sprintf("n/%06d", i), zip.Store, nil, 1)
	}
	add("z/last", zip.Deflate, want["z/last"], 1)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	size, _ := out.Seek(0, io.SeekCurrent)
	directory := int64(0)
	z, err := zip.NewReader(out, size)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		directory += 46 + int64(len(f.Name)+len(f.Extra)+len(f.Comment))
	}
	srv := sourcestest.ServeDir(t, dir)
	facts := memFacts{}
	files := mountOver(t, srv, facts, 1<<20, "big.zip")
	n, sent := srv.Count()
	if files.Len() != 100_020 || sent > directory+64<<10 || size < 1<<30 {
		t.Errorf("%d files of a zip of %d bytes cost %d requests, %d bytes; its directory has %d", files.Len(), size, n, sent, directory)
	}
	files = mountOver(t, srv, facts, 1<<20, "big.zip")
	if n, _ := srv.Count(); n != 0 {
		t.Errorf("second mount: %d requests", n)
	}
	for name, data := range want {
		srv.Reset()
		if content(t, files, "big.zip!/"+name) != string(data) {
			t.Errorf("%s: wrong bytes", name)
		}
		if _, sent := srv.Count(); sent > int64(len(data))+64<<10 {
			t.Errorf("%s of %d bytes cost %d", name, len(data), sent)
		}
	}
}

// BenchmarkTarGzip measures on a tar.gz of the size in TARGZ_BYTES (64 MiB):
// what the first listing costs, what a member costs at most when nothing is
// spooled, and the second listing. scripts/bench/targz.sh runs it on 1 GB.
func BenchmarkTarGzip(b *testing.B) {
	size := 64 << 20
	if v, err := strconv.Atoi(os.Getenv("TARGZ_BYTES")); err == nil {
		size = v
	}
	dir := b.TempDir()
	src := filepath.Join(dir, "src")
	os.Mkdir(src, 0o755)
	rng := rand.NewChaCha8([32]byte{7})
	buf := make([]byte, 500_000)
	members := size * 4 / 3 / len(buf)
	for i := range members {
		rng.Read(buf)
		for k := range buf {
			buf[k] &= 0x3f // packs to three quarters
		}
		if err := os.WriteFile(filepath.Join(src, fmt.Sprintf("%06d", i)), buf, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-c", "tar -c --sort=name -C src . | gzip -1 > x.tar.gz && rm -r src")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	st, err := os.Stat(filepath.Join(dir, "x.tar.gz"))
	if err != nil {
		b.Fatal(err)
	}
	srv := sourcestest.ServeDir(b, dir)
	for b.Loop() {
		facts := memFacts{}
		begin := time.Now()
		mountOver(b, srv, facts, 1, "x.tar.gz")
		took := time.Since(begin)
		_, listing := srv.Count()
		files := mountOver(b, srv, facts, 1, "x.tar.gz")
		_, second := srv.Count()
		most := int64(0)
		begin = time.Now()
		for k := range 40 {
			srv.Reset()
			v, err := files.Open(context.Background(), fmt.Sprintf("x.tar.gz!/%06d", k*7919%members))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := blob.ReadAll(v); err != nil {
				b.Fatal(err)
			}
			v.Close()
			_, sent := srv.Count()
			most = max(most, sent)
		}
		kept := 0
		for _, v := range facts {
			kept += len(v)
		}
		b.ReportMetric(float64(st.Size()), "packed-B")
		b.ReportMetric(float64(listing), "listing-B")
		b.ReportMetric(took.Seconds(), "listing-s")
		b.ReportMetric(float64(second), "second-listing-B")
		b.ReportMetric(float64(most), "member-B-max")
		b.ReportMetric(time.Since(begin).Seconds()/40*1000, "member-ms")
		b.ReportMetric(float64(kept), "facts-B")
	}
}

package sourcestest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/raw"
)

// Conform asserts, for every registered platform, what the layers above rely
// on. A platform without a fixture fails.
func Conform(t *testing.T) {
	for _, p := range sources.Platforms() {
		t.Run(p, func(t *testing.T) {
			fixturesMu.Lock()
			f, ok := fixtures[p]
			fixturesMu.Unlock()
			if !ok {
				t.Fatal("no fixture: add one with sourcestest.RegisterFixture")
			}
			t.Run("listing", func(t *testing.T) { conformListing(t, p, f) })
			t.Run("content", func(t *testing.T) { conformContent(t, p, f) })
			if f.Remote {
				t.Run("failures", func(t *testing.T) { conformFailures(t, p, f) })
			}
		})
	}
}

// content is random, so that it is never taken for a page, and the same each time.
func content(single bool) map[string][]byte {
	rng := rand.NewChaCha8([32]byte{3})
	files := map[string][]byte{}
	for i, name := range []string{"scan.bin", "empty", "folder/ä b.bin", "folder/a.zip", "z"} {
		data := make([]byte, []int{300_000, 0, 70_000, 5, 1 << 20}[i])
		rng.Read(data)
		files[name] = data
		if single {
			break
		}
	}
	return files
}

type played struct {
	Record
	client *sources.Client
	files  map[string][]byte
	list   []sources.File
}

func play(t *testing.T, platform string, f Fixture, opt sources.Options) played {
	t.Helper()
	p := played{files: content(f.Single)}
	p.Record = f.Play(t, p.files)
	if p.Record.Files != nil {
		p.files = p.Record.Files
	}
	if p.Main == "" {
		p.Main = "scan.bin"
	}
	opt.Mirrors = p.Mirrors
	opt.Retries.Backoff = time.Millisecond
	p.client = sources.NewClient(opt)
	t.Cleanup(func() { p.client.Close() })
	src, err := p.client.Source(platform)
	if err != nil {
		t.Fatal(err)
	}
	if p.list, err = src.Files(context.Background(), p.Name); err != nil {
		t.Fatal(err)
	}
	return p
}

func conformListing(t *testing.T, platform string, f Fixture) {
	p := play(t, platform, f, sources.Options{})
	if len(p.list) != len(p.files) {
		t.Fatalf("%d files listed, want %d", len(p.list), len(p.files))
	}
	for i, file := range p.list {
		data, ok := p.files[file.Path]
		if !ok || !fs.ValidPath(file.Path) || i > 0 && p.list[i-1].Path >= file.Path {
			t.Errorf("%q: unknown, not a path or out of order", file.Path)
		}
		if file.Size != -1 && file.Size != int64(len(data)) {
			t.Errorf("%s: size %d, want %d or -1", file.Path, file.Size, len(data))
		}
		if file.Sum != "" && !strings.HasPrefix(file.Sum, blob.Modified) {
			if h, err := blob.NewHash(file.Sum); err != nil {
				t.Error(err)
			} else if h.Write(data); blob.CheckSum(h, file.Sum) != nil {
				t.Errorf("%s: wrong sum %s", file.Path, file.Sum)
			}
		}
	}
	if p.Server != nil {
		if _, sent := p.Server.Count(); sent > 1<<20 {
			t.Errorf("the listing cost %d bytes", sent)
		}
	}
	src, _ := p.client.Source(platform)
	if _, err := src.Files(context.Background(), "no such\x00record"); err == nil {
		t.Error("a record that cannot be is listed")
	}
}

func conformContent(t *testing.T, platform string, f Fixture) {
	p := play(t, platform, f, sources.Options{})
	for _, file := range p.list {
		want := p.files[file.Path]
		b, err := p.client.Open(context.Background(), platform, file)
		if err != nil {
			t.Fatalf("%s: %v", file.Path, err)
		}
		if b.Size() != int64(len(want)) {
			t.Errorf("%s: size %d, want %d", file.Path, b.Size(), len(want))
		}
		var wg sync.WaitGroup
		for seed := range uint64(4) {
			wg.Go(func() { readAtRandom(t, file.Path, b, want, seed) })
		}
		wg.Wait()
		if got, err := blob.ReadAll(b); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", file.Path, len(got), err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		wrong := file
		wrong.Size = int64(len(want)) + 1
		if b, err := p.client.Open(context.Background(), platform, wrong); err == nil {
			if _, err := blob.ReadAll(b); err == nil {
				t.Errorf("%s: a file of another size than declared is read", file.Path)
			}
			b.Close()
		}
	}
}

func readAtRandom(t *testing.T, name string, b blob.Blob, want []byte, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 20 {
		off, p := rng.IntN(len(want)+10), make([]byte, rng.IntN(100_000))
		n, err := b.ReadAt(p, int64(off))
		exp := want[min(off, len(want)):min(off+len(p), len(want))]
		if !bytes.Equal(p[:n], exp) || err != nil && err != io.EOF || n < len(p) && err == nil {
			t.Errorf("%s: read %d at %d: %d bytes, %v", name, len(p), off, n, err)
			return
		}
	}
}

func conformFailures(t *testing.T, platform string, f Fixture) {
	tests := []struct {
		name  string
		fault *Fault
		want  error // nil: the right bytes
	}{
		{"no ranges", NoRanges(), nil},
		{"cut once", Cut(1000).Times(1), nil},
		{"cut once without ranges", CutWhole(1000).Times(1), nil},
		{"truncated for ever", CutWhole(1000), sources.ErrServer},
		{"wrong length", WrongLength(10), sources.ErrServer},
		{"broken once", Status(503, 0).Times(1), nil},
		{"rate limited once", Status(429, 0).Times(1), nil},
		{"rate limited", Status(429, 0), sources.ErrRateLimited},
		{"gone", Status(404, -1), sources.ErrGone},
		{"refused", Status(403, -1), sources.ErrRefused},
		{"login page", HTML("text/html"), sources.ErrGone},
		{"broken server", Status(500, -1), sources.ErrServer},
		{"stalled", Stall(0), sources.ErrTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opt := sources.Options{Retries: sources.Retries{Attempts: 2}}
			if errors.Is(tt.want, sources.ErrTimeout) {
				opt.Timeouts = sources.Timeouts{Header: 500 * time.Millisecond, Stall: 500 * time.Millisecond}
			}
			p := play(t, platform, f, opt)
			i := slices.IndexFunc(p.list, func(f sources.File) bool { return f.Path == p.Main })
			p.Server.SetFaults(tt.fault)
			got, err := readFile(p.client, platform, p.list[i])
			if tt.name == "wrong length" && f.Unmeasured {
				tt.want = nil
			} else if tt.name == "wrong length" && p.list[i].Size >= 0 {
				tt.want = sources.ErrChanged // the listing knows better
			}
			if !errors.Is(err, tt.want) || err == nil && !bytes.Equal(got, p.files[p.Main]) {
				t.Errorf("%d bytes, %v; want %v", len(got), err, tt.want)
			}
		})
	}
	t.Run("changed", func(t *testing.T) { conformChanged(t, platform, f) })
	t.Run("wrong bytes", func(t *testing.T) { conformTampered(t, platform, f) })
	t.Run("offline", func(t *testing.T) {
		p := play(t, platform, f, sources.Options{})
		c := sources.NewClient(sources.Options{Mirrors: p.Mirrors, Offline: true})
		defer c.Close()
		p.Server.Reset()
		if _, err := readFile(c, platform, p.main()); !errors.Is(err, sources.ErrOffline) {
			t.Error(err)
		}
		if n, _ := p.Server.Count(); n != 0 {
			t.Errorf("%d requests went out", n)
		}
	})
}

// conformChanged lets the file become another one between two reads.
func conformChanged(t *testing.T, platform string, f Fixture) {
	p := play(t, platform, f, sources.Options{Retries: sources.Retries{Attempts: 2}})
	b, err := p.client.Open(context.Background(), platform, p.main())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	buf := make([]byte, 1000)
	if _, err := b.ReadAt(buf, 0); err != nil {
		t.Fatal(err)
	}
	p.Server.SetFaults(Changed())
	n, err := b.ReadAt(buf, b.Size()-1000)
	want := p.files[p.Main]
	if err == nil && !bytes.Equal(buf[:n], want[len(want)-1000:]) || err != nil && !errors.Is(err, sources.ErrChanged) {
		t.Errorf("%d bytes, %v; want those of the first version or %v", n, err, sources.ErrChanged)
	}
}

// conformTampered lets other bytes of the right length come: where the
// platform gives a checksum they must not pass for the file.
func conformTampered(t *testing.T, platform string, f Fixture) {
	p := play(t, platform, f, sources.Options{})
	file := p.main()
	if file.Sum == "" {
		return // the platform gives none
	}
	p.Server.SetFaults(Tampered())
	b, err := p.client.Open(context.Background(), platform, file)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := raw.VerifyBlob(b, file.Sum); !errors.Is(err, sources.ErrChecksum) {
		t.Errorf("%v, want %v", err, sources.ErrChecksum)
	}
}

func (p *played) main() sources.File {
	return p.list[slices.IndexFunc(p.list, func(f sources.File) bool { return f.Path == p.Main })]
}

func readFile(c *sources.Client, platform string, f sources.File) ([]byte, error) {
	b, err := c.Open(context.Background(), platform, f)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return blob.ReadAll(b)
}

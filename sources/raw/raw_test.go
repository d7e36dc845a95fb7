package raw_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/archive"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/raw"
	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

func zipOf(t testing.TB, names ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, n := range names {
		f, err := w.Create(n)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(f, "content of ", n)
	}
	w.Close()
	return buf.Bytes()
}

func memory(name string, data []byte) raw.Origin {
	return raw.Origin{
		Info: blob.Info{Path: name, Size: int64(len(data))},
		Open: func(_ context.Context, _ raw.Origin) (blob.Blob, error) { return blob.Bytes(data), nil },
	}
}

func files(t *testing.T, o ...raw.Origin) *raw.Files {
	t.Helper()
	f := raw.New(raw.Options{List: raw.Origins(o...)})
	t.Cleanup(func() { f.Close() })
	return f
}

func paths(f *raw.Files) []string {
	var out []string
	for i := range f.Len() {
		out = append(out, f.At(i).Path)
	}
	return out
}

func TestNamespace(t *testing.T) {
	ctx := context.Background()
	f := files(t,
		memory("z.txt", []byte("zz")),
		memory("b.zip", zipOf(t, "y", "x/1")),
		memory("empty.zip", zipOf(t)),
		memory("b.zip 2", []byte("sorts before b.zip!/")),
		memory("b.zip!", []byte("and this, too")),
		memory("b.zip!0", []byte("and this after")),
		memory("a/c.zip", zipOf(t, "m")),
		memory("empty2.zip", zipOf(t)),
	)
	if f.Len() != 0 {
		t.Error("loaded before it was asked for")
	}
	if err := f.Load(ctx); err != nil {
		t.Fatal(err)
	}
	want := []string{"a/c.zip!/m", "b.zip 2", "b.zip!", "b.zip!/x/1", "b.zip!/y", "b.zip!0", "z.txt"}
	if d := cmp.Diff(want, paths(f)); d != "" {
		t.Fatal(d)
	}
	list, err := f.Files(ctx)
	if err != nil || len(list) != len(want) {
		t.Fatal(list, err)
	}
	probes := slices.Clone(want)
	for _, p := range want {
		probes = append(probes, p+"\x00", p[:len(p)-1], p+"~")
	}
	probes = append(probes, "", "a", "~", "b.zip!/", "b.zip!/x", "empty.zip!/", "empty.zip!/q", "b.zip")
	for _, p := range probes {
		i := sort.SearchStrings(want, p)
		info, ok := f.Lookup(p)
		if got := f.Search(p); got != i || ok != slices.Contains(want, p) || ok && (info != list[i] || info.Path != p) {
			t.Errorf("%q: %d, %+v, %v; want %d", p, got, info, ok, i)
		}
	}
	for p, want := range map[string]string{"b.zip!/x/1": "content of x/1", "z.txt": "zz", "b.zip!0": "and this after", "b.zip": string(zipOf(t, "y", "x/1"))} {
		b, err := f.Open(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := blob.ReadAll(b); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", p, got, err)
		}
		b.Close()
	}
	for _, p := range []string{"", "none", "b.zip!/none", "b.zip!/", "z.txt!/x", "a", "a/c.zip!/m/"} {
		if _, err := f.Open(ctx, p); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", p, err)
		}
	}
}

func TestOriginsThatCannotBe(t *testing.T) {
	good := memory("good.zip", zipOf(t, "x"))
	tests := map[string][]raw.Origin{
		"twice":       {good, good},
		"separator":   {good, memory("a.zip!/x", nil)},
		"absolute":    {good, memory("/x", nil)},
		"up":          {good, memory("a/../x", nil)},
		"empty":       {memory("", nil), good},
		"open failed": {good, {Info: blob.Info{Path: "f.zip"}, Open: func(_ context.Context, _ raw.Origin) (blob.Blob, error) { return nil, errors.New("no") }}},
	}
	for name, o := range tests {
		if err := files(t, o...).Load(context.Background()); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
	f := raw.New(raw.Options{List: raw.Origins(memory("bad.zip", nil)), Keep: func(string) bool { return true }})
	defer f.Close()
	if err := f.Load(context.Background()); err != nil || f.Len() != 1 {
		t.Error("kept archive:", err)
	}
}

func TestLoadOnceAndAgainAfterFailure(t *testing.T) {
	var calls atomic.Int64
	release := make(chan struct{})
	f := raw.New(raw.Options{List: func(ctx context.Context) ([]raw.Origin, error) {
		if calls.Add(1) == 1 {
			<-release
			return nil, errors.New("platform is down")
		}
		return []raw.Origin{memory("x", nil)}, nil
	}})
	defer f.Close()
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := f.Load(gone); !errors.Is(err, context.Canceled) {
		t.Error("a caller that left:", err)
	}
	var wg sync.WaitGroup
	var failed atomic.Int64
	for range 10 {
		wg.Go(func() {
			if f.Load(context.Background()) != nil {
				failed.Add(1)
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	close(release)
	wg.Wait()
	if calls.Load() != 1 || failed.Load() != 10 {
		t.Errorf("%d calls, %d failures; want 1 and 10", calls.Load(), failed.Load())
	}
	if err := f.Load(context.Background()); err != nil || f.Len() != 1 {
		t.Error("the failure was remembered:", err)
	}
	f.Close()
	if err := f.Load(context.Background()); err == nil {
		t.Error("closed files load")
	}
}

func TestCloseEndsLoading(t *testing.T) {
	f := raw.New(raw.Options{List: func(ctx context.Context) ([]raw.Origin, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	got := make(chan error)
	go func() { got <- f.Load(context.Background()) }()
	time.Sleep(20 * time.Millisecond)
	f.Close()
	select {
	case err := <-got:
		if err == nil {
			t.Error("loaded")
		}
	case <-time.After(2 * time.Second):
		t.Error("Close does not end the loading")
	}
}

func TestVerify(t *testing.T) {
	data := []byte("some content")
	good, bad := memory("good", data), memory("bad", data)
	good.Sum = fmt.Sprintf("md5:%x", md5.Sum(data))
	bad.Sum = fmt.Sprintf("md5:%x", md5.Sum(nil))
	z := zipOf(t, "x", "y")
	z[bytes.LastIndex(z, []byte("PK\x07\x08"))-3] ^= 0x40 // the end of y's packed data
	f := files(t, good, bad, memory("c.zip", z))
	for p, want := range map[string]error{"good": nil, "bad": sources.ErrChecksum, "c.zip!/x": nil, "none": fs.ErrNotExist} {
		if err := f.Verify(context.Background(), p); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", p, err, want)
		}
	}
	if err := f.Verify(context.Background(), "c.zip!/y"); !errors.Is(err, archive.ErrChecksum) && !errors.Is(err, archive.ErrFormat) {
		t.Error("damaged member:", err)
	}
}

func TestStatLearnsSizes(t *testing.T) {
	srv := sourcestest.Serve(t, map[string][]byte{"a.bin": make([]byte, 300_000)})
	c := sources.NewClient(sources.Options{Mirrors: []sources.Mirror{{Prefix: srv.URL, Target: srv.URL}}})
	defer c.Close()
	f := remote(t, c, blob.NoFacts{}, srv.URL+"/a.bin")
	list, err := f.Files(context.Background())
	if n, _ := srv.Count(); n != 0 || err != nil || list[0].Size != -1 {
		t.Fatal("listing asked the server:", n, err, list)
	}
	for range 2 {
		if info, err := f.Stat(context.Background(), "a.bin"); err != nil || info.Size != 300_000 {
			t.Error(info, err)
		}
	}
	if n, bytes := srv.Count(); n != 1 || bytes > 16<<10 {
		t.Errorf("%d requests, %d bytes", n, bytes)
	}
	if f.At(0).Size != 300_000 {
		t.Error("a learnt size is forgotten")
	}
	if _, err := f.Stat(context.Background(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestReadersComeAndGo(t *testing.T) {
	srv := sourcestest.Serve(t, map[string][]byte{"a.zip": zipOf(t, "x", "y")})
	c := sources.NewClient(sources.Options{Mirrors: []sources.Mirror{{Prefix: srv.URL, Target: srv.URL}}})
	defer c.Close()
	f := remote(t, c, blob.NoFacts{}, srv.URL+"/a.zip")
	ctx, cancel := context.WithCancel(context.Background())
	if err := f.Load(ctx); err != nil {
		t.Fatal(err)
	}
	b, err := f.Open(ctx, "a.zip!/x")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := blob.ReadAll(b); !errors.Is(err, context.Canceled) {
		t.Error("read under a context that ended:", err)
	}
	b.Close()
	b, err = f.Open(context.Background(), "a.zip!/y")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got, err := blob.ReadAll(b); string(got) != "content of y" {
		t.Error(string(got), err)
	}
}

func TestPrefetchPlainFiles(t *testing.T) {
	srv := sourcestest.Serve(t, map[string][]byte{"a": make([]byte, 100_000), "b": make([]byte, 50)})
	c := sources.NewClient(sources.Options{Mirrors: []sources.Mirror{{Prefix: srv.URL, Target: srv.URL}}})
	defer c.Close()
	facts := memFacts{}
	f := remote(t, c, facts, srv.URL+"/a", srv.URL+"/b")
	if err := f.Prefetch(context.Background(), []string{"a", "b", "none"}); err != nil {
		t.Fatal(err)
	}
	_, bytes := srv.Count()
	if bytes != 100_050 {
		t.Errorf("%d bytes came", bytes)
	}
}

package raw_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/raw"
	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

const dsbFolder = "../../../shared/real/dsb2018"

// memFacts is blob.Facts in memory.
type memFacts map[string][]byte

var memFactsMu sync.Mutex // of all

func (m memFacts) Get(k string) ([]byte, bool) {
	memFactsMu.Lock()
	defer memFactsMu.Unlock()
	v, ok := m[k]
	return v, ok
}

func (m memFacts) Set(k string, v []byte) error {
	memFactsMu.Lock()
	defer memFactsMu.Unlock()
	m[k] = append([]byte(nil), v...)
	return nil
}

func remote(t *testing.T, c *sources.Client, facts blob.Facts, urls ...string) *raw.Files {
	t.Helper()
	list := func(ctx context.Context) ([]raw.Origin, error) {
		var out []raw.Origin
		for _, u := range urls {
			f := sources.File{Info: blob.Info{Path: filepath.Base(u), Size: -1}, URL: u}
			out = append(out, raw.Origin{Info: f.Info, Open: func(ctx context.Context, _ raw.Origin) (blob.Blob, error) {
				return c.Open(ctx, "http", f)
			}})
		}
		return out, nil
	}
	files := raw.New(raw.Options{List: list, Facts: facts})
	t.Cleanup(func() { files.Close() })
	return files
}

func TestDSB2018(t *testing.T) {
	if _, err := os.Stat(filepath.Join(dsbFolder, "stage1_train.zip")); err != nil {
		t.Skip("no real data: ", err)
	}
	ctx := context.Background()
	srv := sourcestest.ServeDir(t, dsbFolder)
	const prefix = "https://data.broadinstitute.org/bbbc/BBBC038"
	facts := memFacts{}
	open := func() *raw.Files {
		c := sources.NewClient(sources.Options{Mirrors: []sources.Mirror{{Prefix: prefix, Target: srv.URL}}, Facts: facts})
		t.Cleanup(func() { c.Close() })
		return remote(t, c, facts, prefix+"/stage1_train.zip")
	}
	files := open()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if err := files.Load(ctx); err != nil {
		t.Fatal(err)
	}
	n, bytes := srv.Count()
	runtime.GC()
	runtime.ReadMemStats(&after)
	t.Logf("listing: %d files, %d requests, %d bytes; heap %+d KiB with cached blocks", files.Len(), n, bytes, (int64(after.HeapAlloc)-int64(before.HeapAlloc))>>10)
	const directory = 5_600_000 + 96<<10
	if files.Len() != 29650 || bytes > directory || n > 4 {
		t.Errorf("listing cost %d requests and %d bytes for %d files", n, bytes, files.Len())
	}

	srv.Reset()
	files = open()
	if err := files.Load(ctx); err != nil {
		t.Fatal(err)
	}
	if n, bytes := srv.Count(); n != 0 {
		t.Errorf("second mount: %d requests, %d bytes; want none", n, bytes)
	}
	kept := 0
	for _, v := range facts {
		kept += len(v)
	}
	t.Logf("facts: %d bytes", kept)

	// The costs of single members, each on a fresh client.
	for _, i := range []int{0, 1, 1000, 20000, files.Len() - 1} {
		info := files.At(i)
		f := open()
		srv.Reset()
		b, err := f.Open(ctx, info.Path)
		if err != nil {
			t.Fatal(err)
		}
		data, err := blob.ReadAll(b)
		if err != nil || int64(len(data)) != info.Size {
			t.Fatalf("%s: %d bytes, %v", info.Path, len(data), err)
		}
		b.Close()
		if n, bytes := srv.Count(); n != 1 || bytes > info.Size+64<<10 {
			t.Errorf("%s: %d bytes cost %d requests and %d bytes", info.Path, info.Size, n, bytes)
		}
	}

	// A case's masks come together.
	first := files.At(0).Path
	dir := first[:strings.Index(first, "/images/")] + "/masks/"
	var masks []string
	size := int64(0)
	for i := files.Search(dir); i < files.Len() && strings.HasPrefix(files.At(i).Path, dir); i++ {
		masks = append(masks, files.At(i).Path)
		size += files.At(i).Size
	}
	f := open()
	srv.Reset()
	if err := f.Prefetch(ctx, masks); err != nil {
		t.Fatal(err)
	}
	n, bytes = srv.Count()
	for _, m := range masks {
		if err := f.Verify(ctx, m); err != nil {
			t.Error(err)
		}
	}
	n2, _ := srv.Count()
	t.Logf("%d masks of %d bytes: %d requests, %d bytes", len(masks), size, n, bytes)
	if n > 4 || n2 != n || bytes > 3*size+128<<10 {
		t.Errorf("%d masks cost %d requests, then %d more, %d bytes", len(masks), n, n2-n, bytes)
	}

	if testing.Short() {
		return
	}
	for i := range files.Len() {
		if err := files.Verify(ctx, files.At(i).Path); err != nil {
			t.Fatal(err)
		}
	}
}

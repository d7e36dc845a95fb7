package raw_test

import (
	"archive/zip"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/archive"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/raw"
	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

// TestShippedIndex lists from an index alone, and reads on.
func TestShippedIndex(t *testing.T) {
	if _, err := exec.LookPath("tar"); err != nil {
		t.Skip("no tar: ", err)
	}
	dir := t.TempDir()
	data := make([]byte, 6<<20)
	rand.NewChaCha8([32]byte{5}).Read(data)
	os.WriteFile(dir+"/big", data, 0o644)
	os.WriteFile(dir+"/end", []byte("the end"), 0o644)
	cmd := exec.Command("sh", "-c", "tar -c --sort=name big end | gzip -1")
	cmd.Dir = dir
	tgz, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	z := packed(t, zip.Deflate, map[string][]byte{"a": []byte("file a"), "in.zip": zipOf(t, "x")})
	served := map[string][]byte{"z.zip": z, "t.tar.gz": tgz, "plain": []byte("plain"), "bad.zip": []byte("no zip"), "v.zip.001": z[:100], "v.zip.002": z[100:]}
	srv := sourcestest.Serve(t, served)
	listed := 0
	options := func(facts blob.Facts) raw.Options {
		c := sources.NewClient(sources.Options{Mirrors: []sources.Mirror{{Prefix: srv.URL, Target: srv.URL}}, Facts: facts})
		t.Cleanup(func() { c.Close() })
		spool := archive.NewSpool(t.TempDir(), 1<<28)
		t.Cleanup(func() { spool.Close() })
		return raw.Options{Facts: facts, Spool: spool, List: func(context.Context) ([]raw.Origin, error) {
			listed++
			var out []raw.Origin
			for n := range served {
				f := sources.File{Info: blob.Info{Path: n, Size: -1}, URL: srv.URL + "/" + n}
				out = append(out, raw.Origin{Info: f.Info, Open: func(ctx context.Context, _ raw.Origin) (blob.Blob, error) { return c.Open(ctx, "http", f) }})
			}
			return out, nil
		}}
	}
	ctx := context.Background()
	x, err := raw.BuildIndex(ctx, options(memFacts{}))
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := x.Encode(); string(again) != string(encoded) {
		t.Error("encoded twice, it differs")
	}
	small, _ := x.WithoutPoints().Encode()
	if len(small) >= len(encoded) {
		t.Errorf("%d bytes with points, %d without", len(encoded), len(small))
	}
	plain := load(t, options(memFacts{}), mustList(t, options(memFacts{}))...)
	for what, data := range map[string][]byte{"whole": encoded, "without points": small} {
		x, err := raw.DecodeIndex(data)
		if err != nil {
			t.Fatal(err)
		}
		srv.Reset()
		listed = 0
		opt := options(memFacts{})
		opt.Index = x
		f := raw.New(opt)
		defer f.Close()
		if err := f.Load(ctx); err != nil {
			t.Fatal(err)
		}
		if n, _ := srv.Count(); n != 0 || listed != 0 {
			t.Errorf("%s: the listing made %d requests, asked the platform %d times", what, n, listed)
		}
		if d := cmp.Diff(paths(plain), paths(f)); d != "" {
			t.Errorf("%s: %s", what, d)
		}
		if len(f.Broken()) != 1 || !archive.Permanent(f.Broken()[0].Err) {
			t.Error(f.Broken())
		}
		for i := range f.Len() {
			if p := f.At(i).Path; content(t, f, p) != content(t, plain, p) {
				t.Errorf("%s: %s: wrong bytes", what, p)
			}
		}
		if listed != 1 {
			t.Errorf("%s: the platform was asked %d times", what, listed)
		}
	}
	// Another file under the name: none of its bytes come.
	served["plain"] = []byte("plain, but another")
	opt := options(memFacts{})
	opt.Index = x
	f := raw.New(opt)
	defer f.Close()
	b, err := f.Open(ctx, "plain")
	if err == nil {
		_, err = blob.ReadAll(b)
		b.Close()
	}
	if !errors.Is(err, sources.ErrChanged) {
		t.Error(err)
	}
	for _, bad := range []string{"", "omnimedfs-index 1\n", "omnimedfs-index 1\nxxx", string(encoded[:len(encoded)/2])} {
		if _, err := raw.DecodeIndex([]byte(bad)); err == nil {
			t.Errorf("%.30q is taken for an index", bad)
		}
	}
}

func mustList(t *testing.T, o raw.Options) []raw.Origin {
	t.Helper()
	l, err := o.List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func FuzzShippedIndex(f *testing.F) {
	x, err := raw.BuildIndex(context.Background(), raw.Options{List: raw.Origins(
		raw.Origin{Info: blob.Info{Path: "a", Size: 1}, Open: func(_ context.Context, _ raw.Origin) (blob.Blob, error) { return blob.Bytes([]byte("1")), nil }})})
	if err != nil {
		f.Fatal(err)
	}
	data, _ := x.Encode()
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := raw.DecodeIndex(data)
		if err != nil {
			return
		}
		files := raw.New(raw.Options{Index: x, List: func(context.Context) ([]raw.Origin, error) { return nil, errors.New("offline") }})
		defer files.Close()
		if files.Load(context.Background()) == nil {
			for i := range files.Len() {
				files.At(i)
			}
		}
	})
}

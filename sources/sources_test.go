package sources_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

func TestConformance(t *testing.T) { sourcestest.Conform(t) }

func TestRegistry(t *testing.T) {
	for _, p := range []string{"embedded", "http", "local"} {
		if !slices.Contains(sources.Platforms(), p) {
			t.Errorf("%s is not registered", p)
		}
	}
	c := sources.NewClient(sources.Options{})
	defer c.Close()
	if _, err := c.Source("nowhere"); !errors.Is(err, sources.ErrPlatform) {
		t.Error(err)
	}
	if _, err := c.Open(context.Background(), "nowhere", sources.File{}); !errors.Is(err, sources.ErrPlatform) {
		t.Error(err)
	}
	panics := func(name string, f func()) {
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no panic", name)
			}
		}()
		f()
	}
	panics("platform", func() { sources.Register("http", nil) })
	sources.RegisterEmbedded("twice", fstest.MapFS{})
	panics("embedded", func() { sources.RegisterEmbedded("twice", fstest.MapFS{}) })
}

func TestLocalStaysInItsFolder(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	os.MkdirAll(filepath.Join(in, "sub"), 0o755)
	os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o644)
	os.WriteFile(filepath.Join(in, "sub", "a # ? %20.txt"), []byte("a"), 0o644)
	os.Symlink("../secret", filepath.Join(in, "out"))
	os.Symlink("/etc/passwd", filepath.Join(in, "abs"))
	os.Symlink("sub/a # ? %20.txt", filepath.Join(in, "inside"))
	os.Symlink("nowhere", filepath.Join(in, "dangling"))
	c := sources.NewClient(sources.Options{})
	defer c.Close()
	src, _ := c.Source("local")
	files, err := src.Files(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		b, err := c.Open(context.Background(), "local", f)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := blob.ReadAll(b)
		b.Close()
		got = append(got, f.Path+"="+string(data))
	}
	if want := []string{"inside=a", "sub/a # ? %20.txt=a"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, url := range []string{"file://" + in + "#../secret", "file://" + in + "#out", "http://x/y", "file://" + in + "#none"} {
		if _, err := c.Open(context.Background(), "local", sources.File{Info: blob.Info{Size: -1}, URL: url}); err == nil {
			t.Errorf("%s opened", url)
		}
	}
	if _, err := src.Files(context.Background(), "relative"); err == nil {
		t.Error("a relative record is listed")
	}
}

func TestMirrorFolder(t *testing.T) {
	dir := t.TempDir()
	os.MkdirAll(filepath.Join(dir, "sub"), 0o755)
	os.WriteFile(filepath.Join(dir, "sub", "a b.zip"), []byte("data"), 0o644)
	m, err := sources.ParseMirror("https://example.org/d/=" + dir)
	if err != nil {
		t.Fatal(err)
	}
	c := sources.NewClient(sources.Options{Mirrors: []sources.Mirror{m}, Offline: true})
	defer c.Close()
	read := func(url string, size int64) (string, error) {
		b, err := c.Open(context.Background(), "http", sources.File{Info: blob.Info{Size: size}, URL: url})
		if err != nil {
			return "", err
		}
		defer b.Close()
		data, err := blob.ReadAll(b)
		return string(data), err
	}
	if got, err := read("https://example.org/d/sub/a%20b.zip?download=1", 4); got != "data" {
		t.Error(got, err)
	}
	if got, err := c.Get(context.Background(), "https://example.org/d/sub/a%20b.zip", 4); string(got) != "data" {
		t.Error(got, err)
	}
	tests := []struct {
		url  string
		size int64
		want error
	}{
		{"https://example.org/d/none", -1, sources.ErrGone},
		{"https://example.org/d/sub/a%20b.zip", 5, sources.ErrChanged},
		{"https://example.org/elsewhere", -1, sources.ErrOffline},
	}
	for _, tt := range tests {
		if _, err := read(tt.url, tt.size); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.url, err, tt.want)
		}
	}
	for _, url := range []string{"https://example.org/d/../../etc/passwd", "https://example.org/d/%2e%2e/x", "https://example.org/d/sub", "https://example.org/d/"} {
		if _, err := read(url, -1); err == nil {
			t.Errorf("%s opened", url)
		}
	}
}

func TestParseMirror(t *testing.T) {
	wd, _ := os.Getwd()
	tests := []struct{ in, prefix, target string }{
		{"https://a.org/x=http://127.0.0.1:80/y", "https://a.org/x", "http://127.0.0.1:80/y"},
		{"http://127.0.0.1:1=/srv/m", "http://127.0.0.1:1", "/srv/m"},
		{"https://a.org/f?id=1&b==/srv/m", "https://a.org/f?id=1&b=", "/srv/m"},
		{"https://a.org/f?id=https://b.org", "https://a.org/f?id", "https://b.org"},
		{"https://a.org=rel", "https://a.org", filepath.Join(wd, "rel")},
		{"https://a.org=./rel", "https://a.org", filepath.Join(wd, "rel")},
	}
	for _, tt := range tests {
		if m, err := sources.ParseMirror(tt.in); err != nil || m.Prefix != tt.prefix || m.Target != tt.target {
			t.Errorf("%s: %+v, %v", tt.in, m, err)
		}
	}
	for _, bad := range []string{"", "=", "https://a.org", "https://a.org=", "ftp://=/x", "/x=/y", "https://=/x", "https://a=ftp://b", "https://a=http://"} {
		if m, err := sources.ParseMirror(bad); err == nil {
			t.Errorf("%q: %+v", bad, m)
		}
	}
}

func TestLongestPrefixWinsAndHostsAreWhole(t *testing.T) {
	right := sourcestest.Serve(t, map[string][]byte{"f": []byte("right"), "x/f": []byte("x")})
	wrong := sourcestest.Serve(t, map[string][]byte{})
	c := sources.NewClient(sources.Options{Mirrors: []sources.Mirror{
		{Prefix: "http://127.0.0.1:9", Target: wrong.URL},
		{Prefix: "http://127.0.0.1:9/deep/", Target: right.URL + "/"},
		{Prefix: right.URL[:len(right.URL)-1], Target: wrong.URL},
	}, Retries: sources.Retries{Attempts: 1}})
	defer c.Close()
	for url, want := range map[string]string{"http://127.0.0.1:9/deep/f": "right", right.URL + "/x/f": "x"} {
		b, err := c.Open(context.Background(), "http", sources.File{Info: blob.Info{Size: -1}, URL: url})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := blob.ReadAll(b); string(got) != want {
			t.Errorf("%s: %q", url, got)
		}
		b.Close()
	}
	if n, _ := wrong.Count(); n != 0 {
		t.Error("the wrong mirror was asked")
	}
}

func FuzzParseMirror(f *testing.F) {
	f.Add("https://a.org/f?id=1=/srv/m")
	f.Add("http://h=http://127.0.0.1/")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := sources.ParseMirror(s)
		if err != nil {
			return
		}
		if !strings.HasPrefix(m.Prefix, "http") || !strings.HasPrefix(s, m.Prefix+"=") {
			t.Errorf("%q: %+v", s, m)
		}
		if !strings.HasPrefix(m.Target, "http") && !filepath.IsAbs(m.Target) {
			t.Errorf("%q: target %q", s, m.Target)
		}
	})
}

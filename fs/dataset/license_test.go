package dataset

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/fs/cache"
	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// licensed is a platform whose record is the licence that it tells.
type licensed struct{ asked *int }

func (l licensed) Files(context.Context, string) ([]sources.File, error) {
	return []sources.File{{Info: blob.Info{Path: "readme.txt", Size: 2}, URL: "https://example.org/readme.txt"}}, nil
}

func (l licensed) Open(context.Context, sources.File) (blob.Blob, error) {
	return blob.Bytes([]byte("hi")), nil
}

func (l licensed) License(_ context.Context, record string) (string, error) {
	*l.asked++
	if record == "down" {
		return "", sources.ErrTimeout
	}
	return sources.SPDX(record), nil
}

func clientAndCache(t *testing.T) (*sources.Client, *cache.Cache) {
	t.Helper()
	client := sources.NewClient(sources.Options{})
	t.Cleanup(func() { client.Close() })
	c, err := cache.Open(t.Context(), t.TempDir(), cache.Options{Limit: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return client, c
}

func TestLicense(t *testing.T) {
	asked := 0
	sources.Register("test-licensed", func(*sources.Client) sources.Source { return licensed{&asked} })
	client, c := clientAndCache(t)
	accepted := ""
	load := func(record string) (*Dataset, error) {
		env := NewEnv(client, c, 1<<20, slog.New(slog.DiscardHandler))
		env.Accepted = func(id string) bool { return id == accepted }
		t.Cleanup(env.Close)
		d := New(&recipe.Recipe{ID: "x", License: "CC-BY-4.0", Status: recipe.Unverified,
			Source: recipe.Source{Platform: "test-licensed", Record: record}}, env)
		return d, d.Load(t.Context())
	}
	for _, tt := range []struct {
		record, warning string
		refused         bool
		asks            int // with a second mount
	}{
		{"CC BY 4.0", "", false, 1},
		{"", "", false, 0},
		{"CC0", "under CC0-1.0, the recipe says CC-BY-4.0", false, 1},
		{"Some data use text", "under LicenseRef-some-data-use-text", false, 1},
		{"CC BY-NC-ND 4.0", "under CC-BY-NC-ND-4.0", true, 1},
		{"Restricted", "under LicenseRef-restricted", true, 1},
		{"down", "", false, 2},
	} {
		asked, accepted = 0, ""
		for range 2 {
			d, err := load(tt.record)
			if errors.Is(err, sources.ErrRefused) != tt.refused || err != nil && !strings.Contains(err.Error(), "--accept-license x") {
				t.Errorf("%q: %v", tt.record, err)
			}
			if got := strings.Join(d.LicenseWarnings(), "; "); !strings.Contains(got, tt.warning) || (got == "") != (tt.warning == "") {
				t.Errorf("%q: warning %q", tt.record, got)
			}
		}
		if asked != tt.asks {
			t.Errorf("%q: asked %d times, want %d", tt.record, asked, tt.asks)
		}
		accepted = "x"
		if d, err := load(tt.record); err != nil {
			t.Errorf("%q, accepted: %v", tt.record, err)
		} else if b, err := d.Raw().Open(t.Context(), "readme.txt"); err != nil {
			t.Errorf("%q, accepted: %v", tt.record, err)
		} else {
			b.Close()
		}
	}
}

// changing is a platform whose licence and listing change, and which may be down.
type changing struct {
	mu            sync.Mutex
	license       string
	down          bool
	asked, listed int
}

func (c *changing) Files(context.Context, string) ([]sources.File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listed++
	if c.down {
		return nil, sources.ErrTimeout
	}
	return []sources.File{{Info: blob.Info{Path: fmt.Sprintf("readme-%d.txt", c.listed), Size: 2}, URL: "https://example.org/readme.txt"}}, nil
}

func (c *changing) Open(context.Context, sources.File) (blob.Blob, error) {
	return blob.Bytes([]byte("hi")), nil
}

func (c *changing) License(context.Context, string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if c.down {
		return "", sources.ErrTimeout
	}
	return c.license, nil
}

func (c *changing) set(license string, down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.license, c.down, c.asked, c.listed = license, down, 0, 0
}

func (c *changing) counts() (asked, listed int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked, c.listed
}

// TestFactsAge lets time pass between mounts: listing and licence are asked for
// again when they are old, and hold while the platform does not answer.
func TestFactsAge(t *testing.T) {
	platform := &changing{license: "CC-BY-4.0"}
	sources.Register("test-changing", func(*sources.Client) sources.Source { return platform })
	client, c := clientAndCache(t)
	clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	// visit mounts, lists and reads, and waits for what that has started.
	visit := func() (files, warnings string, err error) {
		env := NewEnv(client, c, 1<<20, slog.New(slog.DiscardHandler))
		env.now = func() time.Time { return clock }
		defer env.Close()
		d := New(&recipe.Recipe{ID: "x", License: "CC-BY-4.0", Status: recipe.Unverified,
			Source: recipe.Source{Platform: "test-changing", Record: "r"}}, env)
		if err := d.Load(t.Context()); err != nil {
			return "", "", err
		}
		if w, err := d.loads.start("license", func(context.Context) error { return nil }); err == nil {
			<-w.done
		}
		b, err := d.OpenRaw(t.Context(), 0)
		if err != nil {
			return "", "", err
		}
		b.Close()
		return d.Raw().At(0).Path, strings.Join(d.LicenseWarnings(), "; "), nil
	}
	for i, step := range []struct {
		later         time.Duration
		license       string
		down          bool
		file, warning string
		asked, listed int
	}{
		{0, "CC-BY-4.0", false, "readme-1.txt", "", 1, 1},
		{time.Hour, "CC0-1.0", false, "readme-1.txt", "", 0, 0},
		{25 * time.Hour, "CC0-1.0", true, "readme-1.txt", "", 0, 1},
		{time.Minute, "CC0-1.0", false, "readme-1.txt", "", 0, 1}, // the platform counts anew
		{31 * 24 * time.Hour, "CC0-1.0", true, "readme-1.txt", "", 1, 1},
		{time.Minute, "CC0-1.0", false, "readme-1.txt", "under CC0-1.0", 1, 1},
		{time.Minute, "CC-BY-4.0", true, "readme-1.txt", "under CC0-1.0", 0, 0},
		{-20 * 24 * time.Hour, "CC-BY-4.0", false, "readme-1.txt", "", 1, 1}, // a clock that was wrong
	} {
		clock = clock.Add(step.later)
		platform.set(step.license, step.down)
		file, warning, err := visit()
		if err != nil || file != step.file || !strings.Contains(warning, step.warning) || (warning == "") != (step.warning == "") {
			t.Errorf("step %d: %s, warning %q, %v", i, file, warning, err)
		}
		if asked, listed := platform.counts(); asked != step.asked || listed != step.listed {
			t.Errorf("step %d: asked %d times, listed %d; want %d, %d", i, asked, listed, step.asked, step.listed)
		}
	}
	clock = clock.Add(31 * 24 * time.Hour)
	platform.set("CC-BY-NC-ND-4.0", false)
	if _, _, err := visit(); err != nil && !errors.Is(err, sources.ErrRefused) {
		t.Error(err)
	}
	if _, _, err := visit(); !errors.Is(err, sources.ErrRefused) {
		t.Errorf("a licence that was closed: %v", err)
	}
}

// TestTermsAgree holds what recipes may say and what platforms' licences mean
// to one meaning: the two layers may not import each other.
func TestTermsAgree(t *testing.T) {
	for _, id := range recipe.Licenses() {
		allowed, _ := recipe.Redistributable(id)
		want := sources.TermsClosed
		if allowed {
			want = sources.TermsOpen
		}
		if got := sources.TermsOf(id); got != want {
			t.Errorf("%s: %d, want %d", id, got, want)
		}
	}
}

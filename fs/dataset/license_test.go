package dataset

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

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

func TestLicense(t *testing.T) {
	asked := 0
	sources.Register("test-licensed", func(*sources.Client) sources.Source { return licensed{&asked} })
	client := sources.NewClient(sources.Options{})
	t.Cleanup(func() { client.Close() })
	c, err := cache.Open(t.Context(), t.TempDir(), cache.Options{Limit: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
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

package sources

import (
	"context"
	"testing"
)

// FuzzRecord gives every platform records that strangers have written. Nobody is
// asked: what is listed without that has URLs.
func FuzzRecord(f *testing.F) {
	for _, s := range []string{
		"123", "123/3", "collections/7", "abc/1", "host/doi:10.1/X@1.0", "doi:10.5061/dryad.x@2", "owner/name/versions/3", "competitions/x",
		"doi/10.7937/abc@24.2.2", "analysis/x", "collection/y", "a,b", "zenodo:12", "https://example.org/a.zip https://example.org/b.zip",
		"s3://bucket/prefix/", "https://example.org/x/?a=b", "ftp://h/p/", "series:1.2,1.3", "owner/repo@tag", "1a_B-c, 2",
		"grandchallenge:grandchallenge:x", "gdrive:1a_B-c", "idc:doi/10.1/x",
	} {
		f.Add(s)
	}
	c := NewClient(Options{Offline: true})
	f.Cleanup(func() { c.Close() })
	f.Setenv("KAGGLE_USERNAME", "u")
	f.Setenv("KAGGLE_KEY", "k")
	f.Fuzz(func(t *testing.T, record string) {
		for _, platform := range Platforms() {
			if platform == "local" || platform == "embedded" {
				continue
			}
			s, err := c.Source(platform)
			if err != nil {
				t.Fatal(err)
			}
			files, err := s.Files(context.Background(), record)
			if err == nil && len(files) == 0 && record != "" {
				t.Errorf("%s: %q: no files and no error", platform, record)
			}
			for _, x := range files {
				if x.Path == "" || x.Size < -1 || x.URL == "" {
					t.Errorf("%s: %q: %+v", platform, record, x)
				}
				b, err := c.Open(context.Background(), platform, x)
				if err == nil {
					_, err = b.ReadAt(make([]byte, 1), 0)
					b.Close()
				}
				if err == nil {
					t.Errorf("%s: %q: read offline", platform, record)
				}
			}
			if l, ok := s.(Licenser); ok {
				if id, err := l.License(context.Background(), record); err == nil && id != "" {
					t.Errorf("%s: %q: license %q from nobody", platform, record, id)
				}
			}
		}
	})
}

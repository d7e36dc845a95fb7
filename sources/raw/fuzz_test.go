package raw_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io/fs"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources/archive"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/raw"
)

// FuzzNested lists and reads hostile archives, with those within them.
func FuzzNested(f *testing.F) {
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		var buf bytes.Buffer
		z := zip.NewWriter(&buf)
		for _, name := range []string{"in.zip", "d/in.tar", "plain.png"} {
			w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
			if err != nil {
				f.Fatal(err)
			}
			w.Write(zipOf(f, "a.png", "b/c.zip"))
		}
		if err := z.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(buf.Bytes())
	}
	spool := archive.NewSpool(f.TempDir(), 1<<20)
	f.Cleanup(func() { spool.Close() })
	f.Fuzz(func(t *testing.T, data []byte) {
		files := raw.New(raw.Options{
			Spool: spool, Limits: archive.Limits{Member: 1 << 20, Members: 1000, Dictionary: 1 << 20, RatioFrom: 1 << 20, Ratio: 1100},
			List: raw.Origins(raw.Origin{Info: blob.Info{Path: "x.zip", Size: int64(len(data))}, Open: func(context.Context, raw.Origin) (blob.Blob, error) { return blob.Bytes(data), nil }}),
		})
		defer files.Close()
		list, err := files.Files(t.Context())
		if err != nil {
			return
		}
		for i, info := range list {
			if !fs.ValidPath(info.Path) || i > 0 && list[i-1].Path >= info.Path {
				t.Fatalf("%q: no path, or out of order", info.Path)
			}
			if i > 50 || info.Size > 1<<20 {
				continue
			}
			b, err := files.Open(t.Context(), info.Path)
			if err != nil {
				continue
			}
			if got, err := blob.ReadAll(b); err == nil && int64(len(got)) != info.Size {
				t.Fatalf("%q: %d bytes, listed with %d", info.Path, len(got), info.Size)
			}
			b.Close()
		}
	})
}

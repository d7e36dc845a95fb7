package dataset

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/omnimedseg/omnimedfs/fs/cache"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/raw"
)

// keepRaw bounds the raw files that are kept in the cache whole. Bigger ones
// that can be read at random are read by range each time; the kernel's page
// cache serves repeats.
const keepRaw = 64 << 20

// Raw is the raw listing, sorted by path, archives entered by "!/".
func (d *Dataset) Raw() *raw.Files { return d.state.Load().raw }

// RawBytes is the size of all raw files whose size is known.
func (d *Dataset) RawBytes() (n int64) {
	files := d.Raw()
	for i := range files.Len() {
		n += max(0, files.At(i).Size)
	}
	return n
}

// RawSize returns the exact size of raw file i.
func (d *Dataset) RawSize(ctx context.Context, i int) (int64, error) {
	s := d.state.Load()
	f := s.raw.At(i)
	if f.Size >= 0 {
		return f.Size, nil
	}
	info, err := s.raw.Stat(ctx, f.Path)
	if err != nil {
		return 0, d.wrapRaw(f, err)
	}
	return info.Size, nil
}

// OpenRaw returns the original bytes of raw file i.
func (d *Dataset) OpenRaw(ctx context.Context, i int) (blob.Blob, error) {
	s := d.state.Load()
	f := s.raw.At(i)
	if !d.keeps(f) {
		b, err := s.raw.Open(ctx, f.Path)
		if err != nil {
			return nil, d.wrapRaw(f, err)
		}
		return b, nil
	}
	return openHealing(ctx, func(ctx context.Context) (blob.Blob, error) {
		return d.derived(ctx, d.rawKey(f), func(ctx context.Context, w io.Writer) error {
			if err := copyRaw(ctx, s.raw, f, w); err != nil {
				return d.wrapRaw(f, err)
			}
			return nil
		})
	})
}

func (d *Dataset) wrapRaw(f blob.Info, err error) error {
	return fmt.Errorf("%s: raw %s: %w", d.Recipe.ID, f.Path, err)
}

// keeps tells whether a raw file is kept in the cache.
func (d *Dataset) keeps(f blob.Info) bool {
	plainLocal := d.local() && !strings.Contains(f.Path, "!/")
	return !plainLocal && f.Size >= 0 && f.Size <= keepRaw
}

func (d *Dataset) rawKey(f blob.Info) (key cache.Key) {
	h := sha256.New()
	writeString(h, "raw")
	writeString(h, d.Recipe.ID)
	writeInfo(h, f)
	h.Sum(key[:0])
	return key
}

// IsRawCached tells whether raw file i needs no download, as far as is known.
func (d *Dataset) IsRawCached(i int) bool {
	f := d.state.Load().raw.At(i)
	return d.local() || d.keeps(f) && d.env.Cache.Has(d.rawKey(f))
}

// FetchRaw brings raw file i into the cache, where it is one that is kept.
func (d *Dataset) FetchRaw(ctx context.Context, i int) error {
	b, err := d.OpenRaw(ctx, i)
	if err != nil {
		return err
	}
	return b.Close()
}

func copyRaw(ctx context.Context, files *raw.Files, f blob.Info, w io.Writer) error {
	b, err := files.Open(ctx, f.Path)
	if err != nil {
		return err
	}
	defer b.Close()
	_ = blob.WillNeed(ctx, b, []blob.Span{{Off: 0, Len: b.Size()}})
	_, err = io.Copy(w, blob.Reader(b))
	return err
}

// local tells whether the raw files are on this machine already.
func (d *Dataset) local() bool {
	return d.Recipe.Source.Platform == "local" || d.Recipe.Source.Platform == "embedded"
}

// derived returns plain bytes under key, made once by write.
func (d *Dataset) derived(ctx context.Context, key cache.Key, write func(ctx context.Context, w io.Writer) error) (*cache.Payload, error) {
	p, err := d.env.Cache.Get(ctx, key)
	if !errors.Is(err, cache.ErrMiss) {
		return p, err
	}
	return d.env.Cache.Fill(ctx, key, func(ctx context.Context, w *cache.Writer) error { return write(ctx, w) })
}

package dataset

import (
	"context"
	"fmt"

	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/raw"
)

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

// OpenRaw returns the original bytes of raw file i. Where the client keeps none,
// a raw file costs its download again once the kernel has let go of its pages.
func (d *Dataset) OpenRaw(ctx context.Context, i int) (blob.Blob, error) {
	s := d.state.Load()
	f := s.raw.At(i)
	b, err := s.raw.Open(ctx, f.Path)
	if err != nil {
		return nil, d.wrapRaw(f, err)
	}
	d.read.Store(true)
	return b, nil
}

func (d *Dataset) wrapRaw(f blob.Info, err error) error {
	return fmt.Errorf("%s: raw %s: %w", d.Recipe.ID, f.Path, err)
}

package dataset

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/fs/cache"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Derived is content that is made of converted files of one case: a label map
// of several masks, a preview, the prompts of a robot user. It is kept in the
// cache under a key that changes when one of those files may.
type Derived struct {
	Dataset *Dataset
	Case    int
	Slots   []int  // what it is made of
	Name    string // what it is, with a version: part of the key
}

// Image returns the decoded image or mask of case c in slot. It costs as much
// memory as the image has; callers look at one at a time.
func (d *Dataset) Image(ctx context.Context, c, slot int) (convertcore.Image, error) {
	p, err := d.Pixels(ctx, c, slot)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	pix, err := blob.ReadAll(p)
	if err != nil {
		return nil, err
	}
	h := p.Header
	if h.Form == convertcore.NIfTI {
		return convertcore.NewVolume(h, p.Lead, pix)
	}
	return convertcore.NewRaster(h.Dims[0], h.Dims[1], h.Channels, h.Bits, pix)
}

// Header returns the header of case c in slot, at the cost of a header read
// where the converter can read headers.
func (d *Dataset) Header(ctx context.Context, c, slot int) (convertcore.Header, error) {
	s := d.state.Load()
	if s.idx.absent[s.idx.file(c, slot)] {
		return convertcore.Header{}, d.wrap(s, c, slot, ErrAbsent)
	}
	p := s.idx.part(s.raw, c, slot)
	if m, ok := d.recallMeta(s, c, p); ok {
		return m.Header, nil
	}
	if hr, ok := d.conv.(convertcore.Headerer); ok {
		h, err := hr.Header(ctx, s.raw, s.idx.caseAt(s.raw, c), p)
		if err != nil {
			return h, d.wrap(s, c, slot, err)
		}
		d.learn(s, s.idx.file(c, slot), h)
		return h, nil
	}
	if err := d.Fetch(ctx, c, slot); err != nil {
		return convertcore.Header{}, err
	}
	m, ok := d.recallMeta(s, c, p)
	if !ok {
		return convertcore.Header{}, d.wrap(s, c, slot, cache.ErrMiss)
	}
	return m.Header, nil
}

// key names the derived content.
func (v *Derived) key() cache.Key {
	s := v.Dataset.state.Load()
	h := sha256.New()
	writeString(h, "derived "+v.Name)
	for _, slot := range v.Slots {
		if s.idx.absent[s.idx.file(v.Case, slot)] {
			writeUint(h, 0)
			continue
		}
		k := v.Dataset.key(s, v.Case, s.idx.part(s.raw, v.Case, slot))
		h.Write(k[:])
	}
	var k cache.Key
	h.Sum(k[:0])
	return k
}

// Cached tells whether the content is in the cache.
func (v *Derived) Cached() bool { return v.Dataset.env.Cache.Has(v.key()) }

// OpenImage returns the container of an image that make makes once: PNG or
// .nii.gz, or the .nii. A make at work does not hold the memory that
// conversions share, since it waits for conversions itself; the number of
// those at work is bounded instead.
func (v *Derived) OpenImage(ctx context.Context, nii bool, make func(ctx context.Context) (convertcore.Image, error)) (blob.Blob, error) {
	return openHealing(ctx, func(ctx context.Context) (blob.Blob, error) {
		p, err := v.payload(ctx, func(ctx context.Context, w *cache.Writer) error {
			img, err := make(ctx)
			if err != nil {
				return err
			}
			m := convertcore.Meta{Header: img.Header(), Lead: img.Lead(), Warnings: img.Warnings()}
			if m.Sums, err = convertcore.SumsOf(img); err != nil {
				return err
			}
			meta, err := m.MarshalBinary()
			if err != nil {
				return err
			}
			w.Layout(cache.Layout{Row: m.Header.RowSize(), Elem: m.Header.Elem(), Channels: m.Header.Channels})
			w.SetMeta(meta)
			_, err = w.Write(img.Payload())
			return err
		})
		if err != nil {
			return nil, err
		}
		var m convertcore.Meta
		if err := m.UnmarshalBinary(p.Meta()); err != nil {
			p.Close()
			return nil, err
		}
		if nii {
			return m.NiiBlob(p), nil
		}
		return m.Blob(p), nil
	})
}

// OpenBytes returns plain bytes that write writes once.
func (v *Derived) OpenBytes(ctx context.Context, write func(ctx context.Context, w io.Writer) error) (blob.Blob, error) {
	return openHealing(ctx, func(ctx context.Context) (blob.Blob, error) {
		return v.payload(ctx, func(ctx context.Context, w *cache.Writer) error { return write(ctx, w) })
	})
}

// payload makes the content once among its readers.
func (v *Derived) payload(ctx context.Context, fill func(context.Context, *cache.Writer) error) (*cache.Payload, error) {
	d, key := v.Dataset, v.key()
	for range 3 {
		got, err := d.env.Cache.Get(ctx, key)
		if !errors.Is(err, cache.ErrMiss) {
			return got, err
		}
		if err := d.fills.do(ctx, fmt.Sprintf("derived %x", key), func(ctx context.Context) error {
			select {
			case d.env.derive <- struct{}{}:
				defer func() { <-d.env.derive }()
			case <-ctx.Done():
				return ctx.Err()
			}
			p, err := d.env.Cache.Fill(ctx, key, fill)
			if err != nil {
				return v.wrap(err)
			}
			return p.Close()
		}); err != nil {
			return nil, err
		}
	}
	return nil, v.wrap(cache.ErrFull)
}

func (v *Derived) wrap(err error) error {
	if strings.HasPrefix(err.Error(), v.Dataset.Recipe.ID+": ") {
		return err
	}
	return fmt.Errorf("%s: case %s: %s: %w", v.Dataset.Recipe.ID, v.Dataset.CaseID(v.Case), v.Name, err)
}

// Pixels is the open payload of a converted file with what describes it.
type Pixels struct {
	blob.Blob // rows or voxels, x fastest: see convertcore.Image
	Header    convertcore.Header
	Lead      []byte // before the voxels in a .nii; nil for PNG
}

// Pixels opens the payload of case c in slot, converting on a miss. The caller
// closes it.
func (d *Dataset) Pixels(ctx context.Context, c, slot int) (*Pixels, error) {
	var m convertcore.Meta
	b, err := openHealing(ctx, func(ctx context.Context) (blob.Blob, error) {
		p, err := d.payload(ctx, c, slot)
		if err != nil {
			return nil, err
		}
		err = m.UnmarshalBinary(p.Meta())
		if err == nil {
			err = d.checkPin(c, slot, &m)
		}
		if err != nil {
			p.Close()
			return nil, err
		}
		d.read.Store(true)
		return p, nil
	})
	if err != nil {
		return nil, err
	}
	return &Pixels{b, m.Header, m.Lead}, nil
}

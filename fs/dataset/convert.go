package dataset

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/fs/cache"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// payload returns the converted pixels of a file, converting on a miss.
func (d *Dataset) payload(ctx context.Context, c, slot int) (*cache.Payload, error) {
	s := d.state.Load()
	if s.idx.absent[s.idx.file(c, slot)] {
		return nil, d.wrap(s, c, slot, ErrAbsent)
	}
	p := s.idx.part(s.raw, c, slot)
	key := d.key(s, c, p)
	// The second round is for a payload that was evicted between its commit
	// and our Get, which needs a cache hardly bigger than the payload.
	for range 3 {
		got, err := d.env.Cache.Get(ctx, key)
		if !errors.Is(err, cache.ErrMiss) {
			return got, err
		}
		if err := d.fills.do(ctx, d.group(c, p), func(ctx context.Context) error {
			if err := d.convert(ctx, s, c, slot); err != nil {
				return d.wrap(s, c, slot, err)
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return nil, d.wrap(s, c, slot, cache.ErrFull)
}

// group names the work that makes part p: masks that come out of the same raw
// label files are made together.
func (d *Dataset) group(c int, p *convertcore.Part) string {
	if _, ok := d.conv.(convertcore.AllConverter); ok && p.Kind == convertcore.KindLabel && len(p.Raw) > 0 {
		return fmt.Sprintf("labels %d %q", c, p.Raw)
	}
	return fmt.Sprintf("part %d %d %q", c, p.Kind, p.Name)
}

// convert makes the file of case c in slot, and its siblings that the same
// decoding yields, and commits them to the cache.
func (d *Dataset) convert(ctx context.Context, s *state, c, slot int) error {
	cs := s.idx.caseAt(s.raw, c)
	p := s.idx.part(s.raw, c, slot)
	release, err := d.env.reserve(ctx, d.workSize(s, c, slot))
	if err != nil {
		return err
	}
	defer release()
	all, ok := d.conv.(convertcore.AllConverter)
	if !ok || p.Kind == convertcore.KindImage {
		img, err := d.conv.Convert(ctx, s.raw, cs, p)
		if err != nil {
			return err
		}
		return d.store(ctx, s, c, p, img)
	}
	var parts []*convertcore.Part
	for i := range cs.Labels {
		l := &cs.Labels[i]
		if slices.Equal(l.Raw, p.Raw) && (l.Name == p.Name || !d.env.Cache.Has(d.key(s, c, l))) {
			parts = append(parts, l)
		}
	}
	return all.ConvertAll(ctx, s.raw, cs, parts, func(p *convertcore.Part, img convertcore.Image) error {
		return d.store(ctx, s, c, p, img)
	})
}

// workSize estimates the bytes that converting a file holds: the decoded raw
// label or image and the output beside it.
func (d *Dataset) workSize(s *state, c, slot int) int64 {
	n := 2 * s.sizes[s.idx.file(c, slot)].Load()
	for _, path := range s.idx.part(s.raw, c, slot).Raw {
		if f, ok := s.raw.Lookup(path); ok {
			n += max(0, f.Size)
		}
	}
	return n
}

// store commits a converted image under its key, with all that is needed to
// serve it: header, checksums of the containers, provenance.
func (d *Dataset) store(ctx context.Context, s *state, c int, p *convertcore.Part, img convertcore.Image) error {
	h := img.Header()
	slot := s.idx.slotOf(p)
	if known, ok := d.KnownSize(c, slot, false); ok && known != h.EncodedSize() {
		return fmt.Errorf("the header announced a file of %d bytes, the data make %d: %w", known, h.EncodedSize(), convertcore.ErrMismatch)
	}
	meta, err := d.describe(s, p, img)
	if err != nil {
		return err
	}
	pl, err := d.env.Cache.Fill(ctx, d.key(s, c, p), func(_ context.Context, w *cache.Writer) error {
		w.Layout(cache.Layout{Row: h.RowSize(), Elem: h.Elem(), Channels: h.Channels})
		w.SetMeta(meta)
		_, err := w.Write(img.Payload())
		return err
	})
	if err != nil {
		return err
	}
	d.learn(s, s.idx.file(c, slot), h)
	if sl, ok := img.(interface{ Slices() []convertcore.Slice }); ok && len(sl.Slices()) > 0 && d.sliced(s, c, slot) {
		if err := d.keepSlices(ctx, s, c, p, sl.Slices()); err != nil {
			d.env.Log.Warn("slices not kept", "dataset", d.Recipe.ID, "case", s.idx.ids[c], "error", err)
		}
	}
	d.env.done.files.Add(1)
	d.env.done.bytes.Add(h.PayloadSize())
	return pl.Close()
}

// describe makes the meta record of a converted image.
func (d *Dataset) describe(s *state, p *convertcore.Part, img convertcore.Image) ([]byte, error) {
	m := convertcore.Meta{Header: img.Header(), Lead: img.Lead(), Warnings: img.Warnings()}
	var err error
	if m.Sums, err = convertcore.SumsOf(img); err != nil {
		return nil, err
	}
	for _, path := range p.Raw {
		if f, ok := s.raw.Lookup(path); ok {
			m.Raw = append(m.Raw, f)
		}
	}
	return m.MarshalBinary()
}

// recallMeta returns the meta record of a file that was converted once, also
// where its payload is gone.
func (d *Dataset) recallMeta(s *state, c int, p *convertcore.Part) (convertcore.Meta, bool) {
	data, ok := d.env.Cache.Meta(d.key(s, c, p))
	if !ok {
		return convertcore.Meta{}, false
	}
	var m convertcore.Meta
	err := m.UnmarshalBinary(data)
	return m, err == nil
}

// Open returns the content of a file: PNG or .nii.gz, or the .nii beside it.
// The first opening fetches and converts; ctx bounds that and the reads.
func (d *Dataset) Open(ctx context.Context, c, slot int, nii bool) (blob.Blob, error) {
	return openHealing(ctx, func(ctx context.Context) (blob.Blob, error) {
		p, err := d.payload(ctx, c, slot)
		if err != nil {
			return nil, err
		}
		var m convertcore.Meta
		err = m.UnmarshalBinary(p.Meta())
		if err == nil {
			err = d.checkPin(c, slot, &m)
		}
		if err != nil {
			p.Close()
			return nil, err
		}
		d.read.Store(true)
		d.learn(d.state.Load(), d.state.Load().idx.file(c, slot), m.Header)
		if nii {
			return m.NiiBlob(p), nil
		}
		return m.Blob(p), nil
	})
}

// Fetch converts a file into the cache where it is not there yet.
func (d *Dataset) Fetch(ctx context.Context, c, slot int) error {
	p, err := d.payload(ctx, c, slot)
	if err != nil {
		return err
	}
	return p.Close()
}

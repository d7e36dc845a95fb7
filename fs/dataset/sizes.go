package dataset

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
)

// Sizes are kept as the length of the .png or the .nii (the .nii.gz follows
// from it), zero where not known, and written in pages some time after they
// were learnt: losing a page to a crash costs header reads, nothing else.
const (
	sizePage  = 1024
	sizeDelay = 500 * time.Millisecond
)

// sizeWriter keeps the pages that are not written yet.
type sizeWriter struct {
	mu      sync.Mutex
	dirty   map[int]bool
	running bool
}

func (s *state) sizeFact(page int) string {
	return fmt.Sprintf("size:%s:%d", hex.EncodeToString(s.id[:12]), page)
}

// recallSizes fills in what earlier mounts learnt.
func (d *Dataset) recallSizes(s *state) {
	for page := 0; page*sizePage < len(s.sizes); page++ {
		data, ok := d.env.Cache.Facts().Get(s.sizeFact(page))
		if !ok {
			continue
		}
		for f := page * sizePage; f < len(s.sizes) && f < (page+1)*sizePage; f++ {
			n, used := binary.Uvarint(data)
			if used <= 0 || int64(n) < 0 {
				break
			}
			data = data[used:]
			s.sizes[f].Store(int64(n))
		}
	}
}

// learn keeps the size of file f.
func (d *Dataset) learn(s *state, f int, h convertcore.Header) {
	n := h.EncodedSize()
	if h.Form == convertcore.NIfTI {
		n = h.NiiSize()
	}
	if s.sizes[f].Swap(n) == n {
		return
	}
	w := &s.writer
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dirty == nil {
		w.dirty = map[int]bool{}
	}
	w.dirty[f/sizePage] = true
	if !w.running {
		w.running = true
		d.env.work.Add(1)
		go d.writeSizes(s)
	}
}

// writeSizes writes the dirty pages until there are none.
func (d *Dataset) writeSizes(s *state) {
	defer d.env.work.Done()
	w := &s.writer
	for {
		select {
		case <-time.After(sizeDelay):
		case <-d.env.ctx.Done():
		}
		w.mu.Lock()
		pages := w.dirty
		w.dirty = nil
		if len(pages) == 0 {
			w.running = false
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
		for page := range pages {
			var data []byte
			for f := page * sizePage; f < len(s.sizes) && f < (page+1)*sizePage; f++ {
				data = binary.AppendUvarint(data, uint64(s.sizes[f].Load()))
			}
			if err := d.env.Cache.Facts().Set(s.sizeFact(page), data); err != nil {
				d.env.Log.Warn("size not kept", "dataset", d.Recipe.ID, "error", err)
			}
		}
	}
}

// KnownSize returns the size of a file where it needs no I/O. nii asks for
// the .nii that stands beside a .nii.gz.
func (d *Dataset) KnownSize(c, slot int, nii bool) (int64, bool) {
	s := d.state.Load()
	n := s.sizes[s.idx.file(c, slot)].Load()
	if n == 0 {
		return 0, false
	}
	return listedSize(s.idx.slots[slot].Form, n, nii), true
}

func listedSize(form convertcore.Form, n int64, nii bool) int64 {
	if form == convertcore.NIfTI && !nii {
		return convertcore.GzipSize(n)
	}
	return n
}

// Size returns the exact size of a file, at the cost of a header read where
// the converter can read headers.
func (d *Dataset) Size(ctx context.Context, c, slot int, nii bool) (int64, error) {
	if n, ok := d.KnownSize(c, slot, nii); ok {
		return n, nil
	}
	s := d.state.Load()
	f := s.idx.file(c, slot)
	if s.idx.absent[f] {
		return 0, d.wrap(s, c, slot, ErrAbsent)
	}
	hr, ok := d.conv.(convertcore.Headerer)
	if !ok {
		p, err := d.payload(ctx, c, slot)
		if err != nil {
			return 0, err
		}
		p.Close()
	} else if err := d.fills.do(ctx, fmt.Sprintf("size %d", f), func(ctx context.Context) error {
		p := s.idx.part(s.raw, c, slot)
		if meta, ok := d.recallMeta(s, c, p); ok {
			d.learn(s, f, meta.Header)
			return nil
		}
		h, err := hr.Header(ctx, s.raw, s.idx.caseAt(s.raw, c), p)
		if err != nil {
			return d.wrap(s, c, slot, err)
		}
		d.learn(s, f, h)
		return nil
	}); err != nil {
		return 0, err
	}
	n, _ := d.KnownSize(c, slot, nii)
	return n, nil
}

// wrap says whose error it is, where the converter has not said so.
func (d *Dataset) wrap(s *state, c, slot int, err error) error {
	if s.missing != nil && (errors.Is(err, recipe.ErrAbsent) || errors.Is(err, ErrAbsent)) {
		err = fmt.Errorf("%w; an archive is broken that may hold it: %w", err, s.missing)
	}
	if strings.HasPrefix(err.Error(), d.Recipe.ID+": ") {
		return err
	}
	p := s.idx.slots[slot]
	what := "image"
	if p.Kind == convertcore.KindLabel {
		what = "label"
	}
	if p.Name != "" {
		what += " " + p.Name
	}
	return fmt.Errorf("%s: case %s: %s: %w", d.Recipe.ID, s.idx.ids[c], what, err)
}

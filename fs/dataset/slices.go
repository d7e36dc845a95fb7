package dataset

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/fs/cache"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Which slice of a DICOM series is which plane of an image is told by the
// slices' own headers. mapping.json follows from the listing alone; so they have
// a file for each image, whose size costs what the image's does: its headers.

// Sliced tells whether a file is an image of DICOM slices, by its raw paths.
func (d *Dataset) Sliced(c, slot int) bool { return d.sliced(d.state.Load(), c, slot) }

func (d *Dataset) sliced(s *state, c, slot int) bool {
	if !d.mayBeSliced {
		return false
	}
	sl, ok := d.conv.(convertcore.Slicer)
	return ok && !s.idx.absent[s.idx.file(c, slot)] && sl.Sliced(s.idx.part(s.raw, c, slot))
}

// SlicesName is the name of the file that lists the slices of an image.
func (d *Dataset) SlicesName(c, slot int) string { return d.state.Load().idx.slicesName(c, slot) }

func (x *index) slicesName(c, slot int) string {
	return strings.TrimSuffix(x.name(c, slot), x.slots[slot].Form.Ext()) + ".json"
}

// Slices returns the file that lists the slices of an image: one a line, in the
// order of the voxels. It reads their headers where the image was not converted
// before.
func (d *Dataset) Slices(ctx context.Context, c, slot int) (blob.Blob, error) {
	s := d.state.Load()
	p := s.idx.part(s.raw, c, slot)
	return openHealing(ctx, func(ctx context.Context) (blob.Blob, error) {
		key := d.slicesKey(s, c, p)
		if got, err := d.env.Cache.Get(ctx, key); err == nil {
			return got, nil
		}
		if err := d.fills.do(ctx, fmt.Sprintf("slices %d %d", c, slot), func(ctx context.Context) error {
			list, err := d.conv.(convertcore.Slicer).Slices(ctx, s.raw, s.idx.caseAt(s.raw, c), p)
			if err != nil {
				return d.wrap(s, c, slot, err)
			}
			return d.keepSlices(ctx, s, c, p, list)
		}); err != nil {
			return nil, err
		}
		return d.env.Cache.Get(ctx, key)
	})
}

func (d *Dataset) slicesKey(s *state, c int, p *convertcore.Part) cache.Key {
	k := d.key(s, c, p)
	return s.derivedKey(metadataVersion + "slices " + string(k[:]))
}

// keepSlices writes the file of an image's slices.
func (d *Dataset) keepSlices(ctx context.Context, s *state, c int, p *convertcore.Part, list []convertcore.Slice) error {
	got, err := d.derived(ctx, d.slicesKey(s, c, p), func(_ context.Context, w io.Writer) error {
		b := bufio.NewWriterSize(w, 64<<10)
		b.WriteString("{\n\"case\": ")
		writeJSON(b, s.idx.ids[c])
		b.WriteString(",\n\"image\": ")
		writeJSON(b, s.idx.path(c, s.idx.slotOf(p)))
		b.WriteString(",\n\"slices\": [")
		sep := "\n"
		for _, sl := range list {
			b.WriteString(sep)
			sep = ",\n"
			writeJSON(b, struct {
				Z        int         `json:"z"`
				T        int         `json:"t"`
				UID      string      `json:"sop_instance_uid"`
				Raw      string      `json:"raw"`
				Frame    int         `json:"frame"`
				Position *[3]float64 `json:"position_lps_mm"`
			}{sl.Z, sl.T, sl.SOPInstanceUID, RawPath(sl.Path), sl.Frame, sl.Position})
		}
		b.WriteString("\n]\n}\n")
		return b.Flush()
	})
	if err != nil {
		return err
	}
	return got.Close()
}

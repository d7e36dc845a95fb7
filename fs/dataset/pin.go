package dataset

import (
	"encoding/hex"
	"fmt"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Pin demands that converted files have the given SHA-256 (of the listed
// container, in hex) by their paths below the dataset's folder. One that has
// another fails with blob.ErrChecksum; those that are not named are free. It is
// called before the first use.
func (d *Dataset) Pin(sums map[string]string) { d.pins = sums }

// checkPin compares a converted file with what was pinned.
func (d *Dataset) checkPin(c, slot int, m *convertcore.Meta) error {
	if d.pins == nil {
		return nil
	}
	s := d.state.Load()
	path := s.idx.path(c, slot)
	want, ok := d.pins[path]
	if got := hex.EncodeToString(m.Sums.SHA256[:]); ok && got != want {
		return d.wrap(s, c, slot, fmt.Errorf("%w: the lock file has sha256 %s, this is %s", blob.ErrChecksum, want, got))
	}
	return nil
}

// Sums returns the SHA-256 in hex of the files that were converted once, by
// their paths below the dataset's folder, and how many files there are in all.
func (d *Dataset) Sums() (sums map[string]string, files int) {
	s := d.state.Load()
	sums = map[string]string{}
	for c := range s.idx.ids {
		for slot := range s.idx.slots {
			if s.idx.absent[s.idx.file(c, slot)] {
				continue
			}
			files++
			if m, ok := d.recallMeta(s, c, s.idx.part(s.raw, c, slot)); ok {
				sums[s.idx.path(c, slot)] = hex.EncodeToString(m.Sums.SHA256[:])
			}
		}
	}
	return sums, files
}

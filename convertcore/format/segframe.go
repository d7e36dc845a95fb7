package format

import (
	"fmt"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// segFrame is one frame: of which segment, and where its pixels lie.
type segFrame struct {
	segment     int // 0 in a LABELMAP, whose values are the segments
	position    [3]float64
	orientation [6]float64 // along a row, then along a column
	spacing     [2]float64 // mm between rows, then between columns
	sources     []string   // SOP Instance UIDs of the slices that it was made of
	place       missing
}

// missing says which parts of a frame's place are not known.
type missing struct{ position, orientation, spacing bool }

// readFrames joins what all frames share with what each has of its own,
// PS3.3 section C.7.6.16. The number of frames is what is there, and has to be
// what the file says.
func (s *SEG) readFrames(f *iodFile) error {
	shared, err := f.item(tag.SharedFunctionalGroupsSequence)
	if err != nil {
		return err
	}
	base := segFrame{place: missing{true, true, true}}
	if err := base.read(shared); err != nil {
		return err
	}
	groups, err := f.items(tag.PerFrameFunctionalGroupsSequence)
	if err != nil {
		return err
	}
	if n, _ := f.integer(tag.NumberOfFrames); n != len(groups) || n == 0 {
		return malformed("%d frames, of which %d are described", n, len(groups))
	}
	known := make(map[int]bool, len(s.segments))
	for _, g := range s.segments {
		known[g.Number] = true
	}
	for i, group := range groups {
		frame := base
		if err := frame.read(group); err != nil {
			return fmt.Errorf("frame %d: %w", i+1, err)
		}
		switch {
		case frame.place != missing{}:
			return unsupported("frame %d has no place in the patient", i+1)
		case s.Type == "LABELMAP":
			frame.segment = 0
		case !known[frame.segment]:
			return malformed("frame %d is of segment %d, which is not described", i+1, frame.segment)
		}
		s.frames = append(s.frames, frame)
	}
	return nil
}

// read takes what a functional group says and leaves the rest.
func (f *segFrame) read(group iodSet) error {
	id, err := group.item(tag.SegmentIdentificationSequence)
	if err != nil {
		return err
	}
	if n, ok := id.ushort(tag.ReferencedSegmentNumber); ok {
		f.segment = n
	}
	for _, v := range []struct {
		group, value tag.Tag
		dst          []float64
		missing      *bool
	}{
		{tag.PlanePositionSequence, tag.ImagePositionPatient, f.position[:], &f.place.position},
		{tag.PlaneOrientationSequence, tag.ImageOrientationPatient, f.orientation[:], &f.place.orientation},
		{tag.PixelMeasuresSequence, tag.PixelSpacing, f.spacing[:], &f.place.spacing},
	} {
		item, err := group.item(v.group)
		if err != nil {
			return err
		}
		found, err := item.vector(v.value, v.dst)
		if err != nil {
			return err
		}
		*v.missing = *v.missing && !found
	}
	sources, err := group.texts(tag.ReferencedSOPInstanceUID, tag.DerivationImageSequence, tag.SourceImageSequence)
	if len(sources) > 0 {
		f.sources = sources
	}
	return err
}

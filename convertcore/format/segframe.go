package format

import (
	"fmt"

	"github.com/omnimedseg/omnimedfs/convertcore/dicom"
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
// PS3.3 section C.7.6.16. Each frame of the pixels has to be described.
func (s *SEG) readFrames(d *dicom.Dataset) error {
	base := segFrame{place: missing{true, true, true}}
	if err := base.read(d.Item(dicom.SharedFunctionalGroups)); err != nil {
		return err
	}
	groups := d.Items(dicom.PerFrameFunctional)
	if len(groups) != s.pixels.Frames {
		return malformed("%d frames, of which %d are described", s.pixels.Frames, len(groups))
	}
	known := make(map[int]bool, len(s.segments))
	for _, g := range s.segments {
		known[g.Number] = true
	}
	s.frames = make([]segFrame, len(groups))
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
		s.frames[i] = frame
	}
	return nil
}

// read takes what a functional group says and leaves the rest.
func (f *segFrame) read(group *dicom.Dataset) error {
	if n, ok := group.Item(dicom.SegmentIdentification).Int(dicom.ReferencedSegment); ok {
		f.segment = n
	}
	for _, v := range []struct {
		group, value dicom.Tag
		dst          []float64
		missing      *bool
	}{
		{dicom.PlanePositionSequence, dicom.ImagePositionPatient, f.position[:], &f.place.position},
		{dicom.PlaneOrientationSeq, dicom.ImageOrientationPatient, f.orientation[:], &f.place.orientation},
		{dicom.PixelMeasuresSequence, dicom.PixelSpacing, f.spacing[:], &f.place.spacing},
	} {
		found, err := vectorOf(group.Item(v.group), v.value, v.dst)
		if err != nil {
			return err
		}
		*v.missing = *v.missing && !found
	}
	if sources := textsOf(group, dicom.ReferencedSOPInstance, dicom.DerivationImageSeq, dicom.SourceImageSequence); len(sources) > 0 {
		f.sources = sources
	}
	return nil
}

// vectorOf fills dst with exactly as many numbers as it holds; false where the
// element is absent.
func vectorOf(d *dicom.Dataset, t dicom.Tag, dst []float64) (bool, error) {
	v, err := d.Floats(t)
	if err != nil || len(v) == 0 {
		return false, err
	}
	if len(v) != len(dst) {
		return false, malformed("%v has %d values, not %d", t, len(v), len(dst))
	}
	copy(dst, v)
	return true, nil
}

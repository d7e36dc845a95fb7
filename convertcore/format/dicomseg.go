package format

import (
	"context"
	"fmt"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// DICOM-SEG: PS3.3, sections A.51 and C.8.20.2. A segmentation is no image on a
// grid of its own but frames with places, each of one segment, in any order and
// only where there is something; SEG.Draw lays them onto an image's grid.

// SEG is a DICOM segmentation.
type SEG struct {
	Type             string // BINARY, FRACTIONAL or LABELMAP
	Series           string // SeriesInstanceUID of the image that was segmented; "" where it is not said
	FrameOfReference string
	segments         []Segment
	frames           []segFrame
	rows, cols       int
	max              int // value of FRACTIONAL that is 1
	pixels           *segPixels
}

// Segment describes one segment.
type Segment struct {
	Number         int
	Label          string
	Description    string
	Category, Type Code
	Algorithm      string // AUTOMATIC, SEMIAUTOMATIC or MANUAL
	AlgorithmName  string
}

// Code is a coded term: ("10200004", "SCT", "Liver").
type Code struct{ Value, Scheme, Meaning string }

// ReadSEG reads a DICOM-SEG file. What is another kind of DICOM object is
// convertcore.ErrFormat.
func ReadSEG(ctx context.Context, raw convertcore.Raw, path string) (*SEG, error) {
	f, err := readIOD(ctx, raw, path)
	if err == nil {
		var s *SEG
		if s, err = newSEG(f); err == nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", path, err)
}

// Segments lists the segments in the file's order.
func (s *SEG) Segments() []Segment { return s.segments }

func newSEG(f *iodFile) (*SEG, error) {
	if class := f.text(tag.SOPClassUID); class != classSEG && class != classLabelMap {
		return nil, malformed("SOP class %q is no segmentation", class)
	}
	s := &SEG{Type: strings.ToUpper(f.text(tag.SegmentationType)), FrameOfReference: f.text(tag.FrameOfReferenceUID)}
	for _, step := range []func(*iodFile) error{s.readSeries, s.readSegments, s.readMatrix, s.readFrames, s.readPixels} {
		if err := step(f); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *SEG) readSeries(f *iodFile) error {
	uids, err := f.texts(tag.SeriesInstanceUID, tag.ReferencedSeriesSequence)
	if len(uids) == 1 {
		s.Series = uids[0]
	}
	return err
}

func (s *SEG) readSegments(f *iodFile) error {
	items, err := f.items(tag.SegmentSequence)
	if err != nil {
		return err
	}
	for _, item := range items {
		g := Segment{
			Label:         item.text(tag.SegmentLabel),
			Description:   item.text(tag.SegmentDescription),
			Algorithm:     item.text(tag.SegmentAlgorithmType),
			AlgorithmName: item.text(tag.SegmentAlgorithmName),
		}
		var ok bool
		if g.Number, ok = item.ushort(tag.SegmentNumber); !ok {
			return malformed("segment %q has no number", g.Label)
		}
		if g.Category, err = item.code(tag.SegmentedPropertyCategoryCodeSequence); err != nil {
			return err
		}
		if g.Type, err = item.code(tag.SegmentedPropertyTypeCodeSequence); err != nil {
			return err
		}
		s.segments = append(s.segments, g)
	}
	if len(s.segments) == 0 {
		return malformed("segmentation without segments")
	}
	return nil
}

// code reads the coded term of a sequence of one item.
func (s iodSet) code(t tag.Tag) (Code, error) {
	item, err := s.item(t)
	if err != nil {
		return Code{}, err
	}
	c := Code{item.text(tag.CodeValue), item.text(tag.CodingSchemeDesignator), item.text(tag.CodeMeaning)}
	for _, long := range []tag.Tag{tag.LongCodeValue, tag.URNCodeValue} {
		if c.Value == "" {
			c.Value = item.text(long)
		}
	}
	return c, nil
}

// readMatrix reads what all frames have in common.
func (s *SEG) readMatrix(f *iodFile) error {
	s.rows, _ = f.ushort(tag.Rows)
	s.cols, _ = f.ushort(tag.Columns)
	if s.rows == 0 || s.cols == 0 {
		return malformed("frames of %d×%d pixels", s.cols, s.rows)
	}
	if n, ok := f.ushort(tag.SamplesPerPixel); ok && n != 1 {
		return malformed("segmentation with %d samples a pixel", n)
	}
	switch s.Type {
	case "BINARY", "LABELMAP":
	case "FRACTIONAL":
		var ok bool
		if s.max, ok = f.ushort(tag.MaximumFractionalValue); !ok || s.max == 0 {
			s.max = 255
		}
	default:
		return unsupported("segmentation type %q", s.Type)
	}
	return nil
}

package format

import (
	"context"
	"fmt"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/dicom"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// DICOM-SEG: PS3.3, sections A.51 and C.8.20.2. A segmentation is no image on a
// grid of its own but frames with places, each of one segment, in any order and
// only where there is something; SEG.Draw lays them onto an image's grid.

// SEG is a DICOM segmentation. Its frames are read when they are drawn, so it
// is open until Close.
type SEG struct {
	Type             string // BINARY, FRACTIONAL or LABELMAP
	Series           string // SeriesInstanceUID of the image that was segmented; "" where it is not said
	FrameOfReference string
	segments         []Segment
	frames           []segFrame
	max              int // value of FRACTIONAL that is 1
	file             blob.Blob
	pixels           *dicom.Frames
	buf              []byte // the frame that was decoded last
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

// OpenSEG reads the header of a DICOM-SEG file. What is another kind of DICOM
// object is convertcore.ErrFormat.
func OpenSEG(ctx context.Context, raw convertcore.Raw, path string) (*SEG, error) {
	b, d, err := openDataset(ctx, raw, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s, err := newSEG(d)
	if err != nil {
		b.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s.file = b
	return s, nil
}

// Close closes the file.
func (s *SEG) Close() error { return s.file.Close() }

// Segments lists the segments in the file's order.
func (s *SEG) Segments() []Segment { return s.segments }

func newSEG(d *dicom.Dataset) (*SEG, error) {
	if class := d.String(dicom.SOPClassUID); class != classSEG && class != classLabelMap {
		return nil, malformed("SOP class %q is no segmentation", class)
	}
	s := &SEG{Type: strings.ToUpper(d.String(dicom.SegmentationType)), FrameOfReference: d.String(dicom.FrameOfReferenceUID)}
	if uids := segSeries(d); len(uids) == 1 {
		s.Series = uids[0]
	}
	for _, step := range []func(*dicom.Dataset) error{s.readSegments, s.readPixels, s.readFrames} {
		if err := step(d); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func segSeries(d *dicom.Dataset) []string {
	return textsOf(d, dicom.SeriesInstanceUID, dicom.ReferencedSeriesSeq)
}

func (s *SEG) readSegments(d *dicom.Dataset) error {
	for _, item := range d.Items(dicom.SegmentSequence) {
		g := Segment{
			Label:         item.String(dicom.SegmentLabel),
			Description:   item.String(dicom.SegmentDescription),
			Algorithm:     item.String(dicom.SegmentAlgorithmType),
			AlgorithmName: item.String(dicom.SegmentAlgorithmName),
			Category:      codeOf(item, dicom.PropertyCategorySeq),
			Type:          codeOf(item, dicom.PropertyTypeSeq),
		}
		var ok bool
		if g.Number, ok = item.Int(dicom.SegmentNumber); !ok {
			return malformed("segment %q has no number", g.Label)
		}
		s.segments = append(s.segments, g)
	}
	if len(s.segments) == 0 {
		return malformed("segmentation without segments")
	}
	return nil
}

// codeOf reads the coded term of a sequence of one item.
func codeOf(d *dicom.Dataset, t dicom.Tag) Code {
	item := d.Item(t)
	c := Code{item.String(dicom.CodeValue), item.String(dicom.CodingSchemeDesignator), item.String(dicom.CodeMeaning)}
	for _, long := range []dicom.Tag{dicom.LongCodeValue, dicom.URNCodeValue} {
		if c.Value == "" {
			c.Value = item.String(long)
		}
	}
	return c
}

// readPixels finds the frames, and reads what they have in common.
func (s *SEG) readPixels(d *dicom.Dataset) (err error) {
	switch s.Type {
	case "BINARY", "LABELMAP":
	case "FRACTIONAL":
		var ok bool
		if s.max, ok = d.Int(dicom.MaximumFractionalValue); !ok || s.max <= 0 {
			s.max = 255
		}
	default:
		return unsupported("segmentation type %.32q", s.Type)
	}
	if s.pixels, err = d.Frames(); err != nil {
		return err
	}
	switch p := &s.pixels.Pixels; {
	case p.Samples != 1:
		return malformed("segmentation with %d samples a pixel", p.Samples)
	case p.Allocated > 16 || p.Allocated == 1 && s.Type != "BINARY" || p.Signed:
		return unsupported("%s segmentation with %d bits a pixel", s.Type, p.Allocated)
	}
	return nil
}

// Names lists the segments for a message: `1 "Liver", 2 "Spine"`.
func (s *SEG) Names() string {
	var out []string
	for _, g := range s.segments {
		out = append(out, fmt.Sprintf("%d %q", g.Number, g.Label))
	}
	return strings.Join(out, ", ")
}

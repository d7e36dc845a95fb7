package format

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// RTSTRUCT: PS3.3, sections A.19 and C.8.8.5 and .6. A structure set is no image
// but contours in the patient; RTStruct.Draw fills them on an image's grid.

// RTStruct is a radiotherapy structure set.
type RTStruct struct {
	Series   string   // SeriesInstanceUID of the image that was contoured; "" where it is not said
	Warnings []string // what was left out
	rois     []ROI
}

// ROI is one region of interest.
type ROI struct {
	Number           int
	Name             string
	FrameOfReference string
	contours         []contour
}

// contour is a closed polygon in a plane: x, y, z of each point in mm, LPS+.
type contour []float64

// ReadRTStruct reads an RTSTRUCT file. What is another kind of DICOM object is
// convertcore.ErrFormat.
func ReadRTStruct(ctx context.Context, raw convertcore.Raw, path string) (*RTStruct, error) {
	f, err := readIOD(ctx, raw, path)
	if err == nil {
		var s *RTStruct
		if s, err = newRTStruct(f); err == nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", path, err)
}

// ROIs lists the regions in the file's order.
func (s *RTStruct) ROIs() []ROI { return s.rois }

// Names lists the regions for a message: `1 "Heart", 2 "Lung_L"`.
func (s *RTStruct) Names() string {
	var out []string
	for _, r := range s.rois {
		out = append(out, fmt.Sprintf("%d %q", r.Number, r.Name))
	}
	return strings.Join(out, ", ")
}

func newRTStruct(f *iodFile) (*RTStruct, error) {
	if class := f.text(tag.SOPClassUID); class != classRTStruct {
		return nil, malformed("SOP class %q is no structure set", class)
	}
	s := &RTStruct{}
	uids, err := rtSeries(f)
	if err != nil {
		return nil, err
	}
	if len(uids) == 1 {
		s.Series = uids[0]
	}
	items, err := f.items(tag.StructureSetROISequence)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		r := ROI{Name: item.text(tag.ROIName), FrameOfReference: item.text(tag.ReferencedFrameOfReferenceUID)}
		var ok bool
		if r.Number, ok = item.integer(tag.ROINumber); !ok {
			return nil, malformed("ROI %q has no number", r.Name)
		}
		s.rois = append(s.rois, r)
	}
	return s, s.readContours(f)
}

func rtSeries(f *iodFile) ([]string, error) {
	return f.texts(tag.SeriesInstanceUID, tag.ReferencedFrameOfReferenceSequence, tag.RTReferencedStudySequence, tag.RTReferencedSeriesSequence)
}

func (s *RTStruct) readContours(f *iodFile) error {
	if _, ok := f.find(tag.ROIContourSequence); !ok {
		return malformed("structure set without ROI Contour Sequence")
	}
	items, err := f.items(tag.ROIContourSequence)
	if err != nil {
		return err
	}
	for _, item := range items {
		n, ok := item.integer(tag.ReferencedROINumber)
		i := slices.IndexFunc(s.rois, func(r ROI) bool { return r.Number == n })
		if !ok || i < 0 {
			return malformed("contours of ROI %d, which is not described", n)
		}
		if err := s.readROI(&s.rois[i], item); err != nil {
			return fmt.Errorf("ROI %d %q: %w", n, s.rois[i].Name, err)
		}
	}
	return nil
}

// readROI keeps the closed contours; points and open lines enclose nothing.
func (s *RTStruct) readROI(r *ROI, item iodSet) error {
	items, err := item.items(tag.ContourSequence)
	if err != nil {
		return err
	}
	skipped := map[string]int{}
	for i, c := range items {
		kind := strings.ToUpper(c.text(tag.ContourGeometricType))
		points, err := c.decimals(tag.ContourData)
		if err != nil {
			return err
		}
		n, said := c.integer(tag.NumberOfContourPoints)
		if len(points)%3 != 0 || said && n*3 != len(points) {
			return malformed("contour %d has %d coordinates for %d points", i+1, len(points), n)
		}
		switch {
		case kind != "CLOSED_PLANAR" && kind != "CLOSEDPLANAR_XOR":
			skipped[kind]++
		case len(points) < 9:
			skipped["closed of fewer than 3 points"]++
		default:
			r.contours = append(r.contours, points)
		}
	}
	for kind, n := range skipped {
		s.Warnings = append(s.Warnings, fmt.Sprintf("ROI %d %q: %d contours left out: %s", r.Number, r.Name, n, kind))
	}
	slices.Sort(s.Warnings)
	return nil
}

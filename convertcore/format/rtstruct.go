package format

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/dicom"
)

// RTSTRUCT: PS3.3, sections A.19 and C.8.8.5 and .6. A structure set is no image
// but contours in the patient; RTStruct.Draw fills them on an image's grid.

// RTStruct is a radiotherapy structure set.
type RTStruct struct {
	Series string // SeriesInstanceUID of the image that was contoured; "" where it is not said
	rois   []ROI
}

// ROI is one region of interest.
type ROI struct {
	Number           int
	Name             string
	FrameOfReference string
	contours         []contour
	skipped          []string // what was left out
}

// contour is a closed polygon in a plane: x, y, z of each point in mm, LPS+.
type contour []float64

// ReadRTStruct reads an RTSTRUCT file. What is another kind of DICOM object is
// convertcore.ErrFormat.
func ReadRTStruct(ctx context.Context, raw convertcore.Raw, path string) (*RTStruct, error) {
	b, d, err := openDataset(ctx, raw, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer b.Close()
	s, err := newRTStruct(d)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
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

func newRTStruct(d *dicom.Dataset) (*RTStruct, error) {
	if class := d.String(dicom.SOPClassUID); class != classRTStruct {
		return nil, malformed("SOP class %q is no structure set", class)
	}
	s := &RTStruct{}
	if uids := rtSeries(d); len(uids) == 1 {
		s.Series = uids[0]
	}
	number := map[int]int{}
	for _, item := range d.Items(dicom.StructureSetROISequence) {
		r := ROI{Name: item.String(dicom.ROIName), FrameOfReference: item.String(dicom.ReferencedFrameOfRefUID)}
		var ok bool
		if r.Number, ok = item.Int(dicom.ROINumber); !ok {
			return nil, malformed("ROI %q has no number", r.Name)
		}
		if _, ok := number[r.Number]; !ok {
			number[r.Number] = len(s.rois)
		}
		s.rois = append(s.rois, r)
	}
	if d.Get(dicom.ROIContourSequence) == nil {
		return nil, malformed("structure set without ROI Contour Sequence")
	}
	for _, item := range d.Items(dicom.ROIContourSequence) {
		n, ok := item.Int(dicom.ReferencedROINumber)
		i, known := number[n]
		if !ok || !known {
			return nil, malformed("contours of ROI %d, which is not described", n)
		}
		if err := s.rois[i].read(item); err != nil {
			return nil, fmt.Errorf("ROI %d %q: %w", n, s.rois[i].Name, err)
		}
	}
	return s, nil
}

func rtSeries(d *dicom.Dataset) []string {
	return textsOf(d, dicom.SeriesInstanceUID, dicom.ReferencedFrameOfRefSeq, dicom.RTReferencedStudySeq, dicom.RTReferencedSeriesSeq)
}

// read keeps the closed contours; points and open lines enclose nothing.
func (r *ROI) read(item *dicom.Dataset) error {
	skipped := map[string]int{}
	for i, c := range item.Items(dicom.ContourSequence) {
		kind := strings.ToUpper(c.String(dicom.ContourGeometricType))
		points, err := c.Floats(dicom.ContourData)
		if err != nil {
			return err
		}
		n, said := c.Int(dicom.NumberOfContourPoints)
		if len(points)%3 != 0 || said && n*3 != len(points) {
			return malformed("contour %d has %d coordinates for %d points", i+1, len(points), n)
		}
		switch {
		case kind != "CLOSED_PLANAR" && kind != "CLOSEDPLANAR_XOR":
			skipped[fmt.Sprintf("%.32s", kind)]++
		case len(points) < 9:
			skipped["closed of fewer than 3 points"]++
		default:
			r.contours = append(r.contours, points)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(skipped)) {
		r.skipped = append(r.skipped, fmt.Sprintf("%d contours left out: %s", skipped[kind], kind))
	}
	return nil
}

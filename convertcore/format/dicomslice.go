package format

import (
	"context"
	"math"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/dicom"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// dicomSlice is what is known of one plane from headers. Lengths are in mm,
// directions LPS+.
type dicomSlice struct {
	path, uid, series string
	frame             int
	pix               dicom.Pixels
	placed            bool // position and orientation are known
	pos, row, col     vec3 // row: along a row, to rising columns
	spacing           [2]float64
	depth             float64 // spacing between slices, or their thickness; 0 unknown
	slope, inter      float64
	order             float64 // instance number; NaN unknown
	times             [len(timeTags)]float64
}

// timeTags tell planes at one position apart, the surest first.
var timeTags = [...]dicom.Tag{dicom.TemporalPosition, dicom.EchoNumbers, dicom.DiffusionBValue, dicom.TriggerTime, dicom.AcquisitionNumber}

func (s *dicomSlice) channels() int {
	if s.pix.Palette != nil {
		return 3
	}
	return s.pix.Samples
}

func (s *dicomSlice) bits() int {
	if s.pix.Palette != nil {
		return s.pix.Palette.Bits
	}
	return s.pix.Bits()
}

// dicomFile is an open file with its frames.
type dicomFile struct {
	blob.Blob
	frames *dicom.Frames
}

func openDICOM(ctx context.Context, raw convertcore.Raw, path string) (*dicomFile, error) {
	b, err := raw.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	f := &dicomFile{Blob: b}
	d, err := dicom.Read(b, b.Size())
	if err == nil {
		f.frames, err = d.Frames()
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return f, nil
}

// readDICOM reads the header of a file: one slice a frame.
func readDICOM(ctx context.Context, raw convertcore.Raw, path string) ([]*dicomSlice, error) {
	b, err := raw.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	d, err := dicom.Read(b, b.Size())
	if err != nil {
		return nil, err
	}
	pix, err := d.Pixels()
	if err != nil {
		return nil, err
	}
	if perFrame := len(d.Items(dicom.PerFrameFunctional)); perFrame > 0 && perFrame != pix.Frames {
		return nil, malformed("functional groups of %d frames where there are %d", perFrame, pix.Frames)
	}
	if pix.Frames > 1<<20 {
		return nil, malformed("%d frames", pix.Frames)
	}
	out := make([]*dicomSlice, pix.Frames)
	for i := range out {
		s := &dicomSlice{path: path, frame: i, pix: *pix, uid: d.String(dicom.SOPInstanceUID), series: d.String(dicom.SeriesInstanceUID)}
		if err := s.fill(d); err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, spread(d, out)
}

// frameGroups finds attributes of one frame: in its functional groups, in the
// shared ones, or in the file itself (PS3.3, C.7.6.16).
type frameGroups struct {
	d     *dicom.Dataset
	where []*dicom.Dataset
}

func (g frameGroups) floats(seq, t dicom.Tag) ([]float64, error) {
	for _, w := range g.where {
		if v, err := w.Item(seq).Floats(t); v != nil || err != nil {
			return v, err
		}
	}
	return g.d.Floats(t)
}

// number is the only value; def where there is none.
func (g frameGroups) number(seq, t dicom.Tag, def float64) (float64, error) {
	v, err := g.floats(seq, t)
	if err != nil || len(v) == 0 {
		return def, err
	}
	return v[0], nil
}

// fill reads the attributes of the slice's frame.
func (s *dicomSlice) fill(d *dicom.Dataset) (err error) {
	g := frameGroups{d: d}
	if items := d.Items(dicom.PerFrameFunctional); s.frame < len(items) {
		g.where = append(g.where, items[s.frame])
	}
	g.where = append(g.where, d.Item(dicom.SharedFunctionalGroups))
	if err := s.place(g); err != nil {
		return err
	}
	if s.slope, err = g.number(dicom.PixelValueTransformSeq, dicom.RescaleSlope, 1); err != nil {
		return err
	}
	if s.inter, err = g.number(dicom.PixelValueTransformSeq, dicom.RescaleIntercept, 0); err != nil {
		return err
	}
	if dose, ok := d.Float(dicom.DoseGridScaling); ok {
		s.slope = dose
	}
	if s.slope == 0 { // a slope that nobody filled in
		s.slope = 1
	}
	if s.order, err = g.number(0, dicom.InstanceNumber, math.NaN()); err != nil {
		return err
	}
	for i, t := range timeTags {
		v, ok := d.Float(t)
		if !ok {
			v = math.NaN()
		}
		s.times[i] = v
	}
	if items := d.Items(dicom.PerFrameFunctional); s.frame < len(items) {
		const frameContent, temporalIndex = 0x00209111, 0x00209128
		if v, ok := items[s.frame].Item(frameContent).Float(temporalIndex); ok {
			s.times[0] = v
		}
	}
	return nil
}

// place reads position, orientation and spacing.
func (s *dicomSlice) place(g frameGroups) error {
	pos, err := g.floats(dicom.PlanePositionSequence, dicom.ImagePositionPatient)
	if err != nil {
		return err
	}
	o, err := g.floats(dicom.PlaneOrientationSeq, dicom.ImageOrientationPatient)
	if err != nil {
		return err
	}
	spacing, err := g.floats(dicom.PixelMeasuresSequence, dicom.PixelSpacing)
	if err != nil {
		return err
	}
	if len(spacing) != 2 {
		if spacing, err = g.d.Floats(dicom.ImagerPixelSpacing); err != nil {
			return err
		}
	}
	s.spacing = [2]float64{1, 1}
	if len(spacing) == 2 && spacing[0] > 0 && spacing[1] > 0 {
		copy(s.spacing[:], spacing)
	}
	for _, t := range []dicom.Tag{dicom.SpacingBetweenSlices, dicom.SliceThickness} {
		if s.depth == 0 {
			if s.depth, err = g.number(dicom.PixelMeasuresSequence, t, 0); err != nil {
				return err
			}
			s.depth = math.Abs(s.depth)
		}
	}
	if len(pos) == 3 && len(o) == 6 {
		copy(s.pos[:], pos)
		s.row, s.col, err = directions(o)
		s.placed = true
	}
	return err
}

// directions are the unit vectors of an image orientation, made orthogonal
// where rounding left them oblique.
func directions(o []float64) (row, col vec3, err error) {
	row, col = vec3(o[:3]), vec3(o[3:])
	if math.Abs(row.norm()-1) > 0.1 || math.Abs(col.norm()-1) > 0.1 || math.Abs(row.dot(col)) > 0.1 {
		return row, col, malformed("image orientation %v", o)
	}
	row, col = row.scale(1/row.norm()), col.scale(1/col.norm())
	if off := row.dot(col); math.Abs(off) > 1e-4 {
		col = col.sub(row.scale(off))
		col = col.scale(1 / col.norm())
	}
	return row, col, nil
}

// spread gives the frames of a file with one position for all their own, where
// it says how far they are apart; else they have none.
func spread(d *dicom.Dataset, frames []*dicomSlice) error {
	if len(frames) < 2 || !frames[0].placed || len(d.Items(dicom.PerFrameFunctional)) > 0 {
		return nil
	}
	offsets, err := d.Floats(dicom.GridFrameOffsetVector)
	if err != nil {
		return err
	}
	step, between := d.Float(dicom.SpacingBetweenSlices)
	for i, s := range frames {
		normal := s.row.cross(s.col)
		switch {
		case len(offsets) == len(frames):
			s.pos = s.pos.add(normal.scale(offsets[i] - offsets[0]))
		case between && step != 0:
			s.pos = s.pos.add(normal.scale(step * float64(i)))
		default:
			s.placed = false
		}
	}
	return nil
}

package dicom

import (
	"fmt"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// Tag is a group and an element, 0xggggeeee.
type Tag uint32

// The tags that reading an image takes.
const (
	TransferSyntaxUID       Tag = 0x00020010
	SpecificCharacterSet    Tag = 0x00080005
	ImageType               Tag = 0x00080008
	SOPClassUID             Tag = 0x00080016
	SOPInstanceUID          Tag = 0x00080018
	Modality                Tag = 0x00080060
	SliceThickness          Tag = 0x00180050
	EchoNumbers             Tag = 0x00180086
	SpacingBetweenSlices    Tag = 0x00180088
	TriggerTime             Tag = 0x00181060
	ImagerPixelSpacing      Tag = 0x00181164
	DiffusionBValue         Tag = 0x00189087
	SeriesInstanceUID       Tag = 0x0020000e
	AcquisitionNumber       Tag = 0x00200012
	InstanceNumber          Tag = 0x00200013
	ImagePositionPatient    Tag = 0x00200032
	ImageOrientationPatient Tag = 0x00200037
	FrameOfReferenceUID     Tag = 0x00200052
	TemporalPosition        Tag = 0x00200100
	PlanePositionSequence   Tag = 0x00209113
	PlaneOrientationSeq     Tag = 0x00209116
	SamplesPerPixel         Tag = 0x00280002
	PhotometricInterp       Tag = 0x00280004
	PlanarConfiguration     Tag = 0x00280006
	NumberOfFrames          Tag = 0x00280008
	Rows                    Tag = 0x00280010
	Columns                 Tag = 0x00280011
	PixelSpacing            Tag = 0x00280030
	BitsAllocated           Tag = 0x00280100
	BitsStored              Tag = 0x00280101
	HighBit                 Tag = 0x00280102
	PixelRepresentation     Tag = 0x00280103
	RescaleIntercept        Tag = 0x00281052
	RescaleSlope            Tag = 0x00281053
	RedPaletteDescriptor    Tag = 0x00281101
	RedPaletteData          Tag = 0x00281201
	RedPaletteSegmented     Tag = 0x00281221
	PixelMeasuresSequence   Tag = 0x00289110
	PixelValueTransformSeq  Tag = 0x00289145
	GridFrameOffsetVector   Tag = 0x3004000c
	DoseGridScaling         Tag = 0x3004000e
	SharedFunctionalGroups  Tag = 0x52009229
	PerFrameFunctional      Tag = 0x52009230
	ExtendedOffsetTable     Tag = 0x7fe00001
	ExtendedOffsetLengths   Tag = 0x7fe00002
	FloatPixelData          Tag = 0x7fe00008
	DoubleFloatPixelData    Tag = 0x7fe00009
	PixelData               Tag = 0x7fe00010

	tagItem    Tag = 0xfffee000
	tagItemEnd Tag = 0xfffee00d
	tagSeqEnd  Tag = 0xfffee0dd
)

func (t Tag) group() uint16 { return uint16(t >> 16) }

// String is "(gggg,eeee)" with the keyword of a standard tag.
func (t Tag) String() string {
	s := fmt.Sprintf("(%04x,%04x)", t.group(), uint16(t))
	if info, err := tag.Find(tag.Tag{Group: t.group(), Element: uint16(t)}); err == nil {
		s += " " + info.Keyword
	}
	return s
}

// dictionary returns the value representation of a tag in the standard; "UN"
// where it has none. Where there are several, the first is as good as any: the
// getters read them alike.
func dictionary(t Tag) string {
	group, elem := t.group(), uint16(t)
	switch {
	case group&1 == 1:
		if elem >= 0x10 && elem <= 0xff {
			return "LO" // private creator
		}
		return "UN"
	case elem == 0:
		return "UL" // group length
	case group&0xff00 == 0x5000 || group&0xff00 == 0x6000:
		group &= 0xff00 // curves and overlays repeat
	}
	info, err := tag.Find(tag.Tag{Group: group, Element: elem})
	if err != nil || len(info.VRs) == 0 || len(info.VRs[0]) != 2 {
		return "UN"
	}
	return info.VRs[0]
}

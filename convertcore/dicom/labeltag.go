package dicom

// The tags that reading segmentations and structure sets takes.
const (
	CodeValue              Tag = 0x00080100
	CodingSchemeDesignator Tag = 0x00080102
	CodeMeaning            Tag = 0x00080104
	LongCodeValue          Tag = 0x00080119
	URNCodeValue           Tag = 0x00080120
	ReferencedSeriesSeq    Tag = 0x00081115
	ReferencedSOPInstance  Tag = 0x00081155
	SourceImageSequence    Tag = 0x00082112
	DerivationImageSeq     Tag = 0x00089124

	SegmentationType       Tag = 0x00620001
	SegmentSequence        Tag = 0x00620002
	PropertyCategorySeq    Tag = 0x00620003
	SegmentNumber          Tag = 0x00620004
	SegmentLabel           Tag = 0x00620005
	SegmentDescription     Tag = 0x00620006
	SegmentAlgorithmType   Tag = 0x00620008
	SegmentAlgorithmName   Tag = 0x00620009
	SegmentIdentification  Tag = 0x0062000a
	ReferencedSegment      Tag = 0x0062000b
	MaximumFractionalValue Tag = 0x0062000e
	PropertyTypeSeq        Tag = 0x0062000f

	ReferencedFrameOfRefSeq Tag = 0x30060010
	RTReferencedStudySeq    Tag = 0x30060012
	RTReferencedSeriesSeq   Tag = 0x30060014
	StructureSetROISequence Tag = 0x30060020
	ROINumber               Tag = 0x30060022
	ReferencedFrameOfRefUID Tag = 0x30060024
	ROIName                 Tag = 0x30060026
	ROIContourSequence      Tag = 0x30060039
	ContourSequence         Tag = 0x30060040
	ContourGeometricType    Tag = 0x30060042
	NumberOfContourPoints   Tag = 0x30060046
	ContourData             Tag = 0x30060050
	ReferencedROINumber     Tag = 0x30060084
)

"""Writes DICOM-SEG and RTSTRUCT files and, beside each, the masks that it
describes: argv[1]/<name>.dcm and <name>.<segment>.mask, one byte a voxel of the
image grid in the order x, y, z of DICOM (columns, rows, slices upwards).

With `small` as argv[2] only the files that are kept in testdata are written.
"""
import sys
import zlib
import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixel_data_handlers.rle_handler import rle_encode_frame
from pydicom.sequence import Sequence
from pydicom.uid import (UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian,
                         ImplicitVRLittleEndian, RLELossless)

out = sys.argv[1]
small = len(sys.argv) > 2
SERIES, FRAME = "1.2.3.4.5", "1.2.3.4.6"
COLS, ROWS, SLICES = 5, 6, 4
SPACING = (0.7, 0.8, 2.5)  # between columns, rows, slices
ORIGIN = (-10.5, 20.25, -7.0)


def item(**kw):
    d = Dataset()
    for k, v in kw.items():
        setattr(d, k, v)
    return d


def file(path, sop, syntax):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = sop, "1.2.3.9", syntax
    d = FileDataset(path, {}, file_meta=meta, preamble=bytes(128))
    d.SOPClassUID, d.SOPInstanceUID, d.SeriesInstanceUID, d.StudyInstanceUID = sop, "1.2.3.9", "1.2.3.8", "1.2.3.7"
    d.FrameOfReferenceUID, d.SpecificCharacterSet = FRAME, "ISO_IR 192"
    d.is_little_endian = syntax != ExplicitVRBigEndian
    d.is_implicit_VR = syntax == ImplicitVRLittleEndian
    return d


def code(v, m):
    return Sequence([item(CodeValue=v, CodingSchemeDesignator="SCT", CodeMeaning=m)])


def seg(name, masks, kind="BINARY", syntax=ExplicitVRLittleEndian, shuffle=False, sparse=False, crop=None,
        flip=(False, False), transpose=False, undefined=False):
    """masks: {number: array[z, y, x]} of 0/1, of 0..max for FRACTIONAL."""
    d = file(f"{out}/{name}.dcm", UID("1.2.840.10008.5.1.4.1.1.66.4"), syntax)
    d.Modality, d.SegmentationType = "SEG", kind
    d.ReferencedSeriesSequence = Sequence([item(SeriesInstanceUID=SERIES)])
    d.SegmentSequence = Sequence([item(
        SegmentNumber=n, SegmentLabel=f"Segment {n} ä", SegmentAlgorithmType="MANUAL", SegmentAlgorithmName="hand",
        SegmentedPropertyCategoryCodeSequence=code("1", "Tissue"),
        SegmentedPropertyTypeCodeSequence=code("2", "Liver")) for n in masks])
    y0, y1, x0, x1 = crop or (0, ROWS, 0, COLS)
    frames = []
    for n, m in masks.items():
        for z in range(SLICES):
            if not sparse or m[z].any():
                frames.append((n, z, m[z, y0:y1, x0:x1]))
    if kind == "LABELMAP":
        frames = [(0, z, sum(n * m[z] for n, m in masks.items())) for z in range(SLICES)]
    if shuffle:
        np.random.default_rng(1).shuffle(frames)
    row, col, corner = np.array([1., 0, 0]), np.array([0., 1, 0]), [x0, y0]
    size = [y1 - y0, x1 - x0]
    if flip[0]:
        row, corner[0] = -row, x1 - 1
    if flip[1]:
        col, corner[1] = -col, y1 - 1
    spacing = [SPACING[1], SPACING[0]]
    if transpose:
        row, col, spacing, size = col, row, spacing[::-1], size[::-1]
    d.Rows, d.Columns, d.NumberOfFrames, d.SamplesPerPixel = size[0], size[1], len(frames), 1
    d.PhotometricInterpretation, d.PixelRepresentation = "MONOCHROME2", 0
    d.BitsAllocated = 1 if kind == "BINARY" and syntax != RLELossless else 8
    d.BitsStored, d.HighBit = d.BitsAllocated, d.BitsAllocated - 1
    if kind == "FRACTIONAL":
        d.MaximumFractionalValue, d.SegmentationFractionalType = 200, "PROBABILITY"
    d.SharedFunctionalGroupsSequence = Sequence([item(
        PlaneOrientationSequence=Sequence([item(ImageOrientationPatient=[*row, *col])]),
        PixelMeasuresSequence=Sequence([item(PixelSpacing=spacing, SliceThickness=SPACING[2])]))])
    groups, pixels = [], []
    for n, z, m in frames:
        g = item(PlanePositionSequence=Sequence([item(ImagePositionPatient=[
            ORIGIN[0] + corner[0] * SPACING[0], ORIGIN[1] + corner[1] * SPACING[1], ORIGIN[2] + z * SPACING[2]])]),
            DerivationImageSequence=Sequence([item(SourceImageSequence=Sequence([item(ReferencedSOPInstanceUID=f"1.2.3.{z}")]))]))
        if n:
            g.SegmentIdentificationSequence = Sequence([item(ReferencedSegmentNumber=n)])
        groups.append(g)
        m = m[:, ::-1] if flip[0] else m
        m = m[::-1] if flip[1] else m
        pixels.append((m.T if transpose else m).astype(np.uint8))
    d.PerFrameFunctionalGroupsSequence = Sequence(groups)
    if undefined:
        for s in (d.PerFrameFunctionalGroupsSequence, d.SegmentSequence):
            s.is_undefined_length = True
            for i in s:
                i.is_undefined_length_sequence_item = True
        d["PerFrameFunctionalGroupsSequence"].is_undefined_length = True
    if syntax == RLELossless:
        d.PixelData = encapsulate([rle_encode_frame(p) for p in pixels])
        d["PixelData"].is_undefined_length = True
    else:
        flat = np.concatenate([p.ravel() for p in pixels])
        data = np.packbits(flat, bitorder="little").tobytes() if d.BitsAllocated == 1 else flat.tobytes()
        data += bytes(len(data) % 2)
        if syntax == ExplicitVRBigEndian:
            data = np.frombuffer(data, "<u2").astype(">u2").tobytes()
        d.PixelData = data
    d["PixelData"].VR = "OB" if syntax == RLELossless else "OW"
    d.save_as(f"{out}/{name}.dcm", write_like_original=False)
    for n, m in masks.items():
        (m >= 100 if kind == "FRACTIONAL" else m > 0).astype(np.uint8).tofile(f"{out}/{name}.{n}.mask")


def rtstruct(name, rois, syntax=ImplicitVRLittleEndian):
    """rois: {name: [(type, [(x, y, z), …] in mm)]}"""
    d = file(f"{out}/{name}.dcm", UID("1.2.840.10008.5.1.4.1.1.481.3"), syntax)
    d.Modality, d.StructureSetLabel = "RTSTRUCT", "test"
    d.ReferencedFrameOfReferenceSequence = Sequence([item(FrameOfReferenceUID=FRAME, RTReferencedStudySequence=Sequence([
        item(RTReferencedSeriesSequence=Sequence([item(SeriesInstanceUID=SERIES)]))]))])
    d.StructureSetROISequence = Sequence([item(ROINumber=i + 1, ROIName=n, ReferencedFrameOfReferenceUID=FRAME)
                                          for i, n in enumerate(rois)])
    d.ROIContourSequence = Sequence([item(ReferencedROINumber=i + 1, ContourSequence=Sequence([
        item(ContourGeometricType=t, NumberOfContourPoints=len(p), ContourData=[f"{v:.6g}" for q in p for v in q])
        for t, p in c])) for i, c in enumerate(rois.values())])
    d.save_as(f"{out}/{name}.dcm", write_like_original=False)


def at(points, z):
    return [(ORIGIN[0] + x * SPACING[0], ORIGIN[1] + y * SPACING[1], ORIGIN[2] + z * SPACING[2]) for x, y in points]


rng = np.random.default_rng(7)
a = (rng.random((SLICES, ROWS, COLS)) < 0.4).astype(np.uint8)
b = (rng.random((SLICES, ROWS, COLS)) < 0.4).astype(np.uint8)
b[1] = 0
seg("binary", {1: a, 3: b}, sparse=True, shuffle=True, undefined=True)
square = [(0.5, 0.5), (3.5, 0.5), (3.5, 4.5), (0.5, 4.5)]
rtstruct("contours", {
    "Square": [("CLOSED_PLANAR", at(square, 1)), ("POINT", at(square[:1], 1))],
    "Hole": [("CLOSED_PLANAR", at(square, 2)), ("CLOSED_PLANAR", at([(1.5, 1.5), (2.5, 1.5), (2.5, 2.5), (1.5, 2.5)], 2))],
    "Keyhole": [("CLOSED_PLANAR", at([square[0], square[1], square[2], square[3], square[0], (1.5, 1.5), (1.5, 3.5),
                                      (2.5, 3.5), (2.5, 1.5), (1.5, 1.5)], 0))],
    "Centers": [("CLOSED_PLANAR", at([(1, 1), (3, 1), (3, 4), (1, 4)], 3.2))],
    "Overlap": [("CLOSED_PLANAR", at([(0.5, 0.5), (3.5, 0.5), (3.5, 3.5), (0.5, 3.5)], 1)), ("CLOSED_PLANAR", at([(2.5, 0.5), (4.5, 0.5), (4.5, 3.5), (2.5, 3.5)], 1))],
    "Oblique": [("CLOSED_PLANAR", [p for p in at(square[:2], 1) + at(square[2:], 2)])],
    "Beyond": [("CLOSED_PLANAR", at(square, 9))],
})
if not small:
    both = {1: a, 3: b}
    for syntax, name in ((ImplicitVRLittleEndian, "implicit"), (ExplicitVRBigEndian, "big"), (DeflatedExplicitVRLittleEndian, "deflated"),
                         (RLELossless, "rle")):
        seg(name, both, syntax=syntax)
    seg("fraction", {2: a * 150 + b * 40, 1: b * 99 + a}, kind="FRACTIONAL")
    seg("fractionrle", {2: a * 150 + b * 40}, kind="FRACTIONAL", syntax=RLELossless)
    seg("fractionbig", {2: a * 150 + b * 40}, kind="FRACTIONAL", syntax=ExplicitVRBigEndian)
    seg("labelmap", {1: a, 3: b * (1 - a)}, kind="LABELMAP")
    one = np.zeros_like(a)
    one[2] = a[2]
    seg("single", {1: one}, sparse=True)
    c = np.zeros_like(a)
    c[:, 1:4, 2:5] = a[:, 1:4, 2:5]
    seg("crop", {1: c}, crop=(1, 4, 2, 5))
    for fx in (False, True):
        for fy in (False, True):
            for t in (False, True):
                seg(f"flip{fx:d}{fy:d}{t:d}", both, flip=(fx, fy), transpose=t, shuffle=True)

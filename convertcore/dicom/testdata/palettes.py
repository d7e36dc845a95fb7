"""Writes images with palettes, and their colors as pydicom applies them.

usage: palettes.py OUT

OUT/<name>.dcm, and OUT/<name>.<8 or 16>.rgb: big-endian where 16.
"""
import os
import sys

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.pixel_data_handlers.util import apply_color_lut
from pydicom.uid import ExplicitVRLittleEndian

out = sys.argv[1]
rng = np.random.default_rng(4)


def write(name, bits, first, tables=None, segments=None, entries=256, pixels=None):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    d = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    d.is_little_endian, d.is_implicit_VR = True, False
    d.SOPClassUID, d.SOPInstanceUID, d.PhotometricInterpretation = meta.MediaStorageSOPClassUID, "1.2.3", "PALETTE COLOR"
    d.SamplesPerPixel, d.Rows, d.Columns, d.PixelRepresentation = 1, *pixels.shape, 0
    d.BitsAllocated = d.BitsStored = 8 * pixels.dtype.itemsize
    d.HighBit = d.BitsStored - 1
    for i, color in enumerate(("Red", "Green", "Blue")):
        setattr(d, color + "PaletteColorLookupTableDescriptor", [entries & 0xffff, first, bits])
        kind = "B" if bits == 8 else "<u2"
        data = np.array((segments if tables is None else tables)[i], dtype=kind).tobytes()
        setattr(d, ("Segmented" if segments else "") + color + "PaletteColorLookupTableData", data + bytes(len(data) % 2))
    d.PixelData = pixels.tobytes()
    d["PixelData"].VR = "OW"
    path = os.path.join(out, name + ".dcm")
    d.save_as(path, write_like_original=False)
    if name == "copies":
        return
    rgb = apply_color_lut(pixels, d)
    if bits == 8 or (rgb & 0xff == 0).all():
        (rgb if bits == 8 else rgb >> 8).astype("u1").tofile(path[:-4] + ".8.rgb")
    else:
        rgb.astype(">u2").tofile(path[:-4] + ".16.rgb")


pixels = rng.integers(0, 256, (9, 8)).astype("u1")
wide = rng.integers(0, 4000, (9, 8)).astype("<u2")
write("plain8", 8, 0, rng.integers(0, 256, (3, 256)), pixels=pixels)
write("plain16", 16, 0, rng.integers(0, 65536, (3, 256)), pixels=pixels)
write("high", 16, 10, rng.integers(0, 256, (3, 100)) << 8, entries=100, pixels=pixels)
write("wide", 16, 100, rng.integers(0, 65536, (3, 3000)), entries=3000, pixels=wide)
lines = [[0, 3, 7, 9, 200, 1, 100, 13, 1, 50, 250, 0, 2, 1, 2, 1, 101, 255], [0, 1, 0, 1, 255, 255], [0, 1, 255, 1, 254, 1, 0, 1, 9]]
write("segments8", 8, 0, segments=lines, pixels=pixels)
write("segments16", 16, 0, segments=[[0, 1, 3, 1, 255, 60001], [0, 2, 5, 9, 1, 254, 5], [0, 1, 65535, 1, 255, 0]], pixels=pixels)
write("copies", 16, 0, segments=[[0, 2, 3, 9, 1, 126, 60001, 2, 1, 0, 0]] * 3, entries=256, pixels=pixels)

"""Writes images in every compressed transfer syntax that Debian's tools write.

usage: transcode.py OUT      needs numpy, pydicom, gdcmconv, dcmcjpeg, dcmcrle and dcmcjpls

OUT/<image>-<syntax>.dcm; what a tool refuses is left out.
"""
import os
import subprocess
import sys

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
tools = {
    "rle": ["gdcmconv", "--raw", "--rle"], "ll": ["gdcmconv", "--jpeg"], "jls": ["gdcmconv", "--jpegls"], "j2k": ["gdcmconv", "--j2k"],
    "j2klossy": ["gdcmconv", "--j2k", "--lossy", "-q", "40"], "jlsnear": ["gdcmconv", "--jpegls", "--lossy", "-e", "2"],
    "ll1": ["dcmcjpeg", "+e1"], "ll6": ["dcmcjpeg", "+el", "+sv", "6"], "baseline": ["dcmcjpeg", "+eb"], "extended": ["dcmcjpeg", "+ee"],
    "rgbbaseline": ["dcmcjpeg", "+eb", "+cr"], "dcmrle": ["dcmcrle"],
    "dcmjls": ["dcmcjpls"], "planejls": ["dcmcjpls", "+in"], "samplejls": ["dcmcjpls", "+is"],
}


def write(name, pixels, stored, photometric, planar=0, frames=1):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3.4"
    d = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    d.is_little_endian, d.is_implicit_VR = True, False
    d.SOPClassUID, d.SOPInstanceUID, d.StudyInstanceUID, d.SeriesInstanceUID = meta.MediaStorageSOPClassUID, "1.2.3.4", "1.2.3", "1.2.4"
    d.Modality, d.ConversionType, d.PatientName, d.PatientID = "OT", "WSD", "x", "x"
    color = photometric not in ("MONOCHROME2", "PALETTE COLOR")
    d.SamplesPerPixel, d.PhotometricInterpretation = 3 if color else 1, photometric
    if color:
        d.PlanarConfiguration = planar
    if frames > 1:
        d.NumberOfFrames = frames
    d.Rows, d.Columns = pixels.shape[1:3]
    d.BitsAllocated, d.BitsStored, d.HighBit = pixels.dtype.itemsize * 8, stored, stored - 1
    d.PixelRepresentation = int(pixels.dtype.kind == "i")
    raw = np.ascontiguousarray(np.moveaxis(pixels, -1, 1) if color and planar else pixels).tobytes()
    d.PixelData = raw + bytes(len(raw) % 2)
    d["PixelData"].VR = "OW"
    path = os.path.join(out, name + ".dcm")
    d.save_as(path, write_like_original=False)
    for kind, tool in tools.items():
        if planar and tool[0] == "dcmcjpeg":  # 3.6.7 mixes the planes up
            continue
        target = os.path.join(out, "%s-%s.dcm" % (name, kind))
        p = subprocess.run([*tool, path, target], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if p.returncode and os.path.exists(target):
            os.remove(target)


rng = np.random.default_rng(3)
f, y, x = np.mgrid[0:2, 0:45, 0:61]
gray = 0.5 + 0.4 * np.sin(x / 8 + f) * np.cos(y / 6) + 0.02 * rng.standard_normal(x.shape)
color = np.stack([gray, 0.5 + 0.3 * np.cos(x / 9), np.clip(y / 45 + f * 0.01, 0, 1)], -1)
write("gray8", (gray * 255).clip(0, 255).astype("u1"), 8, "MONOCHROME2", frames=2)
write("gray12", (gray * 4095).clip(0, 4095).astype("<u2"), 12, "MONOCHROME2", frames=2)
write("signed16", (gray * 60000 - 30000).clip(-32768, 32767).astype("<i2"), 16, "MONOCHROME2", frames=2)
write("signed12", (gray * 4000 - 2000).clip(-2048, 2047).astype("<i2"), 12, "MONOCHROME2", frames=2)
for planar in (0, 1):
    write("rgb%d" % planar, (color * 255).clip(0, 255).astype("u1"), 8, "RGB", planar, 2)
write("ybr", (color * 255).clip(0, 255).astype("u1"), 8, "YBR_FULL", 0, 2)
write("rgb16", (color[:1] * 65535).clip(0, 65535).astype("<u2"), 16, "RGB")

"""Write JPEG streams of many kinds, and what the reference decoders make of them.

usage: make_jpeg.py DIR     needs numpy, PIL, pydicom, gdcm and dcmtk's dcmcjpeg, dcmdjpeg

NAME.jpg is a stream, NAME.raw its samples as codec.Frame has them and NAME.txt
"width height samples bits stored signed rgb tolerance".
"""
import io
import os
import subprocess
import sys

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import generate_pixel_data_frame
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

out = sys.argv[1]
rng = np.random.default_rng(5)


def write(name, stream, pixels, stored, signed=0, rgb=0, tolerance=0, ext=".jpg"):
    h, w = pixels.shape[:2]
    samples = 1 if pixels.ndim == 2 else pixels.shape[2]
    bits = pixels.dtype.itemsize * 8
    with open(f"{out}/{name}{ext}", "wb") as f:
        f.write(stream)
    with open(f"{out}/{name}.raw", "wb") as f:
        f.write(np.ascontiguousarray(pixels).tobytes())
    with open(f"{out}/{name}.txt", "w") as f:
        f.write(f"{w} {h} {samples} {bits} {stored} {signed} {rgb} {tolerance}")


def picture(h, w, stored, samples=1, signed=0, noise=0.02):
    y, x = np.mgrid[0:h, 0:w]
    planes = []
    for i in range(samples):
        v = 0.5 + 0.3 * np.sin(x / (7 + 3 * i)) * np.cos(y / 9) + 0.2 * ((x // 11 + y // 7 + i) % 2) - 0.1
        planes.append(v + noise * rng.standard_normal((h, w)))
    v = np.stack(planes, -1) if samples > 1 else planes[0]
    v = np.clip(v, 0, 1) * ((1 << stored) - 1)
    v = np.rint(v).astype(np.int64) - ((1 << (stored - 1)) if signed else 0)
    return v.astype({(8, 0): np.uint8, (16, 0): np.uint16, (8, 1): np.int8, (16, 1): np.int16}[8 if stored <= 8 else 16, signed])


def dicom(name, pixels, stored, signed=0):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    d = FileDataset(name, {}, file_meta=meta, preamble=b"\0" * 128)
    d.is_little_endian, d.is_implicit_VR = True, False
    d.SOPClassUID, d.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    d.StudyInstanceUID, d.SeriesInstanceUID = generate_uid(), generate_uid()
    d.Modality, d.ConversionType = "OT", "WSD"
    d.PatientName = d.PatientID = "x"
    d.Rows, d.Columns = pixels.shape[:2]
    d.SamplesPerPixel = 1 if pixels.ndim == 2 else pixels.shape[2]
    d.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    if pixels.ndim == 3:
        d.PlanarConfiguration = 0
    d.BitsAllocated = pixels.dtype.itemsize * 8
    d.BitsStored, d.HighBit, d.PixelRepresentation = stored, stored - 1, signed
    raw = pixels.tobytes()
    d.PixelData = raw + b"\0" * (len(raw) % 2)
    d["PixelData"].VR = "OW" if d.BitsAllocated == 16 else "OB"
    d.save_as(f"{out}/{name}.dcm", write_like_original=False)


def run(*args):
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def encoded(name, tool, *options):
    """Encode NAME.dcm with a tool and return its stream and dcmdjpeg's pixels."""
    src, enc, dec = (f"{out}/{name}{s}.dcm" for s in ("", "-enc", "-dec"))
    run(tool, *options, src, enc)
    run("dcmdjpeg", "+cl" if "+cr" not in options else "+cn", enc, dec)
    e, d = pydicom.dcmread(enc), pydicom.dcmread(dec)
    stream = next(generate_pixel_data_frame(e.PixelData))
    pixels = d.pixel_array
    if d.SamplesPerPixel > 1 and d.get("PlanarConfiguration") == 1 and pixels.shape[0] == 3:
        pixels = np.moveaxis(pixels, 0, -1)
    for p in (src, enc, dec):
        os.remove(p)
    return stream, pixels


def lossless():
    for sv in range(1, 8):
        for stored, samples, signed in ((8, 1, 0), (10, 1, 0), (12, 1, 1), (16, 1, 0), (16, 1, 1), (8, 3, 0), (16, 3, 0)):
            p = picture(53, 61, stored, samples, signed)
            name = f"ll-{sv}-{stored}-{samples}-{signed}"
            dicom(name, p, stored, signed)
            stream, got = encoded(name, "dcmcjpeg", "+el", "+sv", str(sv))
            assert (got == p).all(), name
            write(name, stream, p, stored, signed)
    p = rng.integers(0, 1 << 16, (40, 40)).astype(np.uint16)  # differences of 16 bits
    dicom("ll-noise", p, 16)
    write("ll-noise", encoded("ll-noise", "dcmcjpeg", "+e1")[0], p, 16)
    for pt in (1, 3):
        p = picture(53, 61, 12)
        dicom("pt", p, 12)
        stream, got = encoded("pt", "dcmcjpeg", "+el", "+sv", "4", "+pt", str(pt))
        write(f"ll-pt{pt}", stream, got, 12)
    for stored, samples in ((8, 1), (16, 1), (8, 3)):
        p = picture(53, 61, stored, samples)
        name = f"gdcm-{stored}-{samples}"
        dicom(name, p, stored)
        write(name, encoded(name, "gdcmconv", "--jpeg")[0], p, stored)


def extended():
    for samples in (1, 3):
        for option in ("+ee", "+ep"):
            for quality in (60, 98):
                for color in (("+cy", "+s4"), ("+cy", "+s2"), ("+cy", "+n1"), ("+cr",))[: 1 if samples == 1 else 4]:
                    p = picture(53, 61, 12, samples)
                    name = "-".join(["dct12", option, str(samples), str(quality), *color]).replace("+", "")
                    dicom(name, p, 12)
                    try:
                        stream, got = encoded(name, "dcmcjpeg", option, "+bt", "+q", str(quality), *color)
                    except subprocess.CalledProcessError:
                        continue
                    write(name, stream, got, 12, 0, int("+cr" in color), 1)


def baseline():
    for samples in (1, 3):
        p = picture(53, 61, 8, samples, noise=0.05)
        for w in (61, 48, 3, 2, 1):
            for progressive in (False, True):
                for sub in (0, 1, 2)[: 1 if samples == 1 else 3]:
                    for restart in (0, 1):
                        b = io.BytesIO()
                        im = Image.fromarray(np.ascontiguousarray(p[:, :w]))
                        extra = {"streamtype": 0}
                        if restart:
                            extra = {"restart_marker_rows": 1}
                        im.save(b, "JPEG", quality=85, progressive=progressive, subsampling=sub, **extra)
                        got = np.asarray(Image.open(io.BytesIO(b.getvalue())))
                        write(f"dct8-{samples}-{w}-{int(progressive)}-{sub}-{restart}", b.getvalue(), got, 8)
    for option in ("+eb", "+es", "+ep"):
        for color in (("+cr",), ("+cy", "+n1"), ("+cy", "+s2")):
            p = picture(53, 61, 8, 3)
            dicom("b", p, 8)
            stream, got = encoded("b", "dcmcjpeg", option, *color)
            write("-".join(("dcmtk8", option, *color)).replace("+", ""), stream, got, 8, 0, int("+cr" in color), 1)


if __name__ == "__main__":
    lossless()
    extended()
    baseline()

"""Write JPEG-LS (.jls) and JPEG 2000 (.j2k) streams in the manner of make_jpeg.py.

usage: make_libs.py DIR     needs numpy, PIL, pydicom and gdcmconv
"""
import io
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import make_jpeg as mk  # noqa: E402
import numpy as np  # noqa: E402
import pydicom  # noqa: E402
from PIL import Image  # noqa: E402


def gdcm(name, ext, pixels, stored, signed, *options):
    src, enc, dec = (f"{mk.out}/{name}{s}.dcm" for s in ("", "-enc", "-dec"))
    mk.dicom(name, pixels, stored, signed)
    mk.run("gdcmconv", *options, src, enc)
    mk.run("gdcmconv", "--raw", enc, dec)
    stream = next(mk.generate_pixel_data_frame(pydicom.dcmread(enc).PixelData))
    got = pydicom.dcmread(dec).pixel_array.astype(pixels.dtype)
    for p in (src, enc, dec):
        os.remove(p)
    mk.write(name, stream, got, stored, signed, ext=ext)
    return got


for stored, samples, signed in ((8, 1, 0), (12, 1, 0), (16, 1, 0), (16, 1, 1), (12, 1, 1), (8, 3, 0)):
    p = mk.picture(53, 61, stored, samples, signed)
    kind = f"{stored}-{samples}-{signed}"
    for ext, option in ((".jls", "--jpegls"), (".j2k", "--j2k")):
        got = gdcm(f"gdcm-{ext[1:]}-{kind}", ext, p, stored, signed, option)
        assert (got == p).all(), (ext, kind)
for e in (1, 3):
    p = mk.picture(53, 61, 8)
    gdcm(f"near-{e}", ".jls", p, 8, 0, "--jpegls", "--lossy", "-e", str(e))
for mode in ("L", "RGB"):
    for name, options in (("rev", {}), ("irr", {"irreversible": True, "quality_layers": [8]}), ("tiles", {"tile_size": (32, 32)})):
        p = mk.picture(53, 61, 8, len(mode))
        for ext, no_jp2 in ((".j2k", True), (".jp2", False)):
            b = io.BytesIO()
            Image.fromarray(p).save(b, "JPEG2000", no_jp2=no_jp2, **options)
            got = np.asarray(Image.open(io.BytesIO(b.getvalue())))
            mk.write(f"pil-{mode}-{name}-{ext[1:]}", b.getvalue(), got, 8, ext=".j2k")

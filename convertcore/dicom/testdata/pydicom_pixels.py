"""Writes the pixels that pydicom decodes of every file in the given folders.

usage: pydicom_pixels.py OUT FOLDER...

OUT/<n>.bin holds the samples, little-endian; OUT/index.json lists
{path, shape, dtype, syntax, bin, error}. YBR pixels are converted to RGB by
pydicom where its decoder left them as YBR.
"""
import json
import os
import sys
import warnings

import numpy as np
import pydicom
from pydicom.pixel_data_handlers.util import convert_color_space

warnings.simplefilter("ignore")
out, index = sys.argv[1], []
paths = sorted(os.path.join(d, f) for folder in sys.argv[2:] for d, _, files in os.walk(folder) for f in files)
for path in paths:
    try:
        ds = pydicom.dcmread(path, force=True)
        if not any(k in ds for k in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
            continue
    except Exception:
        continue
    entry = {"path": path, "syntax": str(getattr(ds.file_meta, "TransferSyntaxUID", ""))}
    index.append(entry)
    try:
        photometric = str(ds.get("PhotometricInterpretation", ""))
        a = ds.pixel_array
        now = str(ds.get("PhotometricInterpretation", ""))
        if now.startswith("YBR_FULL"):
            a = convert_color_space(a, now, "RGB")
        entry.update(shape=list(a.shape), dtype=a.dtype.newbyteorder("<").str, bin="%d.bin" % len(index), photometric=photometric, now=now)
        np.ascontiguousarray(a.astype(a.dtype.newbyteorder("<"))).tofile(os.path.join(out, entry["bin"]))
    except Exception as e:
        entry["error"] = repr(e)[:120]
with open(os.path.join(out, "index.json"), "w") as f:
    json.dump(index, f)

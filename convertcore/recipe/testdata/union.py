"""Print, for each case of a zip in the layout of DSB2018 stage1_train, the
SHA-256 of the image's pixels and of the union (0/255) of its masks."""
import hashlib
import io
import sys
import zipfile

import numpy as np
from PIL import Image

archive = zipfile.ZipFile(sys.argv[1])
images, masks = {}, {}
for name in archive.namelist():
    parts = name.split("/")
    if len(parts) != 3 or not parts[2].endswith(".png"):
        continue
    pixels = np.asarray(Image.open(io.BytesIO(archive.read(name))))
    if parts[1] == "images":
        images[parts[0]] = pixels
    elif parts[0] in masks:
        masks[parts[0]] |= pixels > 0
    else:
        masks[parts[0]] = pixels > 0
for case in sorted(images):
    mask = masks[case].astype(np.uint8) * 255
    assert mask.shape == images[case].shape[:2]
    print(case, hashlib.sha256(images[case].tobytes()).hexdigest(), hashlib.sha256(mask.tobytes()).hexdigest())

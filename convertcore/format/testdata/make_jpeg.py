"""Writes JPEGs into a folder, each with Pillow's decoding (<name>.raw)."""
import os, sys
import numpy as np
from PIL import Image

out = sys.argv[1]
y, x = np.mgrid[0:75, 0:101]
rng = np.random.default_rng(1)
noise = rng.normal(0, 12, (75, 101, 3))
rgb = np.stack([128 + 100 * np.sin(x / 9), 128 + 100 * np.cos(y / 7), (x * 2 + y) % 256], 2) + noise
rgb = rgb.clip(0, 255).astype(np.uint8)
for name, image, options in [
    ("gray", rgb[..., 0], {}),
    ("444", rgb, dict(subsampling=0)),
    ("422", rgb, dict(subsampling=1)),
    ("420", rgb, dict(subsampling=2)),
    ("progressive", rgb, dict(progressive=True)),
    ("narrow", rgb[:, :3], dict(subsampling=2)),
    ("low", rgb, dict(quality=20)),
]:
    path = os.path.join(out, name + ".jpg")
    Image.fromarray(image).save(path, **{"quality": 90, **options})
    got = np.array(Image.open(path))
    got.tofile(os.path.join(out, name + ".raw"))
Image.fromarray(rgb).convert("CMYK").save(os.path.join(out, "cmyk.jpeg"))

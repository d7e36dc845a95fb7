"""Writes JPEG-in-TIFF of several kinds, each with the RGB or gray
that libtiff or Pillow decodes (<name>.raw)."""
import os, subprocess, sys
import numpy as np
from PIL import Image

out = sys.argv[1]
y, x = np.mgrid[0:75, 0:101]
rgb = np.stack([128 + 100 * np.sin(x / 9), 128 + 100 * np.cos(y / 7), (x * 2 + y) % 256], 2)
rgb = (rgb + np.random.default_rng(1).normal(0, 5, rgb.shape)).clip(0, 255).astype(np.uint8)


def run(*args):
    r = subprocess.run(args, capture_output=True, text=True)
    if r.returncode:
        sys.exit("%s: %s" % (args, r.stderr))


def keep(name):
    np.array(Image.open(os.path.join(out, name + ".tif"))).tofile(os.path.join(out, name + ".raw"))


gray, color = os.path.join(out, "gray.tiff"), os.path.join(out, "color.tiff")
Image.fromarray(rgb[..., 0]).save(gray)
Image.fromarray(rgb).save(color)
for name, src, args in [
    ("gray", gray, ["-c", "jpeg", "-r", "16"]), ("rgb", color, ["-c", "jpeg:r:90", "-r", "16"]), ("ycc", color, ["-c", "jpeg:90", "-r", "80"]),
    ("ycc_strips", color, ["-c", "jpeg:90", "-r", "16"]), ("ycc_tiles", color, ["-c", "jpeg:90", "-t", "-w", "32", "-l", "32"]),
    ("rgb_sep", color, ["-c", "jpeg:r:90", "-r", "16", "-p", "separate"]), ("gray_tiles", gray, ["-c", "jpeg:90", "-t", "-w", "64", "-l", "16"]),
]:
    run("tiffcp", *args, src, os.path.join(out, name + ".tif"))
    keep(name)

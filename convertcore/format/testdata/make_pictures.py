"""Writes BMP, GIF and WebP into a folder with Pillow, each with its samples as
Pillow decodes them (<name>.raw), palette indices (<name>.idx) and "w h
channels" (<name>.txt)."""
import os, struct, sys
import numpy as np
from PIL import Image

out = sys.argv[1]
rng = np.random.default_rng(4)
for w, h in ((101, 75), (1, 1), (6, 3), (17, 32)):
    y, x = np.mgrid[0:h, 0:w]
    rgb = np.stack([128 + 100 * np.sin(x / 9), 128 + 100 * np.cos(y / 7), (x * 2 + y) % 256], 2)
    rgb = (rgb + rng.normal(0, 5, rgb.shape)).clip(0, 255).astype(np.uint8)
    alpha = ((x * 5 + y * 3) % 256).astype(np.uint8)
    im, gray = Image.fromarray(rgb), Image.fromarray(rgb[..., 0])
    rgba = Image.fromarray(np.dstack([rgb, alpha]))
    pal = im.convert("P", palette=Image.ADAPTIVE, colors=40)

    def keep(name, indices=None):
        name = "%dx%d_%s" % (w, h, name)
        got = Image.open(os.path.join(out, name))
        if got.mode == "1":
            got = got.convert("L")
        if got.mode == "P":
            np.array(got).tofile(os.path.join(out, name + ".idx"))
            got = got.convert("RGBA" if "transparency" in got.info else "RGB")
        a = np.array(got)
        a.tofile(os.path.join(out, name + ".raw"))
        with open(os.path.join(out, name + ".txt"), "w") as f:
            f.write("%d %d %d" % (w, h, a.shape[2] if a.ndim == 3 else 1))

    def save(name, image, **kw):
        image.save(os.path.join(out, "%dx%d_%s" % (w, h, name)), **kw)
        keep(name)

    def raw(name, data):
        with open(os.path.join(out, "%dx%d_%s" % (w, h, name)), "wb") as f:
            f.write(data)
        keep(name)

    save("gray.bmp", gray)
    save("rgb.bmp", im)
    save("rgba.bmp", rgba)
    save("pal.bmp", pal)
    save("bw.bmp", gray.convert("1"))

    def bmp(name, depth, comp, body, extra=b"", height=h, colors=0):
        info = struct.pack("<IiiHHIIiiII", 40, w, height, 1, depth, comp, len(body), 1, 1, colors, 0)
        off = 14 + 40 + len(extra)
        raw(name, b"BM" + struct.pack("<IHHI", off + len(body), 0, 0, off) + info + extra + body)

    def rows(a, flip=True):
        b = b""
        for r in a[::-1] if flip else a:
            r = r.tobytes()
            b += r + b"\0" * (-len(r) % 4)
        return b

    v16 = rng.integers(0, 65536, (h, w)).astype("<u2")
    bmp("555.bmp", 16, 0, rows(v16))
    bmp("565.bmp", 16, 3, rows(v16), struct.pack("<III", 0xF800, 0x7E0, 0x1F))
    bmp("down.bmp", 24, 0, rows(rgb[..., ::-1], False), height=-h)
    colors = b"".join(struct.pack("BBBB", 255 - i, i, i * 7 % 256, 0) for i in range(256))
    idx = rng.integers(0, 16, (h, w)).astype(np.uint8)
    nibbles = np.pad(idx, ((0, 0), (0, w % 2)))
    bmp("four.bmp", 4, 0, rows(nibbles[:, ::2] << 4 | nibbles[:, 1::2]), colors[:64])
    flat = (x // 5 + y // 4).astype(np.uint8)
    body = b""
    for r in flat[::-1]:
        i = 0
        while i < w:
            n = 1
            while i + n < w and r[i + n] == r[i] and n < 255:
                n += 1
            if n < 3 and w - i >= 5:
                body += bytes([0, 5]) + r[i : i + 5].tobytes() + b"\0"
                i += 5
            else:
                body += bytes([n, r[i]])
                i += n
        body += b"\0\0"
    bmp("rle8.bmp", 8, 1, body + b"\0\1", colors)
    save("pal.gif", pal)
    save("gray.gif", gray)
    save("clear.gif", pal, transparency=3)
    save("interlaced.gif", pal, interlace=1)
    save("lossless.webp", im, lossless=True)
    save("lossless_alpha.webp", rgba, lossless=True, exact=True)
    save("lossy.webp", im, quality=80)
    save("low.webp", im, quality=10)
    save("lossy_alpha.webp", rgba, quality=80, exact=True)
Image.fromarray(rgb).save(os.path.join(out, "film.gifs"), format="GIF", save_all=True, append_images=[Image.fromarray(255 - rgb)])
Image.fromarray(rgb).save(os.path.join(out, "film.webps"), format="WEBP", save_all=True, append_images=[Image.fromarray(255 - rgb)])

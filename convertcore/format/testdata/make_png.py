"""Writes PNGs of every colour type, depth and interlacing into a folder, each
with the samples that it holds (<name>.raw, big-endian) and "<channels> <bits>"
(<name>.txt). Pillow must agree wherever it keeps all the samples."""
import struct, sys, zlib, os
import numpy as np
from PIL import Image

out = sys.argv[1]
rng = np.random.default_rng(7)
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def pack(row, depth):
    row = row.reshape(-1)
    if depth == 16:
        return np.frombuffer(row.astype(">u2").tobytes(), np.uint8)
    if depth == 8:
        return row.astype(np.uint8)
    bits = ((row[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8).reshape(-1)
    return np.packbits(bits)


def paeth(a, b, c):
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    return np.where((pa <= pb) & (pa <= pc), a, np.where(pb <= pc, b, c))


def rows(image, depth):
    bpp = max(1, image.shape[2] * depth // 8)
    data, prev = b"", None
    for y in range(image.shape[0]):
        cur = pack(image[y], depth).astype(int)
        b = np.zeros_like(cur) if prev is None else prev
        a, c = np.zeros_like(cur), np.zeros_like(cur)
        a[bpp:], c[bpp:] = cur[:-bpp], b[:-bpp]
        kind = int(rng.integers(5))
        pred = [0 * cur, a, b, (a + b) // 2, paeth(a, b, c)][kind]
        data += bytes([kind]) + ((cur - pred) & 255).astype(np.uint8).tobytes()
        prev = cur
    return data


def png(image, depth, color, interlace, extra=b"", pieces=1):
    h, w = image.shape[:2]
    if interlace:
        parts = [image[y::dy, x::dx] for x, y, dx, dy in ADAM7]
        data = b"".join(rows(p, depth) for p in parts if p.size)
    else:
        data = rows(image, depth)
    z = zlib.compress(data)
    step = -(-len(z) // pieces)
    idat = b"".join(chunk(b"IDAT", z[i : i + step]) for i in range(0, len(z), step))
    head = struct.pack(">IIBBBBB", w, h, depth, color, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"tEXt", b"Comment\0x") + extra + idat + chunk(b"IEND", b"")


def save(name, file, want, bits, indices=None):
    with open(os.path.join(out, name + ".png"), "wb") as f:
        f.write(file)
    want.astype(">u2" if bits == 16 else np.uint8).tofile(os.path.join(out, name + ".raw"))
    if indices is not None:
        indices.astype(np.uint8).tofile(os.path.join(out, name + ".idx"))
    with open(os.path.join(out, name + ".txt"), "w") as f:
        f.write("%d %d %d %d" % (want.shape[1], want.shape[0], want.shape[2], bits))
    im = Image.open(os.path.join(out, name + ".png"))
    im.load()
    got = None
    if im.mode == "1":
        got = np.array(im.convert("L"))
    elif im.mode in ("L", "LA", "I") or bits == 8 and im.mode in ("RGB", "RGBA"):
        got = np.array(im)
    elif im.mode == "P":
        assert (np.array(im) == indices[..., 0]).all(), name
        got = np.array(im.convert("RGBA" if "transparency" in im.info else "RGB"))
    if got is not None:
        got = got.reshape(got.shape[0], got.shape[1], -1)
        assert (got == want[..., : got.shape[2]]).all(), name


SIZES = [(1, 1), (2, 5), (7, 3), (13, 9), (40, 33)]
for w, h in SIZES:
    for interlace in (0, 1):
        for color, channels, depths in ((0, 1, (1, 2, 4, 8, 16)), (2, 3, (8, 16)), (4, 2, (8, 16)), (6, 4, (8, 16))):
            for depth in depths:
                top = 2**depth
                image = rng.integers(0, top, (h, w, channels))
                bits = max(8, depth)
                scale = 255 // (top - 1) if depth < 8 else 1
                name = "c%d_d%d_i%d_%dx%d" % (color, depth, interlace, w, h)
                save(name, png(image, depth, color, interlace, pieces=1 + w % 4), image * scale, bits)
                if color in (0, 2):
                    key = image[h // 2, w // 2]
                    trns = chunk(b"tRNS", b"".join(struct.pack(">H", int(k)) for k in key))
                    alpha = np.where((image == key).all(2, keepdims=True), 0, 2**bits - 1)
                    want = np.concatenate([image * scale, alpha], 2)
                    save(name + "_trns", png(image, depth, color, interlace, trns), want, bits)
        for depth in (1, 2, 4, 8):
            colors = rng.integers(0, 256, (2**depth, 3))
            alphas = rng.integers(0, 256, (max(1, 2**depth // 2),))
            image = rng.integers(0, 2**depth, (h, w, 1))
            plte = chunk(b"PLTE", colors.astype(np.uint8).tobytes())
            name = "c3_d%d_i%d_%dx%d" % (depth, interlace, w, h)
            want = colors[image[..., 0]]
            save(name, png(image, depth, 3, interlace, plte), want, 8, image)
            full = np.concatenate([alphas, np.full(2**depth - len(alphas), 255)])
            trns = chunk(b"tRNS", alphas.astype(np.uint8).tobytes())
            want = np.concatenate([want, full[image]], 2)
            save(name + "_trns", png(image, depth, 3, interlace, plte + trns), want, 8, image)

# A palette that is too short: Pillow gives gray.
image = rng.integers(0, 8, (9, 9, 1))
colors = rng.integers(0, 256, (5, 3))
want = np.concatenate([colors, np.arange(5, 8)[:, None].repeat(3, 1)])[image[..., 0]]
save("short_palette", png(image, 8, 3, 0, chunk(b"PLTE", colors.astype(np.uint8).tobytes())), want, 8, image)

"""Writes TIFFs into a folder with tifffile, Pillow and tiffcp, each with the
samples that it holds (<name>.raw: big-endian for a PNG, else little-endian) and
"form x y z t channels bits float signed spacing…" (<name>.txt)."""
import os, subprocess, sys
import numpy as np
import tifffile
from PIL import Image

out = sys.argv[1]
rng = np.random.default_rng(3)


def expect(name, want, channels=1, form="nii", spacing=(1, 1, 1)):
    """want is (t, z, y, x, channels) or what broadcasts to it."""
    want = want.reshape((1,) * (5 - want.ndim) + want.shape) if want.ndim < 5 else want
    kind = want.dtype
    want.astype(kind.newbyteorder(">" if form == "png" else "<")).tofile(os.path.join(out, name + ".raw"))
    t, z, y, x, c = want.shape
    with open(os.path.join(out, name + ".txt"), "w") as f:
        print(form, x, y, z, t, c, kind.itemsize * 8, int(kind.kind == "f"), int(kind.kind == "i"), *spacing, file=f)


def path(name):
    return os.path.join(out, name + ".tif")


def smooth(shape, dtype):
    a = np.add.outer(np.arange(shape[-2]) * 3, np.arange(shape[-1]) * 2) + rng.integers(0, 9, shape)
    if np.dtype(dtype).kind == "f":
        return (a / 7 - 3).astype(dtype)
    if np.dtype(dtype).kind == "i":
        a = a - 60
    if np.dtype(dtype).itemsize > 1:
        a = a * 117
    return a.astype(dtype)


# All dtypes, both endians, classic and BigTIFF, strips and tiles.
for dtype in ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"):
    for order in "<>":
        for big in (False, True):
            for tile in (None, (16, 32)):
                name = "d_%s_%s_%d_%d" % (dtype, "le" if order == "<" else "be", big, tile is not None)
                a = smooth((37, 45), dtype)
                tifffile.imwrite(path(name), a.astype(a.dtype.newbyteorder(order)), byteorder=order, bigtiff=big, tile=tile, rowsperstrip=None if tile else 7)
                assert (tifffile.imread(path(name)) == a).all()
                want = a.astype("f4") if dtype == "f2" else a
                expect(name, want[..., None], form="png" if dtype in ("u1", "u2") else "nii")
# Deflate and predictors of tifffile.
for dtype in ("u1", "u2", "u4", "i2", "f4", "f8"):
    for order in "<>":
        for predictor in (False, True):
            name = "z_%s_%s_%d" % (dtype, "le" if order == "<" else "be", predictor)
            a = smooth((37, 45), dtype)
            if dtype[0] == "f" and predictor:
                continue  # needs imagecodecs; libtiff's are below
            tifffile.imwrite(path(name), a.astype(a.dtype.newbyteorder(order)), byteorder=order, compression="zlib", predictor=predictor)
            expect(name, a[..., None], form="png" if dtype[0] == "u" and dtype != "u4" else "nii")
# Colours, planes, alpha and more samples.
for dtype in ("u1", "u2", "f4"):
    for n in (3, 4):
        for planar in ("contig", "separate"):
            for tile in (None, (16, 16)):
                name = "rgb_%s_%d_%s_%d" % (dtype, n, planar, tile is not None)
                a = np.stack([smooth((29, 41), dtype) + dtype_i for dtype_i in range(n)], -1).astype(dtype)
                data = a if planar == "contig" else np.moveaxis(a, -1, 0).copy()
                kw = {"extrasamples": ["unassalpha"]} if n == 4 else {}
                tifffile.imwrite(path(name), data, photometric="rgb", planarconfig=planar, tile=tile, **kw)
                if dtype == "f4":
                    expect(name, np.moveaxis(a, -1, 0)[:, None, :, :, None])
                else:
                    expect(name, a, form="png")
a = smooth((5, 29, 41), "u1")
tifffile.imwrite(path("spectral"), np.moveaxis(a, 0, -1).copy(), photometric="minisblack", planarconfig="contig", extrasamples=["unspecified"] * 4)
expect("spectral", a[:, None, :, :, None])
# Stacks.
for dtype in ("u1", "u2", "i2", "f4"):
    a = smooth((6, 29, 41), dtype)
    tifffile.imwrite(path("stack_" + dtype), a, photometric="minisblack")
    expect("stack_" + dtype, a[..., None])
a = np.stack([smooth((4, 29, 41), "u1")] * 3, -1)
tifffile.imwrite(path("stack_rgb"), a, photometric="rgb")
expect("stack_rgb", a)
a = smooth((3, 4, 2, 29, 41), "u2")  # t z c y x
tifffile.imwrite(path("imagej"), a, imagej=True, resolution=(4.0, 2.0), metadata={"axes": "TZCYX", "spacing": 2.5, "unit": "mm"})
expect("imagej", np.moveaxis(a, 2, 1).reshape(6, 4, 29, 41, 1), spacing=(0.25, 0.5, 2.5))
a = smooth((5, 29, 41), "u2").astype(">u2")
tifffile.imwrite(path("imagej_one"), a, imagej=True, byteorder=">", truncate=True, metadata={"axes": "ZYX", "spacing": 3.0, "unit": "micron"}, resolution=(2.0, 2.0))
assert len(tifffile.TiffFile(path("imagej_one")).pages) == 1
expect("imagej_one", a.astype("u2")[..., None], spacing=(0.0005, 0.0005, 0.003))
a = smooth((3, 2, 29, 41), "u2")  # c z
tifffile.imwrite(path("ome"), a, ome=True, photometric="minisblack", metadata={"axes": "CZYX", "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "mm", "PhysicalSizeY": 0.7, "PhysicalSizeYUnit": "mm", "PhysicalSizeZ": 2.0, "PhysicalSizeZUnit": "mm"})
expect("ome", a.reshape(3, 2, 29, 41, 1), spacing=(0.5, 0.7, 2))
with tifffile.TiffWriter(path("pyramid")) as w:
    a = smooth((64, 80), "u1")
    w.write(a, subifds=1, tile=(16, 16))
    w.write(a[::2, ::2].copy(), subfiletype=1, tile=(16, 16))
    w.write(a[::4, ::4].copy(), subfiletype=1)
expect("pyramid", a[..., None], form="png")
# Pillow: bilevel, palettes, resolution.
b = smooth((29, 41), "u1") > 90
for comp in ("raw", "group3", "group4", "packbits", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate"):
    Image.fromarray(b).save(path("bw_" + comp), compression=comp)
    assert (np.array(Image.open(path("bw_" + comp))) == b).all()
    expect("bw_" + comp, (b * 255).astype("u1")[..., None], form="png")
for zero in (0, 1):
    name = "miniswhite%d" % zero
    a = smooth((29, 41), "u1")
    tifffile.imwrite(path(name), a, photometric="miniswhite", byteorder="<>"[zero])
    assert (np.array(Image.open(path(name))) == 255 - a).all()
    expect(name, (255 - a)[..., None], form="png")
pal = Image.fromarray(np.stack([smooth((29, 41), "u1")] * 3, -1)).convert("P", palette=Image.ADAPTIVE, colors=50)
pal.save(path("palette"))
expect("palette", np.array(pal.convert("RGB")), form="png")
np.array(pal).tofile(os.path.join(out, "palette.idx"))
for bits in (2, 4):
    v = rng.integers(0, 2**bits, (9, 13))
    packed = np.stack([np.packbits(((r[:, None] >> np.arange(bits - 1, -1, -1)) & 1).astype("u1").reshape(-1)) for r in v])
    f = "bits%d" % bits
    head = {"w": 13, "h": 9}
    import struct
    entries = [(256, 3, 13), (257, 3, 9), (258, 3, bits), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1), (278, 3, 9), (279, 4, packed.size)]
    data = packed.tobytes() + b"\0" * (packed.size % 2)
    with open(path(f), "wb") as o:
        o.write(struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + struct.pack("<H", len(entries)))
        for t, k, x in entries:
            o.write(struct.pack("<HHII", t, k, 1, x))
        o.write(struct.pack("<I", 0))
    assert (np.array(Image.open(path(f)).convert("L")) == v * (255 // (2**bits - 1))).all()
    expect(f, (v * (255 // (2**bits - 1))).astype("u1")[..., None], form="png")
    if bits == 4:  # the same bytes as 12 bits a sample
        w, h = 4, 9
        rows = rng.integers(0, 4096, (h, w))
        p12 = np.stack([np.packbits(((r[:, None] >> np.arange(11, -1, -1)) & 1).astype("u1").reshape(-1)) for r in rows])
        entries = [(256, 3, w), (257, 3, h), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1), (278, 3, h), (279, 4, p12.size)]
        with open(path("bits12"), "wb") as o:
            o.write(struct.pack("<2sHI", b"II", 42, 8 + p12.size) + p12.tobytes() + struct.pack("<H", len(entries)))
            for t, k, x in entries:
                o.write(struct.pack("<HHII", t, k, 1, x))
            o.write(struct.pack("<I", 0))
        assert (np.array(Image.open(path("bits12"))) == rows).all()
        expect("bits12", rows.astype("u2")[..., None], form="png")


def tiffcp(base, suffix, *args):
    name = base + "_" + suffix
    r = subprocess.run(["tiffcp", *args, path(base), path(name)], capture_output=True, text=True)
    if r.returncode:
        sys.exit("tiffcp %s: %s" % (args, r.stderr))
    for ext in (".raw", ".txt", ".idx"):
        if os.path.exists(os.path.join(out, base + ext)):
            with open(os.path.join(out, base + ext), "rb") as f, open(os.path.join(out, name + ext), "wb") as g:
                g.write(f.read())


for base in ("d_u1_le_0_0", "d_u2_le_0_0", "d_u4_be_0_0", "d_f4_le_0_0", "d_i2_be_0_0", "rgb_u1_3_contig_0", "rgb_u2_4_contig_1", "stack_u2", "bw_raw", "palette"):
    kinds = ["none", "lzw", "zip", "packbits", "zstd"]
    if base != "bw_raw" and base != "palette":
        kinds += ["lzw:2", "zip:2", "zstd:2"]
    if base.startswith("d_f4"):
        kinds += ["lzw:3", "zip:3"]
    if base == "bw_raw":
        kinds += ["g3", "g4"]
    for c in kinds:
        label = c.replace(":", "")
        tiffcp(base, label, "-c", c)
        if not c.endswith(":3"):  # libtiff 4.5 does not read its own big-endian predictor 3 back
            tiffcp(base, label + "_B", "-c", c, "-B", "-r", "5")
        tiffcp(base, label + "_8", "-c", c, "-8")
        if not base.startswith("bw"):
            tiffcp(base, label + "_t", "-c", c, "-t", "-w", "32", "-l", "16", "-L")
        if not c.startswith("g") and base.startswith("rgb_u1"):
            tiffcp(base, label + "_sep", "-c", c, "-p", "separate", "-s")
        if c in ("none", "lzw", "g3", "g4") and not base.startswith("d_"):
            tiffcp(base, label + "_lsb", "-c", c, "-f", "lsb2msb")

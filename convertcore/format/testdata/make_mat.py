"""Saves arrays as MATLAB does, with SciPy (versions 4 and 5), by hand where SciPy
cannot (big-endian, numbers stored as smaller types) and with h5py in the way of
version 7.3; and what MATLAB shows of them: rows are y, columns x, then z and t.
<name>.path is the address."""
import struct
import sys
import zlib
import h5py
import numpy as np
import scipy.io
from wanted import want, values

out = sys.argv[1] + "/"


def address(name, path):
    with open(out + name + ".path", "w") as f:
        f.write(path)


def image(name, a, path=None):
    """a is as MATLAB and SciPy index it."""
    if path:
        address(name, path)
    a = np.asarray(a)
    png = a.ndim == 2 and a.dtype.kind in "ub" and a.dtype.itemsize <= 2
    if a.ndim > 2:
        a = np.moveaxis(a, (0, 1), (-2, -1))  # z, y, x of y, x, z
        if a.ndim == 4:
            a = np.swapaxes(a, 0, 1)  # t, z of z, t
    want(out + name, a, png=png)


CLASSES = {"f8": 6, "f4": 7, "i1": 8, "u1": 9, "i2": 10, "u2": 11, "i4": 12, "u4": 13, "i8": 14, "u8": 15}
TYPES = {"i1": 1, "u1": 2, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "f4": 7, "f8": 9, "i8": 12, "u8": 13}


def element(e, typ, data):
    if 0 < len(data) <= 4:
        return struct.pack(e + "I", len(data) << 16 | typ) + data.ljust(4, b"\0")
    return struct.pack(e + "II", typ, len(data)) + data + b"\0" * (-len(data) % 8)


def matrix(e, name, a, stored=None, flags=0):
    """One array of version 5 with byte order e."""
    stored = stored or a.dtype.newbyteorder("=").str[1:]
    cls = CLASSES[a.dtype.newbyteorder("=").str[1:]]
    data = a.astype(e + stored).tobytes(order="F")
    b = element(e, 6, struct.pack(e + "II", cls | flags, 0)) + element(e, 5, struct.pack(e + "%di" % a.ndim, *a.shape)) + element(e, 1, name) + element(e, TYPES[stored], data)
    return struct.pack(e + "II", 14, len(b)) + b


def file5(path, e, *elements, compressed=False):
    head = b"MATLAB 5.0 MAT-file, by hand".ljust(124) + struct.pack(e + "H", 0x100) + (b"IM" if e == "<" else b"MI")
    with open(out + path, "wb") as f:
        f.write(head)
        for b in elements:
            if compressed:
                b = zlib.compress(b)
                b = struct.pack(e + "II", 15, len(b)) + b
            f.write(b)


for dt in CLASSES:
    a, p = values(dt, (5, 6, 4)), values(dt, (5, 6), 2)
    for z in (False, True):
        n = "%s_%s" % (dt, "z" if z else "raw")
        scipy.io.savemat(out + n + ".mat", {"vol": a, "flat": p}, do_compression=z)
        got = scipy.io.loadmat(out + n + ".mat", mat_dtype=True)
        assert got["vol"].dtype == a.dtype and (got["vol"] == a).all()
        image(n + "_vol", got["vol"], n + ".mat#vol")
        image(n + "_flat", got["flat"], n + ".mat#flat")
        image(n + "_z2", got["vol"][:, :, 2], n + ".mat#vol[:,:,2]")
        image(n + "_y3", got["vol"][3], n + ".mat#vol[3]")
        for e in "<>":
            m = "hand_%s_%s" % (n, "le" if e == "<" else "be")
            file5(m + ".mat", e, matrix(e, b"vol", a), compressed=z)
            assert (scipy.io.loadmat(out + m + ".mat")["vol"] == a).all()
            image(m, a, m + ".mat")
for dt, stored in (("f8", "u1"), ("f8", "i2"), ("f8", "u2"), ("f8", "i4"), ("f4", "u1"), ("i4", "i1"), ("u4", "u2"), ("i8", "i2"), ("u8", "u1"), ("f8", "f4")):
    a = (np.arange(5 * 6 * 4).reshape(5, 6, 4) - (60 if stored[0] == "i" else 0)).astype(dt)
    for e in "<>":
        n = "as_%s_%s_%s" % (dt, stored, "le" if e == "<" else "be")
        file5(n + ".mat", e, matrix(e, b"vol", a, stored), compressed=True)
        got = scipy.io.loadmat(out + n + ".mat", mat_dtype=True)["vol"]
        assert got.dtype.newbyteorder("=") == a.dtype and (got == a).all()
        image(n, got, n + ".mat")
mask = values("?", (5, 6))
scipy.io.savemat(out + "logical.mat", {"mask": mask}, do_compression=True)
image("logical", mask, "logical.mat")
old = (mask * 1.0)
file5("oldlogical.mat", "<", matrix("<", b"mask", old, "u1", 0x200))
assert (scipy.io.loadmat(out + "oldlogical.mat", mat_dtype=True)["mask"] == mask).all()
image("oldlogical", mask, "oldlogical.mat")
tiny = np.array([[1, 2]], "u1")
scipy.io.savemat(out + "tiny.mat", {"t": tiny})
image("tiny", tiny, "tiny.mat")

rgb = values("u1", (5, 6, 3))
scipy.io.savemat(out + "rgb.mat", {"rgb": rgb, "text": "no image", "n": values("u1", (5, 6, 3, 4), 3), "s3": values("i2", (5, 6, 3), 4), "four": values("i2", (5, 6, 3, 2), 5)})
address("rgb", "rgb.mat#rgb")
want(out + "rgb", rgb.reshape(1, 1, 5, 6, 3), png=True)
address("rgbn", "rgb.mat#n[:,:,:,1]")
want(out + "rgbn", values("u1", (5, 6, 3, 4), 3)[..., 1].reshape(1, 1, 5, 6, 3), png=True)
image("threeslices", values("i2", (5, 6, 3), 4), "rgb.mat#s3")
image("four", values("i2", (5, 6, 3, 2), 5), "rgb.mat#four")
image("fourt", values("i2", (5, 6, 3, 2), 5)[..., 1], "rgb.mat#four[:,:,:,1]")

img, msk = values("i2", (5, 6), 6), values("u1", (5, 6), 7)
cells = np.empty((2, 3), object)
array = np.empty((1, 4), [("img", object), ("label", object)])
for i in range(6):
    cells[i % 2, i // 2] = img + i  # the order of MATLAB's numbers
for i in range(4):
    array[0, i] = (img + 10 * i, "case %d" % i)
one = np.empty((1, 1), object)
one[0, 0] = {"deep": {"er": msk}}
for z in (False, True):
    n = "nested%d.mat" % z
    scipy.io.savemat(out + n, {"cjdata": {"label": 1.0, "PID": "100360", "image": img, "tumorMask": msk}, "cells": cells, "array": array, "one": one}, do_compression=z)
    image("cj_image%d" % z, img, n + "#cjdata/image")
    image("cj_mask%d" % z, msk, n + "#cjdata/tumorMask")
    for i in range(6):
        image("cell%d%d" % (i, z), img + i, n + "#cells/%d" % i)
    for i in range(4):
        image("array%d%d" % (i, z), img + 10 * i, n + "#array/%d/img" % i)
        image("arrayfield%d%d" % (i, z), img + 10 * i, n + "#array/img/%d" % i)
    image("deep%d" % z, msk, n + "#one/0/deep/er")
    image("deep1%d" % z, msk, n + "#one/deep/er")

for dt in "f8 f4 i4 i2 u2 u1".split():
    a = values(dt, (5, 6))
    scipy.io.savemat(out + "v4_%s.mat" % dt, {"a": a, "b": a[:2]}, format="4")
    image("v4_%s" % dt, a, "v4_%s.mat#a" % dt)
    image("v4_%s_b" % dt, a[:2], "v4_%s.mat#b" % dt)
    p = "f8 f4 i4 i2 u2 u1".split().index(dt)
    with open(out + "v4_be_%s.mat" % dt, "wb") as f:
        f.write(struct.pack(">5i", 1000 + 10 * p, 5, 6, 0, 2) + b"a\0" + a.astype(">" + dt).tobytes(order="F"))
    assert (scipy.io.loadmat(out + "v4_be_%s.mat" % dt)["a"] == a).all()
    image("v4_be_%s" % dt, a, "v4_be_%s.mat" % dt)

# Version 7.3: HDF5 behind 512 bytes, axes in the reverse of MATLAB's order, which
# h5py shows as they are.
n = "v73.mat"
refs = 0


def mark(d, cls):
    d.attrs["MATLAB_class"] = np.string_(cls)
    return d


with h5py.File(out + n, "w", userblock_size=512) as f:
    def ref(a, cls):
        global refs
        refs += 1
        return mark(f.create_dataset("#refs#/r%d" % refs, data=np.asarray(a).T), cls).ref

    g = f.create_group("cjdata")
    mark(g, "struct")
    mark(g.create_dataset("image", data=img.T, chunks=(3, 2), compression="gzip"), "int16")
    mark(g.create_dataset("tumorMask", data=msk.T), "uint8")
    vol = values("i2", (5, 6, 4), 8)
    mark(f.create_dataset("vol", data=vol.T, chunks=(1, 6, 5), compression="gzip", shuffle=True), "int16")
    mark(f.create_dataset("rgb", data=rgb.T), "uint8")
    d = mark(f.create_dataset("mask", data=mask.T.astype("u1")), "logical")
    d.attrs["MATLAB_int_decode"] = np.int32(1)
    mark(f.create_dataset("cells", data=[[ref(img + i, "int16") for i in range(j, j + 2)] for j in (0, 2, 4)], dtype=h5py.ref_dtype), "cell")
    g = mark(f.create_group("array"), "struct")
    g.create_dataset("img", data=[[ref(img + 10 * i, "int16")] for i in range(4)], dtype=h5py.ref_dtype)
    mark(f.create_dataset("text", data=np.array([[104], [105]], "u2")), "char")
    g = mark(f.create_group("sparse"), "double")
    g.attrs["MATLAB_sparse"] = np.uint64(3)
    g["data"] = [1.0, 2.0]
    d = mark(f.create_dataset("empty", data=np.array([0, 3], "u8")), "double")
    d.attrs["MATLAB_empty"] = np.uint8(1)
with open(out + n, "r+b") as f:
    f.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + b"\0" * 8 + struct.pack("<H", 0x200) + b"IM")
image("h_image", img, n + "#cjdata/image")
image("h_mask", msk, n + "#cjdata/tumorMask")
image("h_vol", vol, n + "#vol")
image("h_z", vol[:, :, 2], n + "#vol[:,:,2]")
image("h_y", vol[3], n + "#vol[3]")
image("h_logical", mask, n + "#mask")
address("h_rgb", n + "#rgb")
want(out + "h_rgb", rgb.reshape(1, 1, 5, 6, 3), png=True)
for i in range(6):
    image("h_cell%d" % i, img + i, n + "#cells/%d" % i)
for i in range(4):
    image("h_array%d" % i, img + 10 * i, n + "#array/%d/img" % i)
    image("h_arrayfield%d" % i, img + 10 * i, n + "#array/img/%d" % i)

scipy.io.savemat(out + "refused.mat", {"sparse": scipy.sparse.eye(4).tocsc(), "complex": np.zeros((2, 3), complex), "text": "abc", "empty": np.zeros((0, 3)), "scalar": 3.0, "s": {"x": 1}}, do_compression=True)

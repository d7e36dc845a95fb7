"""Writes HDF5 files with h5py. boxes.json lists what to read of them, and each
box's bytes are in <number>.bin."""
import json
import os
import sys
import numpy as np
import h5py

out = sys.argv[1]
boxes = []


def values(dtype, shape, seed=1):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(size=shape).astype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    i = np.iinfo(dtype)
    return rng.integers(i.min, i.max, shape, dtype=dtype.newbyteorder("="), endpoint=True).astype(dtype)


def smooth(dtype, shape):
    """Values that compress."""
    return (np.indices(shape).sum(axis=0) // 3).astype(dtype)


def box(file, path, array, *index):
    start = [s.start or 0 for s in index] + [0] * (array.ndim - len(index))
    stop = [s.stop for s in index] + list(array.shape[len(index):])
    a = array[tuple(slice(i, j) for i, j in zip(start, stop))]
    with open(os.path.join(out, "%d.bin" % len(boxes)), "wb") as f:
        f.write(a.tobytes())
    d = array.dtype
    boxes.append(dict(File=file, Path=path, Shape=array.shape, Start=start, Count=a.shape,
                      Type=dict(Size=d.itemsize, Float=d.kind == "f", Signed=d.kind == "i", Big=d.byteorder == ">")))


S = slice
LAYOUTS = {
    "contiguous": dict(),
    "chunked": dict(chunks=(4, 5, 6)),
    "gzip": dict(chunks=(4, 5, 6), compression="gzip"),
    "shuffled": dict(chunks=(4, 5, 6), compression="gzip", shuffle=True),
    "lzf": dict(chunks=(4, 5, 6), compression="lzf"),
    "lzfshuffled": dict(chunks=(4, 5, 6), compression="lzf", shuffle=True, fletcher32=True),
    "fletcher": dict(chunks=(3, 7, 5), fletcher32=True),
    "all": dict(chunks=(4, 5, 6), compression="gzip", shuffle=True, fletcher32=True),
    "one": dict(chunks=(11, 13, 17)),
    "onegzip": dict(chunks=(11, 13, 17), compression="gzip"),
    "extensible": dict(chunks=(2, 5, 6), maxshape=(None, 13, 17)),
    "extensiblegzip": dict(chunks=(2, 5, 6), maxshape=(None, 13, 17), compression="gzip"),
    "middle": dict(chunks=(2, 3, 6), maxshape=(14, None, 30)),
    "limited": dict(chunks=(2, 3, 4), maxshape=(20, 20, 20)),
    "limitedgzip": dict(chunks=(2, 3, 4), maxshape=(20, 20, 20), compression="gzip"),
    "two": dict(chunks=(2, 3, 4), maxshape=(None, None, 17)),
    "twogzip": dict(chunks=(2, 3, 4), maxshape=(None, 13, None), compression="gzip", shuffle=True),
}
SLABS = [(), (S(3, 4),), (S(3, 9), S(2, 11), S(5, 17)), (S(0, 11), S(0, 13), S(7, 8)), (S(10, 11), S(12, 13), S(16, 17)), (S(0, 11), S(6, 7))]
for libver in ("earliest", "v108", "v110", "latest"):
    for user in (0, 512, 2048):
        if user and libver != "earliest":
            continue
        full = not user and libver in ("earliest", "latest")
        name = "%s%s.h5" % (libver, user or "")
        with h5py.File(os.path.join(out, name), "w", libver=libver, userblock_size=user) as f:
            for layout, how in LAYOUTS.items():
                for dt in ("<i2", ">f8") if full else ("<i2",):
                    a = smooth(dt, (11, 13, 17))
                    f.create_dataset("g/%s/%s" % (layout, dt[1:]), data=a, **how)
                    for s in SLABS if full and dt == ">f8" else SLABS[:3]:
                        box(name, "g/%s/%s" % (layout, dt[1:]), a, *s)
            for dt in "u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8".split():
                for e in "<>":
                    a = values(np.dtype(dt).newbyteorder(e), (3, 4))
                    f["types/%s%s" % (dt, "be" if e == ">" else "le")] = a
                    box(name, "/types/%s%s" % (dt, "be" if e == ">" else "le"), a)
            a = values("?", (5, 6))
            f["types/bool"] = a
            box(name, "types/bool", a.astype("u1"))
            color = h5py.enum_dtype({"RED": 0, "GREEN": 1, "BLUE": 42}, basetype="u2")
            f.create_dataset("types/enum", data=np.full((2, 3), 42, "u2"), dtype=color)
            box(name, "types/enum", np.full((2, 3), 42, "u2"))
            f["named"] = np.dtype("<i4")
            f.create_dataset("types/committed", data=np.arange(6, dtype="<i4").reshape(2, 3), dtype=f["named"])
            box(name, "types/committed", np.arange(6, dtype="<i4").reshape(2, 3))
            f["soft"] = h5py.SoftLink("/g/gzip")
            f["g/relative"] = h5py.SoftLink("gzip/i2")
            box(name, "soft/i2", smooth("<i2", (11, 13, 17)))
            box(name, "g/relative", smooth("<i2", (11, 13, 17)))
            f["external"] = h5py.ExternalLink("other.h5", "/x")
            f["loop"] = h5py.SoftLink("/loop")
            f["compound"] = np.zeros((2, 3), [("a", "i4"), ("b", "f4")])
            f["complex"] = np.zeros((2, 3), "c8")
            f["text"] = np.array([[b"abc", b"de"]])
            f["strings"] = ["abc", "de"]
            f["none"] = h5py.Empty("f4")
            f.create_dataset("scaleoffset", data=np.arange(100).reshape(10, 10), chunks=(5, 5), scaleoffset=0)
            d = f.create_dataset("holes", (20, 20), ">i2", chunks=(4, 4), fillvalue=-7)
            d[5, 5] = 3
            box(name, "holes", d[()])
            box(name, "holes", d[()], S(4, 8), S(4, 9))
            d = f.create_dataset("unwritten", (6, 7), "u2", fillvalue=9)
            box(name, "unwritten", d[()])
            d = f.create_dataset("zeros", (6, 7), "u2", chunks=(2, 2), maxshape=(None, None))
            box(name, "zeros", d[()])
            p = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            p.set_layout(h5py.h5d.COMPACT)
            a = values("<i4", (5, 6))
            h5py.h5d.create(f.id, b"compact", h5py.h5t.STD_I32LE, h5py.h5s.create_simple((5, 6)), p).write(h5py.h5s.ALL, h5py.h5s.ALL, a)
            box(name, "compact", a, S(1, 3), S(2, 6))
            p = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            p.set_chunk((3, 3))
            p.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            a = values("<i4", (10, 11))
            h5py.h5d.create(f.id, b"early", h5py.h5t.STD_I32LE, h5py.h5s.create_simple((10, 11)), p).write(h5py.h5s.ALL, h5py.h5s.ALL, a)
            box(name, "early", a)
            box(name, "early", a, S(2, 7), S(8, 11))
            for n in (7, 300):
                g = f.create_group("many%d" % n)
                for i in range(n):
                    g["entry with a name %d" % i] = np.full((2, 2), i, "<u2")
                for i in (0, n // 2, n - 1):
                    box(name, "many%d/entry with a name %d" % (n, i), np.full((2, 2), i, "<u2"))
            d = f["g/gzip/i2"]
            for i in range(40):
                d.attrs["attribute %d" % i] = "x" * 100
# Long indexes: B-trees of several levels, pages of arrays.
for libver in ("earliest", "latest"):
    name = "long_%s.h5" % libver
    with h5py.File(os.path.join(out, name), "w", libver=libver) as f:
        a = smooth("<u2", (300, 70))
        for n, how in {"fixed": {}, "grow": dict(maxshape=(None, 70)), "grow2": dict(maxshape=(300, None)), "tree": dict(maxshape=(None, None))}.items():
            for z in (None, "gzip"):
                f.create_dataset(n + str(z), data=a, chunks=(2, 1), compression=z, **how)
                for s in ((), (S(299, 300),), (S(100, 203), S(33, 34)), (S(1, 2), S(69, 70))):
                    box(name, n + str(z), a, *s)
        d = f.create_dataset("sparse", (100000, 8), "u1", chunks=(1, 4), maxshape=(None, 8))
        d[77777] = 5
        d[99999, 4:] = 6
        box(name, "sparse", d[()])
        box(name, "sparse", d[()], S(77770, 77780))
        d = f.create_dataset("sparsefixed", (100000, 8), "u1", chunks=(1, 4))
        d[77777] = 5
        box(name, "sparsefixed", d[()], S(77770, 77780))
with h5py.File(os.path.join(out, "dense.h5"), "w", libver="latest") as f:
    for i in range(1500):
        f["entry with a long name, so that the heap has many blocks of names %d" % i] = np.full((1, 2), i, "<u2")
    for i in (0, 17, 900, 1499):
        box("dense.h5", "entry with a long name, so that the heap has many blocks of names %d" % i, np.full((1, 2), i, "<u2"))
with open(os.path.join(out, "boxes.json"), "w") as f:
    json.dump(boxes, f)
print(len(boxes))

"""Writes MetaImages as MetaIO's documentation has them, and what they hold."""
import os, sys, zlib
import numpy as np
from wanted import want, values

out = sys.argv[1]
LPS = np.diag([-1.0, -1, 1, 1])
TYPES = {"i1": "CHAR", "u1": "UCHAR", "i2": "SHORT", "u2": "USHORT", "i4": "INT", "u4": "UINT", "i8": "LONG_LONG", "u8": "ULONG_LONG", "f4": "FLOAT", "f8": "DOUBLE"}


def put(name, data):
    with open(os.path.join(out, name), "wb") as f:
        f.write(data)


def head(a, nd, **more):
    order = a.shape[::-1][-nd:] if a.ndim > nd else a.shape[::-1]
    h = {"ObjectType": "Image", "NDims": nd, "BinaryData": "True", "BinaryDataByteOrderMSB": str(a.dtype.byteorder == ">"), "DimSize": " ".join(map(str, order)), "ElementType": "MET_" + TYPES[a.dtype.newbyteorder("=").str[1:]]}
    h.update(more)
    last = h.pop("ElementDataFile", "LOCAL")
    return ("".join("%s = %s\n" % kv for kv in h.items()) + "ElementDataFile = %s\n" % last).encode()


c, s = np.cos(0.3), np.sin(0.3)
R = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
SP, O = [0.7, 0.8, 2.5], [-31.5, 12.25, 7.125]
A = np.eye(4)
A[:3, :3], A[:3, 3] = R * SP, O
PLACE = dict(TransformMatrix=" ".join("%.17g" % v for v in R.T.ravel()), Offset="-31.5 12.25 7.125", ElementSpacing="0.7 0.8 2.5")
for dt in TYPES:
    for e in "<>":
        a = values(np.dtype(dt).newbyteorder(e), (4, 5, 6))
        n = "%s_%s" % (dt, "le" if e == "<" else "be")
        put(n + ".mha", head(a, 3, **PLACE) + a.tobytes())
        want(out + "/" + n + ".mha", a, LPS @ A)
        z = zlib.compress(a.tobytes())
        put(n + "_z.mha", head(a, 3, CompressedData="True", CompressedDataSize=len(z), **PLACE) + z)
        want(out + "/" + n + "_z.mha", a, LPS @ A)
a = values("<i2", (4, 5, 6))
for name, data, more in (("raw", a.tobytes(), {}), ("zraw", zlib.compress(a.tobytes()), dict(CompressedData="True")), ("skip", b"x" * 33 + a.tobytes(), dict(HeaderSize=33)), ("tail", b"x" * 77 + a.tobytes(), dict(HeaderSize=-1))):
    put("d_%s.dat" % name, data)
    put("d_%s.mhd" % name, head(a, 3, ElementSize="0.7 0.8 2.5", Position="-31.5 12.25 7.125", ElementDataFile="d_%s.dat" % name, **more))
    want(out + "/d_%s.mhd" % name, a, LPS @ np.array([[0.7, 0, 0, -31.5], [0, 0.8, 0, 12.25], [0, 0, 2.5, 7.125], [0, 0, 0, 1]]))
for i in range(4):
    put("s%03d.raw" % (i + 1), a[i].tobytes())
put("list.mhd", head(a, 3, ElementDataFile="LIST") + b"".join(b"s%03d.raw\n" % (i + 1) for i in range(4)))
put("pattern.mhd", head(a, 3, ElementDataFile="s%03d.raw 1 4 1"))
for n in ("list", "pattern"):
    want(out + "/%s.mhd" % n, a, LPS)
p = values("u1", (5, 6))
put("flat.mha", head(p, 2) + p.tobytes())
want(out + "/flat.mha", p, png=True)
p = values("<u2", (5, 6))
put("flat16.mha", head(p, 2) + p.tobytes())
want(out + "/flat16.mha", p, png=True)
f = values("<f4", (5, 6))
put("flatfloat.mha", head(f, 2, ElementSpacing="2 3") + f.tobytes())
want(out + "/flatfloat.mha", f, LPS @ np.diag([2.0, 3, 1, 1]))
rgb = values("u1", (1, 4, 5, 6, 3))
put("rgb.mha", head(rgb[0, ..., 0], 3, ElementNumberOfChannels=3) + rgb.tobytes())
want(out + "/rgb.mha", rgb, LPS)
vec = values("<f4", (4, 5, 6, 2))
put("vector.mha", head(vec[..., 0], 3, ElementNumberOfChannels=2) + vec.tobytes())
want(out + "/vector.mha", np.moveaxis(vec, 3, 0), LPS)
t = values("<i2", (3, 4, 5, 6))
put("time.mha", head(t, 4) + t.tobytes())
want(out + "/time.mha", t, LPS)
put("text.mha", head(a, 3).replace(b"BinaryData = True", b"BinaryData = False") + " ".join(map(str, a.ravel())).encode() + b"\n")
want(out + "/text.mha", a, LPS)

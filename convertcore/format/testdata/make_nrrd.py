"""Writes NRRDs as teem's definition of the format has them, and what they hold."""
import bz2, gzip, os, sys
import numpy as np
from wanted import want, values

out = sys.argv[1]
NAMES = {"i1": "signed char", "u1": "uchar", "i2": "short", "u2": "unsigned short", "i4": "int", "u4": "uint32_t", "i8": "long long int", "u8": "uint64", "f4": "float", "f8": "double"}
LPS = np.diag([-1.0, -1, 1, 1])


def put(name, data):
    with open(os.path.join(out, name), "wb") as f:
        f.write(data)


def head(a, *lines, enc="raw", end="\n"):
    e = "big" if a.dtype.byteorder == ">" else "little"
    return ("NRRD0004\n# a comment\ntype: %s\ndimension: %d\nsizes: %s\nendian: %s\nencoding: %s\n%s%s" % (NAMES[a.dtype.newbyteorder("=").str[1:]], a.ndim, " ".join(map(str, a.shape[::-1])), e, enc, "".join(l + "\n" for l in lines), end)).encode()


def text(a):
    return " ".join(repr(v.item()) for v in a.ravel()).encode() + b"\n"


def hexed(a):
    h = a.tobytes().hex()
    return "\n".join(h[i : i + 60] for i in range(0, len(h), 60)).encode()


def encoded(a):
    return {"raw": a.tobytes(), "gzip": gzip.compress(a.tobytes()), "bzip2": bz2.compress(a.tobytes()), "ascii": text(a), "hex": hexed(a)}


DIRS = "space directions: (0.7,0.1,0) (-0.1,0.8,0) (0,0.05,2.5)"
A = np.array([[0.7, -0.1, 0, -31.5], [0.1, 0.8, 0.05, 12.25], [0, 0, 2.5, 7.125], [0, 0, 0, 1]])
PLACE = ("space: left-posterior-superior", DIRS, "space origin: (-31.5,12.25,7.125)", "kinds: domain domain domain", "key:=value: with colons")
for dt in NAMES:
    for e in "<>":
        a = values(np.dtype(dt).newbyteorder(e), (4, 5, 6))
        for enc, data in encoded(a).items():
            n = "%s_%s_%s.nrrd" % (dt, "le" if e == "<" else "be", enc)
            put(n, head(a, *PLACE, enc=enc) + data)
            want(out + "/" + n, a, LPS @ A)
a = values("<i2", (4, 5, 6))
for i, (space, flip) in enumerate((("RAS", np.eye(4)), ("right-anterior-superior", np.eye(4)), ("LAS", np.diag([-1.0, 1, 1, 1])), ("LPS", LPS), ("scanner-xyz", LPS))):
    put("space%d.nrrd" % i, head(a, "space: " + space, *PLACE[1:]) + a.tobytes())
    want(out + "/space%d.nrrd" % i, a, flip @ A)
put("spacings.nrrd", head(a, "spacings: 1 2 3") + a.tobytes())
want(out + "/spacings.nrrd", a, LPS @ np.diag([1.0, 2, 3, 1]))
put("mins.nrrd", head(a, "spacings: 1 2 3", "axis mins: 10 20 30", "centers: node cell cell") + a.tobytes())
want(out + "/mins.nrrd", a, LPS @ np.array([[1.0, 0, 0, 10], [0, 2, 0, 21], [0, 0, 3, 31.5], [0, 0, 0, 1]]))
v = values("<f4", (4, 5, 6, 2))
put("first.nrrd", head(v, PLACE[0], DIRS.replace(": ", ": none "), "kinds: vector domain domain domain", PLACE[2]) + v.tobytes())
want(out + "/first.nrrd", np.moveaxis(v, 3, 0), LPS @ A)
v = values("<f4", (2, 4, 5, 6))
put("last.nrrd", head(v, PLACE[0], DIRS + " none", "kinds: domain domain domain list", PLACE[2]) + v.tobytes())
want(out + "/last.nrrd", v, LPS @ A)
put("four.nrrd", head(v) + v.tobytes())
want(out + "/four.nrrd", v, LPS)
rgb = values("u1", (1, 4, 5, 6, 3))
put("rgb.nrrd", head(rgb[0], PLACE[0], DIRS.replace(": ", ": none "), "kinds: RGB-color domain domain domain", PLACE[2]) + rgb.tobytes())
want(out + "/rgb.nrrd", rgb, LPS @ A)
p = values("u1", (5, 6))
put("flat.nrrd", head(p) + p.tobytes())
want(out + "/flat.nrrd", p, png=True)
put("data.raw", b"one line\nanother\nxyz" + a.tobytes())
put("data.gz", gzip.compress(b"xyz" + a.tobytes()))
put("skip.nhdr", head(a, "line skip: 2", "byte skip: 3", "data file: data.raw"))
put("tail.nhdr", head(a, "byteskip: -1", "datafile: ./data.raw", end=""))
put("gz.nhdr", head(a, "byte skip: 3", "data file: data.gz", enc="gz"))
for i in range(4):
    put("n%02d.raw" % i, a[i].tobytes())
put("list.nhdr", head(a, "data file: LIST", end="") + b"".join(b"n%02d.raw\n" % i for i in range(4)))
put("format.nhdr", head(a, "data file: n%02d.raw 0 3 1"))
for n in ("skip", "tail", "gz", "list", "format"):
    want(out + "/%s.nhdr" % n, a, LPS)

"""Writes HDF5 with h5py, and what NumPy shows of it; <name>.path is the address."""
import sys
import h5py
import numpy as np
from wanted import want, values

out = sys.argv[1] + "/"


def image(name, a, path, png=False):
    with open(out + name + ".path", "w") as f:
        f.write(path)
    want(out + name, a, png=png)


for libver, ext in (("earliest", "h5"), ("latest", "hdf5")):
    file = "%s.%s" % (libver, ext)
    with h5py.File(out + file, "w", libver=libver) as f:
        for dt in "u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8 ?".split():
            for e in "<>":
                a = values(np.dtype(dt).newbyteorder(e), (4, 5, 6))
                n = "%s_%s_%s" % (libver, dt.replace("?", "b"), "le" if e == "<" else "be")
                f.create_dataset("g/" + n, data=a, chunks=(2, 3, 6) if e == "<" else None, compression="gzip" if e == "<" else None)
                image(n, a, file + "#g/" + n)
                image(n + "_2", a[2], file + "#/g/%s[2]" % n, png=np.dtype(dt).kind in "ub" and np.dtype(dt).itemsize <= 2)
                image(n + "_y", a[:, 1], file + "#g/%s[:,1]" % n, png=np.dtype(dt).kind in "ub" and np.dtype(dt).itemsize <= 2)
        images = values("u1", (7, 5, 6, 3), 2)
        f.create_dataset("images", data=images, chunks=(1, 5, 6, 3), compression="lzf", maxshape=(None, 5, 6, 3))
        for i in (0, 6):
            image("%s_rgb%d" % (libver, i), images[i].reshape(1, 1, 5, 6, 3), file + "#images[%d]" % i, png=True)
        f["four"] = values("i2", (2, 3, 4, 5))
        image(libver + "_four", values("i2", (2, 3, 4, 5)), file + "#four")
        image(libver + "_channel", values("i2", (2, 3, 4, 5))[..., 1], file + "#four[:,:,:,1]")
for ext in ("h5", "hdf", "nc", "nc4", "he5"):
    with h5py.File(out + "only." + ext, "w") as f:
        f["group/x"] = values("<i2", (4, 5, 6))
        f["axis"] = np.arange(6.0)
    image("only_" + ext, values("<i2", (4, 5, 6)), "only." + ext)

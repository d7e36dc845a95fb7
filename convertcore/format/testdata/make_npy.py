"""Saves arrays with NumPy, and what they hold; <name>.path is their address."""
import sys
import numpy as np
from wanted import want, values

out = sys.argv[1] + "/"


def address(name, path):
    with open(out + name + ".path", "w") as f:
        f.write(path)


for dt in "u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8 ?".split():
    for e in "<>":
        for order in "CF":
            a = values(np.dtype(dt).newbyteorder(e), (4, 5, 6))
            name = "%s_%s_%s.npy" % (dt.replace("?", "b"), "le" if e == "<" else "be", order)
            np.save(out + name, np.array(a, order=order))
            want(out + name, a)
            p = a[0]
            png = np.dtype(dt).kind in "ub" and p.dtype.itemsize <= 2
            np.save(out + "flat_" + name, np.array(p, order=order))
            want(out + "flat_" + name, p, png=png)
rgb = values("u1", (5, 6, 3))
np.save(out + "rgb.npy", rgb)
want(out + "rgb.npy", rgb.reshape(1, 1, 5, 6, 3), png=True)
np.save(out + "four.npy", values("i2", (2, 3, 4, 5)))
want(out + "four.npy", values("i2", (2, 3, 4, 5)))
images, labels = values("u1", (7, 5, 6, 3), 2), values("u1", (7, 5, 6), 3)
for name, save in (("stored", np.savez), ("deflated", np.savez_compressed)):
    save(out + name + ".npz", train_images=images, train_label=labels)
    for i in (0, 3, 6):
        n = "%s_i%d" % (name, i)
        address(n, "%s.npz#train_images[%d]" % (name, i))
        want(out + n, images[i].reshape(1, 1, 5, 6, 3), png=True)
        n = "%s_l%d" % (name, i)
        address(n, "%s.npz#train_label[%d]" % (name, i))
        want(out + n, labels[i], png=True)
    save(out + name + "_one.npz", values("<i2", (4, 5, 6)))
    want(out + name + "_one.npz", values("<i2", (4, 5, 6)))
address("channel", "four.npy#[:,:,:,1]")
want(out + "channel", values("i2", (2, 3, 4, 5))[..., 1])
for v in ((2, 0), (3, 0)):
    with open(out + "v%d.npy" % v[0], "wb") as f:
        np.lib.format.write_array(f, values("u1", (5, 6)), version=v)
    want(out + "v%d.npy" % v[0], values("u1", (5, 6)), png=True)

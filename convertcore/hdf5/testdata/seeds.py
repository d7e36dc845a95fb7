"""Writes the small files that fuzzing begins with: seed_*.h5 beside this one."""
import os
import numpy as np
import h5py

here = os.path.dirname(os.path.abspath(__file__)) + "/seed_"
a = np.arange(48, dtype="<u2").reshape(6, 8)
for libver in ("earliest", "latest"):
    for name, how in {"plain": {}, "gzip": dict(chunks=(3, 4), compression="gzip", shuffle=True), "lzf": dict(chunks=(3, 4), compression="lzf", fletcher32=True), "grow": dict(chunks=(1, 4), maxshape=(None, 8)), "grow2": dict(chunks=(3, 4), maxshape=(None, None), compression="gzip"), "one": dict(chunks=(6, 8))}.items():
        with h5py.File(here + libver + "_" + name + ".h5", "w", libver=libver) as f:
            f.create_dataset("a", data=a, **how)
with h5py.File(here + "dense.h5", "w", libver="latest") as f:
    for i in range(12):
        f["g/%d" % i] = h5py.SoftLink("/a")
    f["a"] = a.astype(">f4")
with h5py.File(here + "matlab.h5", "w", userblock_size=512) as f:
    f["#refs#/x"] = a
    f.create_dataset("a", data=[[f["#refs#/x"].ref]], dtype=h5py.ref_dtype)
    f["a"].attrs["MATLAB_class"] = np.string_("cell")

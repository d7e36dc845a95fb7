"""Writes long datasets of many slices."""
import os
import sys
import numpy as np
import h5py

a = np.random.default_rng(1).integers(0, 4000, (1000, 64, 64)).astype("<u2")
for libver in ("earliest", "latest"):
    with h5py.File(os.path.join(sys.argv[1], libver + ".h5"), "w", libver=libver) as f:
        f["plain"] = a
        f.create_dataset("chunked", data=a, chunks=(1, 64, 64))
        f.create_dataset("gzip", data=a, chunks=(1, 64, 64), maxshape=(None, 64, 64), compression="gzip", compression_opts=1)

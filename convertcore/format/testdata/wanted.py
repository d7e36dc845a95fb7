"""What an oracle says of a file: <name>.json and the payload <name>.bin."""
import json
import numpy as np


def want(path, array, affine=None, png=False):
    """array has the axes t, z, y, x (as many as it needs), and the samples of a
    pixel last where its dtype has no sign and color is told by a 5th axis."""
    a = np.asarray(array)
    channels = 1
    if a.ndim == 5:
        channels = a.shape[4]
        shape = a.shape[:4]
    else:
        shape = (1,) * (4 - a.ndim) + a.shape
    if a.dtype.kind == "f" and a.dtype.itemsize == 2:
        a = a.astype(np.float32)
    if a.dtype == bool:
        a = a.astype(np.uint8)
    a = a.astype(a.dtype.newbyteorder(">" if png else "<"))
    with open(path + ".bin", "wb") as f:
        f.write(a.tobytes())
    affine = np.zeros((4, 4)) if png else np.eye(4) if affine is None else np.asarray(affine, float)
    with open(path + ".json", "w") as f:
        json.dump(dict(Form=0 if png else 1, Dims=[int(n) for n in shape[::-1]], Channels=channels, Bits=8 * a.dtype.itemsize, Float=a.dtype.kind == "f", Signed=a.dtype.kind == "i", Affine=affine.tolist()), f)


def values(dtype, shape, seed=1):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(size=shape).astype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    i = np.iinfo(dtype)
    return rng.integers(i.min, i.max, shape, dtype=dtype.newbyteorder("="), endpoint=True).astype(dtype)

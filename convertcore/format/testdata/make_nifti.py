"""Writes NIfTIs of every datatype, byte order and orientation into a folder."""
import gzip, os, sys
import numpy as np
import nibabel as nib
from nibabel.nifti1 import Nifti1Extension, Nifti1Header, Nifti1Image, Nifti1Pair

out = sys.argv[1]
rng = np.random.default_rng(3)
SHAPE = (7, 5, 4)


def values(dtype, shape):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        a = rng.normal(size=shape).astype(dtype)
        a.flat[0] = np.nan
        return a
    i = np.iinfo(dtype)
    return rng.integers(i.min, i.max, shape, dtype=dtype, endpoint=True)


def affine(deg=20.0, flip=False):
    c, s = np.cos(np.deg2rad(deg)), np.sin(np.deg2rad(deg))
    r = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    a = np.eye(4)
    a[:3, :3] = r @ np.diag([0.7, 0.8, -2.5 if flip else 2.5])
    a[:3, 3] = [-31.5, 12.25, 7.125]
    return a


def save(name, data, q=None, s=None, slope=np.nan, inter=np.nan, order="<", ext=(), cls=Nifti1Image):
    header = Nifti1Header(endianness=order)
    header.set_data_dtype(data.dtype.newbyteorder(order))
    header.set_data_shape(data.shape)
    header.set_zooms([1.5, 1.25, 3, 2, 1, 1][: data.ndim])
    header["descrip"] = b"made for a test"
    header["cal_max"] = 99
    header.set_xyzt_units("mm", "sec")
    header.set_qform(q, code=1 if q is not None else 0)
    header.set_sform(s, code=2 if s is not None else 0)
    header["scl_slope"], header["scl_inter"] = slope, inter
    for e in ext:
        header.extensions.append(e)
    raw = data.astype(data.dtype.newbyteorder(order)).tobytes(order="F")
    header["magic"] = b"n+1"
    n = 352 + sum(e.get_sizeondisk() for e in ext)
    header["vox_offset"] = n
    body = header.binaryblock
    with open(os.path.join(out, "tmp"), "wb") as f:
        f.write(body)
        if ext:
            f.write(b"\1\0\0\0")
            header.extensions.write_to(f, order == ">")
        else:
            f.write(b"\0\0\0\0")
    with open(os.path.join(out, "tmp"), "rb") as f:
        lead = f.read()
    os.remove(os.path.join(out, "tmp"))
    assert len(lead) == n, (len(lead), n)
    if name.endswith(".gz"):
        with gzip.open(os.path.join(out, name), "wb") as f:
            f.write(lead + raw)
    else:
        with open(os.path.join(out, name), "wb") as f:
            f.write(lead + raw)
    return lead, raw


for order, tag in (("<", "le"), (">", "be")):
    for dtype in "u1 i1 u2 i2 u4 i4 u8 i8 f4 f8".split():
        save("%s_%s.nii.gz" % (dtype, tag), values(dtype, SHAPE), q=affine(), s=affine(), order=order)
    rgb = values("u1", SHAPE + (3,)).copy().view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0]
    save("rgb_%s.nii" % tag, rgb, s=affine(), order=order)
    rgba = values("u1", SHAPE + (4,)).copy().view([("R", "u1"), ("G", "u1"), ("B", "u1"), ("A", "u1")])[..., 0]
    save("rgba_%s.nii.gz" % tag, rgba, s=affine(), order=order)
    d = values("i2", SHAPE)
    save("qonly_%s.nii" % tag, d, q=affine(33), order=order)
    save("qflip_%s.nii" % tag, d, q=affine(70, flip=True), order=order)
    save("qhalfturn_%s.nii" % tag, d, q=np.diag([-1.0, -1, 2, 1]), order=order)
    save("sonly_%s.nii" % tag, d, s=affine(12) @ np.array([[1, 0.1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), order=order)
    save("both_%s.nii" % tag, d, q=affine(10), s=affine(50), order=order)
    save("none_%s.nii" % tag, d, order=order)
    save("slope_%s.nii.gz" % tag, d, s=affine(), slope=0.5, inter=-1024, order=order)
    save("slope0_%s.nii.gz" % tag, d, s=affine(), slope=0, inter=7, order=order)
    ext = (Nifti1Extension("comment", b"kept as it is"), Nifti1Extension(6, b"x" * 100))
    save("ext_%s.nii.gz" % tag, d, s=affine(), order=order, ext=ext)
    save("d2_%s.nii" % tag, d[..., 0], s=affine(), order=order)
    save("d4_%s.nii" % tag, values("i2", SHAPE + (3,)), s=affine(), order=order)
    save("d5_%s.nii" % tag, values("f4", SHAPE + (1, 3)), s=affine(), order=order)

lead, raw = save("named_gz.nii.gz", values("i2", SHAPE), s=affine())
with open(os.path.join(out, "named_gz.nii.gz"), "wb") as f:  # not gzipped at all
    f.write(lead + raw)
os.rename(os.path.join(out, "named_gz.nii.gz"), os.path.join(out, "plain.nii.gz"))
with open(os.path.join(out, "members.nii.gz"), "wb") as f:
    for part in (lead[:100], lead[100:] + raw[:33], raw[33:]):
        f.write(gzip.compress(part))
with open(os.path.join(out, "trailing.nii.gz"), "wb") as f:
    f.write(gzip.compress(lead + raw + b"more") + b"garbage after the member")
with open(os.path.join(out, "padded.nii"), "wb") as f:  # no extension, voxels further on
    h = bytearray(lead)
    h[108:112] = np.float32(1024).tobytes()
    f.write(bytes(h) + b"\0" * (1024 - 352) + raw)
nib.save(Nifti1Pair(values("i2", SHAPE), affine()), os.path.join(out, "pair.hdr"))

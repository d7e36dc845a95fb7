#!/usr/bin/env python3
"""Volumes of 256x256x128 int16 with nibabel: .nii.gz (level 6) on the local
disk against the mount's .nii.gz and .nii, and against the same bytes as the
mount's on the local disk, which no file system that serves them can exceed.

The noise is such that gzip makes a volume 1.6 times smaller, as it did to the
volume from which the targets come."""
import glob, os, shutil, sys
import nibabel
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import Mount, Report, Work, interleaved, recipe

N = 4


def volumes(folder):
    nibabel.openers.Opener.default_compresslevel = 6
    for d in ("images", "masks"):
        os.makedirs(os.path.join(folder, d))
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in (128, 256, 256)), indexing="ij")
    ball = (x * x + y * y + z * z).T
    for i in range(N):
        rng = np.random.default_rng(i)
        ct = (-1000 + 1050 * (ball < 0.8) + rng.normal(0, 36, ball.shape)).astype(np.int16)
        for d, data in (("images", ct), ("masks", (ball < 0.3 + i / 20).astype(np.uint8))):
            nibabel.save(nibabel.Nifti1Image(data, np.diag([0.8, 0.8, 2.5, 1])), f"{folder}/{d}/c{i:05d}.nii.gz")


def full(paths):
    for p in paths:
        np.asarray(nibabel.load(p).dataobj)


def one_slice(paths):
    for p in paths:
        np.asarray(nibabel.load(p).dataobj[..., 64])


def main():
    r = Report(f"{N} volumes of 256x256x128 int16, nibabel, warm")
    with Work() as work:
        volumes(work + "/raw")
        recipe(work + "/recipes", "bench-nifti", work + "/raw", 3, ".nii.gz", select="{ values = [1] }")
        with Mount(work + "/cache", "--recipes", work + "/recipes", "--datasets", "bench-nifti") as m:
            ext4 = sorted(glob.glob(work + "/raw/images/*.nii.gz"))
            gz = [f"{m.dir}/datasets/bench-nifti/images/{os.path.basename(p)}" for p in ext4]
            nii = [p[:-3] for p in gz]
            for a, b, c in zip(ext4, gz, nii):
                want = np.asarray(nibabel.load(a).dataobj)
                same = all(np.array_equal(want, np.asarray(nibabel.load(p).dataobj)) for p in (b, c))
                r.check(os.path.basename(a) + " is the same in both names", same, True)
            os.mkdir(work + "/copies")
            gz2, nii2 = ([shutil.copy(p, work + "/copies") for p in names] for names in (gz, nii))
            names = {"ext4": ext4, "gz": gz, "nii": nii, "gz2": gz2, "nii2": nii2}
            t = interleaved(7, **{k: lambda v=v: full(v) for k, v in names.items()})
            s = interleaved(7, **{k: lambda v=v: one_slice(v) for k, v in names.items()})
            r.add("gzip -6 makes it smaller", "%.2fx" % (os.path.getsize(nii[0]) / os.path.getsize(ext4[0])))
            r.add("ext4 .nii.gz, full load", "%.1f ms" % (1000 * t["ext4"] / N))
            r.ratio("mount .nii.gz, full load", t["ext4"] / t["gz"], 7)
            r.add("the same bytes on the local disk", "%.1fx" % (t["ext4"] / t["gz2"]))
            r.add("mount .nii, full load", "%.1fx" % (t["ext4"] / t["nii"]))
            r.add("mount .nii.gz, one slice", "%.1fx" % (s["ext4"] / s["gz"]))
            r.ratio("mount .nii, one slice", s["ext4"] / s["nii"], 100)
            r.add("the same bytes on the local disk", "%.1fx" % (s["ext4"] / s["nii2"]))
    r.close()


if __name__ == "__main__":
    main()

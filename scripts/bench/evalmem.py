"""Measures the peak resident memory of an omnieval run; see evalmem.sh."""
import os
import subprocess
import sys
import time

import nibabel as nib
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import ROOT, Report, Work

LIMIT = 1.5 * 2**30
USERS = "click:largest:center,click:random:boundary,scribble:largest:centerline,scribble:random:random,box:all:sloppy"


def write_case(root, slices):
    """A CT-like volume (int16 with noise) with an organ of 12 % of its voxels and a forest of small lesions."""
    rng = np.random.default_rng(1)
    shape = (512, 512, slices)
    label = np.zeros(shape, np.uint8, order="F")
    grid = np.ogrid[: shape[0], : shape[1], : shape[2]]
    label[sum(((g - n / 2) / (n * 0.31)) ** 2 for g, n in zip(grid, shape)) <= 1] = 1
    for _ in range(60):
        c = [rng.integers(8, n - 8) for n in shape]
        label[tuple(slice(x - 4, x + 4) for x in c)] ^= 1
    image = rng.integers(-60, 60, shape, dtype=np.int16)
    image[label > 0] += 90
    affine = np.diag([0.8, 0.8, 1.0, 1])
    for folder, data in (("images", image), ("labels/organ", label)):
        path = os.path.join(root, "datasets", "large", folder)
        os.makedirs(path)
        nib.save(nib.Nifti1Image(data, affine), os.path.join(path, "case.nii"))


def main():
    slices = int(sys.argv[1])
    omnieval = os.path.join(ROOT, ".bin", "omnieval")
    metrics = subprocess.run([omnieval, "metrics", "--list"], check=True, capture_output=True, text=True).stdout.split()
    report = Report("memory of one 512x512x%d session, %d metrics" % (slices, len(metrics)))
    with Work() as work:
        write_case(work + "/data", slices)
        for model in ("region-grow", "noisy-oracle"):
            start = time.time()
            process = subprocess.Popen(
                [omnieval, "run", "--data", work + "/data", "--out", work + "/" + model, "--users", USERS, "--steps", "3",
                 "--metrics", ",".join(metrics), "--model", model, "--inflight", "1", "--quiet"])
            _, status, usage = os.wait4(process.pid, 0)
            report.check(model + ": exit code", os.waitstatus_to_exitcode(status), 0)
            report.add(model + ": seconds for 15 steps", "%.0f" % (time.time() - start))
            report.add(model + ": peak resident memory", "%.2f GiB" % (usage.ru_maxrss / 2**20), "< 1.5 GiB", usage.ru_maxrss * 1024 < LIMIT)
    report.close()


main()

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


def high_water(pid):
    """The peak of a process's own resident memory in KiB, None once it has ended; a worker that it started does not count."""
    try:
        with open("/proc/%d/status" % pid) as f:
            return next((int(line.split()[1]) for line in f if line.startswith("VmHWM:")), None)
    except OSError:
        return None


def main():
    slices, steps = int(sys.argv[1]), sys.argv[2]
    omnieval = os.path.join(ROOT, ".bin", "omnieval")
    metrics = subprocess.run([omnieval, "metrics", "--list"], check=True, capture_output=True, text=True).stdout.split()
    report = Report("memory of one 512x512x%d session, %d metrics" % (slices, len(metrics)))
    worker = "%s %s" % (sys.executable, os.path.join(ROOT, "scripts", "omnieval_worker.py"))
    with Work() as work:
        write_case(work + "/data", slices)
        for name, model in (("region-grow", ["--model", "region-grow"]), ("noisy-oracle", ["--model", "noisy-oracle"]), ("python-worker", ["--worker", worker])):
            start, peak = time.time(), 0
            process = subprocess.Popen(
                [omnieval, "run", "--data", work + "/data", "--out", work + "/" + name, "--users", USERS, "--steps", steps,
                 "--metrics", ",".join(metrics), "--inflight", "1", "--timeout", "1h", "--quiet", *model])
            while process.poll() is None:
                peak = max(peak, high_water(process.pid) or 0)
                time.sleep(0.1)
            report.check(name + ": exit code", process.returncode, 0)
            report.add(name + ": seconds for %d steps" % (len(USERS.split(",")) * int(steps)), "%.0f" % (time.time() - start))
            report.add(name + ": peak resident memory", "%.2f GiB" % (peak / 2**20), "< 1.5 GiB", 0 < peak * 1024 < LIMIT)
    report.close()


main()

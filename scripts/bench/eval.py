"""Times NumPy and SciPy beside the Go benchmarks; see eval.sh."""
import os
import re
import statistics
import subprocess
import sys
import time

import numpy as np
from scipy import ndimage

# EVAL.md, section 4: surface-distance took 2034 ms where SciPy's EDT took 4732.
SURFACE_DISTANCE_TO_EDT = 2034 / 4732


def make_masks(folder, n=256):
    """Ten ellipsoids, and the same rolled by two voxels."""
    rng = np.random.default_rng(1)
    gt = np.zeros((n, n, n), bool)
    grid = np.ogrid[:n, :n, :n]
    for _ in range(10):
        center, radius = rng.uniform(40, n - 40, 3), rng.uniform(12, 48, 3)
        gt |= sum(((g - c) / r) ** 2 for g, c, r in zip(grid, center, radius)) <= 1
    pred = np.roll(gt, 2, (0, 1, 2))
    np.save(os.path.join(folder, "gt.npy"), gt)
    np.save(os.path.join(folder, "pred.npy"), pred)
    return gt, pred


def python_side(gt, pred):
    full = np.ones((3, 3, 3))
    count = np.count_nonzero
    return {
        "dice": lambda: 2 * count(gt & pred) / (count(gt) + count(pred)),
        "dice_sum": lambda: 2 * (gt & pred).sum() / (gt.sum() + pred.sum()),
        "components": lambda: ndimage.label(gt, full),
        "edt": lambda: ndimage.distance_transform_edt(gt),
    }


GO = {  # ours -> (test binary, benchmark)
    "dice": ("metric", "Dice"),
    "components": ("mask", "Components"),
    "edt": ("mask", "EDT"),
    "nsd_hd95": ("metric", "NSDHD95"),
    "distances": ("metric", "Distances"),
    "click": ("mask", "Click"),
}


def go_side(folder, name):
    binary, bench = GO[name]
    out = subprocess.run(
        [os.path.join(folder, binary + ".test"), "-test.run", "^$",
         "-test.bench", f"^Benchmark{bench}$", "-test.benchtime", "3x"],
        check=True, capture_output=True, text=True, cwd=folder).stdout
    return float(re.search(r"\s([\d.e+]+) ns/op", out).group(1)) / 1e6


def main():
    folder, rounds = sys.argv[1], int(sys.argv[2])
    gt, pred = make_masks(folder)
    theirs, ours = {}, {}
    for _ in range(rounds):
        for name, run in python_side(gt, pred).items():
            start = time.perf_counter()
            run()
            theirs.setdefault(name, []).append((time.perf_counter() - start) * 1e3)
        for name in GO:
            ours.setdefault(name, []).append(go_side(folder, name))
    theirs = {k: statistics.median(v) for k, v in theirs.items()}
    ours = {k: statistics.median(v) for k, v in ours.items()}

    rows = [
        ("Dice / NumPy count_nonzero", theirs["dice"], ours["dice"], 10),
        ("Dice / NumPy sum", theirs["dice_sum"], ours["dice"], 10),
        ("components 26 / SciPy label", theirs["components"], ours["components"], 5),
        ("EDT / SciPy EDT", theirs["edt"], ours["edt"], 20),
        ("NSD+HD95 / surface-distance (*)", theirs["edt"] * SURFACE_DISTANCE_TO_EDT, ours["nsd_hd95"], 10),
        ("all distance metrics / the same", theirs["edt"] * SURFACE_DISTANCE_TO_EDT, ours["distances"], 1),
        ("3 EDTs / a click step", 3 * ours["edt"], ours["click"], 1),
    ]
    print(f"256^3, {gt.mean():.1%} set, median of {rounds} rounds, one thread")
    print(f"{'':34}{'theirs ms':>11}{'ours ms':>10}{'ratio':>9}{'target':>8}")
    failed = False
    for name, a, b, target in rows:
        failed |= a / b < target
        print(f"{name:34}{a:11.2f}{b:10.2f}{a / b:8.1f}x{target:7}x{'' if a / b >= target else '  FAIL'}")
    print("(*) SciPy's EDT here times the ratio in EVAL.md; the truth's side is cached, as over a session's steps")
    sys.exit(failed)


main()

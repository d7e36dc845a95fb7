#!/usr/bin/env bash
# A .nii.gz to the bytes that are served of it, against nibabel's loading of its
# voxels: processor time, medians of 7, five turns each in alternation. Fails
# below 2 times as fast.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
need py:numpy=python3-numpy py:nibabel=python3-nibabel
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$root" && go test -c -o "$work/ours" ./convertcore/format)
"$python" - "$work" <<'PY'
import sys
import nibabel
import numpy as np

z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in (128, 256, 256)), indexing="ij")
ball = (x * x + y * y + z * z).T
rng = np.random.default_rng(1)
ct = (-1000 + 1050 * (ball < 0.8) + rng.normal(0, 20, ball.shape)).astype(np.int16)
for name, data in (("ct", ct), ("mr", (np.abs(ct + 1000) // 4).astype(np.float32)), ("labels", (ball < 0.3).astype(np.uint8) + (ball < 0.1))):
    nibabel.save(nibabel.Nifti1Image(data, np.diag([0.8, 0.8, 2.5, 1])), "%s/%s.nii.gz" % (sys.argv[1], name))
PY
cat >"$work/load.py" <<'PY'
import glob, statistics, sys, time
import nibabel
import numpy as np

for path in sorted(glob.glob(sys.argv[1] + "/*.nii.gz")):
    times, walls = [], []
    for _ in range(7):
        wall, start = time.perf_counter_ns(), time.process_time_ns()
        np.asarray(nibabel.load(path).dataobj)
        times.append(time.process_time_ns() - start)
        walls.append(time.perf_counter_ns() - wall)
    print("nibabel", path, int(statistics.median(times)), int(statistics.median(walls)))
PY
export OPENBLAS_NUM_THREADS=1
for _ in 1 2 3 4 5; do
	"$python" "$work/load.py" "$work"
	OMNIMEDFS_NIFTI_FILES="$work" GOMAXPROCS=1 "$work/ours" -test.run '^$' -test.bench '^BenchmarkNIfTIFiles$' -test.benchtime 1x | grep '^ours '
done >"$work/times"
"$python" - "$work/times" <<'PY'
import os, statistics, sys

t = {}
for line in open(sys.argv[1]):
    who, path, *ns = line.split()
    t.setdefault(os.path.basename(path), {}).setdefault(who, []).append([float(x) for x in ns])
least = 1e9
for name, v in sorted(t.items()):
    a, b = ([statistics.median(x) / 1e6 for x in zip(*v[w])] for w in ("ours", "nibabel"))
    least = min(least, b[0] / a[0])
    print("%-14s ours %7.1f ms  nibabel %7.1f ms  %.2f times as fast (wall time %.1f, %.1f ms: %.2f)" % (name, a[0], b[0], b[0] / a[0], a[1], b[1], b[1] / a[1]))
sys.exit(least < 2)
PY

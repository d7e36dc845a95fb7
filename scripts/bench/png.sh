#!/usr/bin/env bash
# Our PNG decoder against libpng on the same files in memory: medians of the
# processor time of 41 decodings, five turns each in alternation, and their ratio. Fails above 1.5.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
need gcc=gcc py:numpy=python3-numpy py:PIL=python3-pil
[ -e /usr/include/png.h ] || need png.h=libpng-dev
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -O2 -o "$work/libpng" "$root/scripts/bench/png.c" -lpng
(cd "$root" && go test -c -o "$work/ours" ./convertcore/format)
"$python" - "$work" <<'PY'
import sys
import numpy as np
from PIL import Image

y, x = np.mgrid[0:512, 0:512]
rng = np.random.default_rng(5)
a = np.stack([120 + 60 * np.sin(x / 40 + c) + 40 * np.cos(y / 33) for c in range(4)], 2) + rng.normal(0, 3, (512, 512, 4))
b = a.clip(0, 255).astype(np.uint8)
for name, data in (("gray8", b[..., 0]), ("rgb8", b[..., :3]), ("rgba8", b), ("gray16", (a[..., 0] * 200).clip(0, 65535).astype(np.uint16)),
                   ("mask", ((a[..., 0] > 130) * 255).astype(np.uint8))):
    Image.fromarray(np.ascontiguousarray(data)).save("%s/%s.png" % (sys.argv[1], name))
PY
for _ in 1 2 3 4 5; do
	"$work/libpng" "$work"/*.png | sed 's/^/libpng /'
	OMNIMEDFS_PNG_FILES="$work" GOMAXPROCS=1 "$work/ours" -test.run '^$' -test.bench '^BenchmarkPNGFiles$' -test.benchtime 1x | grep '^ours '
done >"$work/times"
"$python" - "$work/times" <<'PY'
import os, statistics, sys

t = {}
for line in open(sys.argv[1]):
    who, path, ns = line.split()
    t.setdefault(os.path.basename(path), {}).setdefault(who, []).append(float(ns))
worst = 0
for name, v in sorted(t.items()):
    a, b = (statistics.median(v[w]) / 1e6 for w in ("ours", "libpng"))
    worst = max(worst, a / b)
    print("%-12s ours %6.2f ms  libpng %6.2f ms  ratio %.2f" % (name, a, b, a / b))
sys.exit(worst > 1.5)
PY

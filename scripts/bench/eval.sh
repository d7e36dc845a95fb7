#!/bin/sh
# Speed of eval/mask and eval/metric beside NumPy and SciPy: the same masks,
# one thread each, the two sides in turn within one run, medians. Prints a
# table of ratios and fails where one is below its target (EVAL.md, section 4).
#
#   scripts/bench/eval.sh [rounds]      # default 5; PYTHON=… chooses the Python
set -eu
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export OMNIEVAL_BENCH="$dir" GOMAXPROCS=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
go test -c -o "$dir/mask.test" ./eval/mask
go test -c -o "$dir/metric.test" ./eval/metric
"${PYTHON:-/usr/bin/python3}" scripts/bench/eval.py "$dir" "${1:-5}"

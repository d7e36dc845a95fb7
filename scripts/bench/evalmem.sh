#!/bin/sh
# Peak memory of omnieval with one 512x512x400 session at a time: clicks,
# scribbles and boxes, every built-in metric, two built-in models and the Python
# worker (whose own memory does not count), on a folder of ordinary NIfTI files.
# Fails above 1.5 GiB.
#
#   scripts/bench/evalmem.sh [slices [steps]]      # default 400 and 3; PYTHON=… chooses the Python
set -eu
cd "$(dirname "$0")/../.."
go build -o .bin/omnieval ./cmd/omnieval
exec "${PYTHON:-/usr/bin/python3}" scripts/bench/evalmem.py "${1:-400}" "${2:-3}"

#!/usr/bin/env bash
# dicom.py with what it needs: see there.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
need dcm2niix=dcm2niix py:numpy=python3-numpy py:pydicom=python3-pydicom
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go test -c -o "$dir/format.test" ./convertcore/format
"$python" scripts/bench/dicom.py "$dir" "${1:-5}"

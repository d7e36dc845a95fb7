#!/usr/bin/env bash
# nifti.py with what it needs: see there.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
need fusermount3=fuse3 py:numpy=python3-numpy py:PIL=python3-pil py:nibabel=python3-nibabel py:torch=python3-torch py:torchvision=python3-torchvision
fuse_ready
build
# As in epoch.sh: the readers' page faults are not what is measured.
export MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_TOP_PAD_=67108864
exec "$python" "$(dirname "$0")/nifti.py" "$@"

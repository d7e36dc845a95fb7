#!/usr/bin/env bash
# The real DSB 2018 archive over HTTP: dsb2018.sh PATH-TO/stage1_train.zip
# A server on loopback stands for the archive's real address.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
[ $# -ge 1 ] && [ -f "$1" ] || die "usage: dsb2018.sh PATH-TO/stage1_train.zip"
exec "$python" "$(dirname "$0")/dsb2018.py" "$@"

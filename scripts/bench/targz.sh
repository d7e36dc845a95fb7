#!/usr/bin/env bash
# What a tar.gz of 1 GB costs over HTTP: the first listing, which downloads it
# once; a member afterwards, when nothing of it is spooled; the second listing.
#
#   TARGZ_BYTES=1000000000 bash scripts/bench/targz.sh
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
cd "$root"
need tar=tar gzip=gzip
export TARGZ_BYTES=${TARGZ_BYTES:-1000000000}
exec go test ./sources/raw -run '^$' -bench TarGzip -benchtime 1x

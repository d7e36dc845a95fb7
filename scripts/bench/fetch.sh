#!/usr/bin/env bash
# What package fetch makes of a line, on loopback: one stream as a share of
# curl's speed, and 200 small random reads behind 50 ms by 16 readers as a
# multiple of one after the other; with --per-host 10, the default, and 16.
# Then one raw file of 256 MiB behind 50 ms, read in order through a mount.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
need curl=curl
cd "$root"
go test ./sources/fetch -run '^$' -bench 'Stream|Members' -benchtime "${BENCHTIME:-1x}" "$@"
exec go test ./cmd/omnimedfs -run '^$' -bench RawStream -benchtime "${BENCHTIME:-1x}" "$@"

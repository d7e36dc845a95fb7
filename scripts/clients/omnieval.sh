#!/usr/bin/env bash
# omnieval over real mounts, with the commands of the README:
#
#   omnieval.sh                              the demo datasets
#   omnieval.sh PATH-TO/stage1_train.zip     and 100 cases of DSB 2018
#   DSB_CASES=20 omnieval.sh PATH-TO/…       or as many
#
# Each run is done three times: without a break; killed with -9 halfway and
# resumed; in three shards that are merged. All must leave the same bytes.
# .bin/omnimedfs and .bin/omnieval must be built.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
zip=${1:-} cases=${DSB_CASES:-100}
[ -z "$zip" ] || [ -f "$zip" ] || die "usage: omnieval.sh [PATH-TO/stage1_train.zip]"
[ -z "$zip" ] || zip=$(realpath "$zip")
cd "$root"
work=$(mktemp -d)
trap 'unmount "$work/demo" "$work/dsb"; rm -rf --one-file-system "$work"' EXIT
mkdir "$work/demo" "$work/dsb"

# steps DIR counts the steps that are recorded.
steps() { if [ -f "$1/steps.jsonl" ]; then wc -l <"$1/steps.jsonl"; else echo 0; fi; }

# same A B compares what two runs recorded and what is computed from it.
same() {
	local f
	for f in run.json steps.jsonl finals.jsonl cases.csv summary.csv steps.parquet; do
		cmp "$1/$f" "$2/$f" || die "$f of $2 is not that of the run without a break"
	done
	[ "$(wc -l <"$1/timings.jsonl")" -eq "$(wc -l <"$2/timings.jsonl")" ] || die "timings of $2 are not one a step"
}

# check NAME FLAGS… does a run in the three ways.
check() {
	local name=$1 out=$work/$1 lines pid i start=$SECONDS
	shift
	say "$name: without a break"
	omnieval run "$@" --quiet --out "$out"
	omnieval report "$out"
	lines=$(steps "$out")
	grep -q '"status":"ok"' "$out/steps.jsonl" || die "no step succeeded"

	say "$name: killed with -9 halfway, resumed"
	omnieval run "$@" --quiet --out "$out.killed" 2>"$out.log" &
	pid=$!
	while kill -0 "$pid" 2>/dev/null && [ "$(steps "$out.killed")" -lt $((lines / 2)) ]; do sleep 0.01; done
	kill -9 "$pid" 2>/dev/null || die "the run ended before it could be killed"
	wait "$pid" 2>/dev/null || true
	echo "killed at $(steps "$out.killed") of $lines steps"
	[ "$(steps "$out.killed")" -lt "$lines" ] || die "nothing was left to resume"
	omnieval resume "$out.killed" --quiet
	omnieval report "$out.killed"
	same "$out" "$out.killed"

	say "$name: three shards, merged"
	for i in 1 2 3; do omnieval run "$@" --quiet --shard "$i/3" --out "$out.shard$i"; done
	omnieval merge "$out.merged" "$out.shard3" "$out.shard1" "$out.shard2"
	omnieval report "$out.merged"
	same "$out" "$out.merged"
	echo "$name: $lines steps, the same bytes three times, $((SECONDS - start)) s"
	grep -E '^dataset,[^,]*,[^,]*,all,dice,final,' "$out/summary.csv" | cut -d, -f2,3,7,8 | sed 's/^/  final Dice: /'
}

omnieval selftest
users=click:largest:center,scribble:largest:centerline,box:all:sloppy
worker="$python scripts/omnieval_worker.py"

omnimedfs mount "$work/demo" --demo --background --cache "$work/cache-demo"
demo=(--data "$work/demo" --datasets demo-nuclei,demo-organs --users "$users" --steps 5 --seed 7)
check demo-region-grow "${demo[@]}" --trials 3 --model region-grow
check demo-python-worker "${demo[@]}" --worker "$worker"
omnimedfs umount "$work/demo"

if [ -n "$zip" ]; then
	omnimedfs mount "$work/dsb" --datasets dsb2018-bbbc038 --background --cache "$work/cache-dsb" \
		--mirror "https://data.broadinstitute.org/bbbc/BBBC038/=$(dirname "$zip")"
	dsb=(--data "$work/dsb" --datasets dsb2018-bbbc038 --limit "$cases" --users "$users" --steps 5 --seed 7)
	check dsb2018-region-grow "${dsb[@]}" --model region-grow
	check dsb2018-python-worker "${dsb[@]}" --worker "$worker"
	omnimedfs umount "$work/dsb"
fi
say "all runs left the same bytes"

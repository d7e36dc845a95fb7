#!/usr/bin/env bash
# Asks every record of the catalog, for somebody who has internet: the API's
# answer, licence, file list, sizes and checksums against the recipe's, the first
# and last bytes of three files by range, up to 20 small files a record whole,
# with their checksums, and the layout against the recipe. It writes a report
# in Markdown and downloads no large file whole, except archives without random
# access and those that are made anew for each request. It fails where a record
# does not answer, or has other sizes or checksums than announced or recorded.
#
#   bash scripts/live.sh [OPTION…] [REPORT [GLOB]]
#   bash scripts/live.sh --dry-run            what would be asked; no network
#   bash scripts/live.sh --quick              without the layout
#   LIVE_HASH=16MiB …                         small files; 1MiB
#   LIVE_OPTIONS='--mirror A=B --demo' …      options for omnimedfs
#
# Tokens: the README's section on platforms.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
dry=0 quick=0
while [[ ${1:-} == --* ]]; do
	case $1 in
	--dry-run) dry=1 ;;
	--quick) quick=1 ;;
	*) die "unknown option $1" ;;
	esac
	shift
done
report=${1:-live.md} glob=${2:-*}
build
cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT
read -ra options <<<"${LIVE_OPTIONS:-}"
run() { omnimedfs "$@" --cache "$cache/c" "${options[@]}" --log-level error; }

run ls --json --datasets "$glob" >"$cache/ls.json"
"$python" - "$cache/ls.json" >"$cache/ids" <<'PY'
import json, sys
for d in json.load(open(sys.argv[1])):
    print(d["id"], d["platform"], d["license"], d["status"])
PY
if [ "$dry" = 1 ]; then
	while read -r id platform license status; do
		echo "would ask $platform for $id: list, license ($license), sizes, checksums, first and last bytes, layout ($status)"
	done <"$cache/ids"
	echo "$(wc -l <"$cache/ids") datasets"
	exit 0
fi
mkdir "$cache/out"
while read -r id _; do
	say "$id"
	run recipe record "$id" --json --hash "${LIVE_HASH:-1MiB}" >"$cache/out/$id.record" 2>"$cache/out/$id.record.err" || true
	if [ "$quick" = 0 ]; then
		run recipe check "$id" --json >"$cache/out/$id.check" 2>"$cache/out/$id.check.err" || true
	fi
done <"$cache/ids"
"$python" - "$cache" "$report" "$(omnimedfs version | head -n 1)" <<'PY'
import datetime, json, os, sys
cache, report, version = sys.argv[1:]

def load(path):
    try:
        return json.load(open(path)), ""
    except (OSError, ValueError):
        try:
            return None, open(path + ".err").read().strip()
        except OSError:
            return None, "not asked"

def cell(s):
    return str(s).replace("|", "\\|").replace("\n", " ")[:300]

rows, platforms = [], {}
for line in open(os.path.join(cache, "ids")):
    id, platform, license, status = line.split()
    record, err = load(os.path.join(cache, "out", id + ".record"))
    check, cerr = load(os.path.join(cache, "out", id + ".check"))
    wrong = [err] if record is None else [r["error"] for r in record if r.get("error")]
    wrong += [u for r in record or [] for u in r.get("unlike", [])]
    told = sorted({r["license"] for r in record or [] if r["license"]})
    differ = [t for t in told if t != license]
    if check is None:
        layout = cerr
    else:
        layout = f"{len(check['mismatches'])} mismatches" if check["mismatches"] else "fits"
    ok = not wrong
    n = platforms.setdefault(platform, [0, 0])
    n[0] += 1
    n[1] += ok
    rows.append((id, platform, "ok" if ok else "; ".join(wrong), sum(r["files"] for r in record or []), sum(r["bytes"] for r in record or []),
                 sum(r["checksums"] for r in record or []), sum(r["verified"] for r in record or []), license + (" but " + ", ".join(differ) if differ else ""), layout))
with open(report, "w") as out:
    print(f"# Records, asked on {datetime.date.today()} by {version}\n", file=out)
    print("| platform | records | answered |\n|---|---|---|", file=out)
    for p in sorted(platforms):
        print(f"| {p} | {platforms[p][0]} | {platforms[p][1]} |", file=out)
    print("\n| dataset | platform | answer | files | bytes | checksums | verified | license | layout |\n|---|---|---|---|---|---|---|---|---|", file=out)
    for r in rows:
        print("| " + " | ".join(map(cell, r)) + " |", file=out)
answered = sum(n[1] for n in platforms.values())
print(f"{report}: {len(rows)} datasets, {answered} answered")
sys.exit(answered < len(rows) or not rows)
PY

#!/usr/bin/env bash
# Runs every check of the project: format, vet, staticcheck, tests with the race
# detector and real mounts, a short run of each fuzz target, and real readers
# over a real mount. The last line counts what passed, failed and was skipped.
#
#   bash scripts/test.sh                all
#   FUZZ=0 bash scripts/test.sh         without fuzzing; else seconds a target
#   DSB_CASES=100 bash scripts/test.sh  more cases of DSB 2018 than 20
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

need fusermount3=fuse3 gcc=gcc rsync=rsync file=file unzip=unzip tar=tar \
	zip=zip gzip=gzip bzip2=bzip2 xz=xz-utils zstd=zstd 7z=p7zip-full \
	py:numpy=python3-numpy py:PIL=python3-pil py:nibabel=python3-nibabel py:scipy=python3-scipy py:h5py=python3-h5py \
	py:torch=python3-torch py:torchvision=python3-torchvision \
	py:pydicom=python3-pydicom py:skimage=python3-skimage py:gdcm=python3-gdcm dcmcjpeg=dcmtk gdcmconv=libgdcm-tools \
	dcm2niix=dcm2niix plastimatch=plastimatch \
	py:tifffile=python3-tifffile tiffcp=libtiff-tools teem-unu=teem-apps \
	/usr/share/doc/insighttoolkit5-examples/examples/Data=insighttoolkit5-examples \
	nginx=nginx vsftpd=vsftpd curl=curl
codecs
fuse_ready

passed=0 failed=0 skipped=0
# step NAME COMMAND… runs one check and goes on when it fails.
step() {
	local name=$1
	shift
	say "$name"
	if "$@"; then passed=$((passed + 1)); else
		failed=$((failed + 1))
		echo "FAILED: $name"
	fi
}

check_gofmt() {
	local bad
	bad=$(gofmt -l .)
	[ -z "$bad" ] || { echo "not formatted: $bad"; return 1; }
}

check_staticcheck() {
	local want=v0.8.2
	if ! "$bin/staticcheck" -version 2>/dev/null | grep -q "${want#v}"; then
		GOBIN=$bin go install "honnef.co/go/tools/cmd/staticcheck@$want" || return 1
	fi
	"$bin/staticcheck" ./...
}

# check_servers brings the S3 server that the tests of package sources start;
# nginx and vsftpd are Debian's.
check_servers() {
	local want=v1.7.0
	if ! go version -m "$bin/versitygw" 2>/dev/null | grep -q "versitygw.*$want"; then
		GOFLAGS='' GOBIN=$bin go install "github.com/versity/versitygw/cmd/versitygw@$want"
	fi
}

# check_tests counts tests, subtests among them, from go test's own record.
check_tests() {
	local record code=0
	record=$(mktemp)
	go test -race -timeout 15m -json ./... >"$record" || code=$?
	"$python" - "$record" <<'PY' || return 1
import json, sys
count, out, bad = {"pass": 0, "fail": 0, "skip": 0}, {}, []
for line in open(sys.argv[1]):
    try:
        e = json.loads(line)
    except ValueError:
        print(line, end="")
        continue
    key = (e.get("Package") or e.get("ImportPath"), e.get("Test"))
    if e["Action"] in ("output", "build-output"):
        out.setdefault(key, []).append(e["Output"])
    elif e["Action"] in count:
        if key[1]:
            count[e["Action"]] += 1
        if e["Action"] == "fail":
            bad.append(key)
        if key[1] is None:
            print(f'{e["Action"]:5} {key[0]} {e.get("Elapsed", 0):.1f}s')
        elif e["Action"] == "skip":
            print("skip ", *key, "".join(out[key]).strip().splitlines()[-2:-1])
for key in bad:
    print("".join(out.get(key, [])))
for key, text in out.items():
    if key[0] and key[1] is None and key not in bad and any("[build failed]" in t for t in text):
        print("".join(text))
open(sys.argv[1] + ".count", "w").write("{pass} {fail} {skip}".format(**count))
PY
	local p f s
	read -r p f s <"$record.count"
	rm -f "$record" "$record.count"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	return $code
}

# check_fuzz does not spend its time on making inputs smaller, as go test would by
# itself for a minute each.
# fuzz_one runs one target in its package's folder and writes a line to $results.
fuzz_one() {
	local binary=$1 pkg=$2 target=$3 seconds=$4 try log
	log=$(mktemp)
	# On a busy machine a worker can miss go's deadline, which is reported as a
	# failure without an input: tried once more.
	for try in 1 2; do
		if (cd "$pkg" && "$binary" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "${seconds}s" -test.fuzzminimizetime 10x \
			-test.parallel 1 -test.fuzzcachedir "$binary.corpus/$target") >"$log" 2>&1; then
			echo ok >>"$results"
			rm -f "$log"
			return 0
		fi
		grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input' "$log" || break
	done
	echo "failed $pkg $target" >>"$results"
	echo "fuzz $pkg $target" && tail -n 30 "$log"
	rm -f "$log"
}

# check_fuzz builds each package's targets once and runs them side by side.
check_fuzz() {
	local seconds=$1 dir pkg binary
	dir=$(mktemp -d)
	export results=$dir/results
	export -f fuzz_one
	: >"$results"
	grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r pkg; do
		binary=$dir/$(echo "$pkg" | tr / _)
		go test -c -fuzz . -o "$binary" "$pkg" || { echo "failed $pkg" >>"$results"; continue; }
		grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$pkg"/*_test.go | sed "s|^func |$binary $pkg |; s|\$| $seconds|"
	done | xargs -P "$(nproc)" -L 1 bash -c 'fuzz_one "$@"' fuzz
	passed=$((passed + $(grep -c '^ok' "$results")))
	failed=$((failed + $(grep -c '^failed' "$results")))
	local code=0
	! grep '^failed' "$results" || code=1
	rm -rf "$dir"
	return $code
}

start=$SECONDS
step "gofmt" check_gofmt
step "go vet" go vet ./...
step "staticcheck" check_staticcheck
step "versitygw" check_servers
step "go test -race" check_tests
step "the codecs in pure Go" env GOFLAGS= go test ./convertcore/codec ./convertcore/dicom
step "pure Go build" env GOFLAGS= CGO_ENABLED=0 go build ./...
step "previews of all robot users and a real record, without the race detector" \
	go test -run '^(TestPreviews|TestNewReal|TestCheckRealFiles)$' ./cmd/omnieval ./cmd/omnimedfs
fuzz=${FUZZ:-2}
if [ "$fuzz" -gt 0 ]; then
	step "fuzz, $fuzz s a target" check_fuzz "$fuzz"
else
	skipped=$((skipped + 1))
fi
step "build" build
step "omnieval against NumPy, SciPy and scikit-image" "$python" scripts/crosscheck.py --cases 40
step "live.sh over the demo datasets" env LIVE_OPTIONS=--demo bash scripts/live.sh "$(mktemp)"
step "readers of the demo datasets over a mount" bash scripts/clients/demo.sh
step "layouts of nnU-Net, Decathlon and BIDS over a mount" bash scripts/clients/layouts.sh
zip=${DSB2018_ZIP:-$root/../shared/real/dsb2018/stage1_train.zip}
if [ -f "$zip" ]; then
	step "DSB 2018 over HTTP" bash scripts/clients/dsb2018.sh "$zip"
	step "omnieval over mounts: demo and DSB 2018" env DSB_CASES="${DSB_CASES:-20}" bash scripts/clients/omnieval.sh "$zip"
else
	step "omnieval over a mount: demo" bash scripts/clients/omnieval.sh
	skipped=$((skipped + 1))
	say "skipped: DSB 2018 over HTTP (set DSB2018_ZIP to its stage1_train.zip)"
fi

printf '\n%d s\n%d passed, %d failed, %d skipped\n' $((SECONDS - start)) "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]

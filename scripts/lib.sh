# What the scripts share; sourced, not run.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=$root/.bin
python=${PYTHON:-/usr/bin/python3} # Debian's: the packages below are for it
export PATH="$bin:$PATH"
command -v go >/dev/null || export PATH="/usr/local/go/bin:$PATH"
export PYTHONDONTWRITEBYTECODE=1

say() { printf '\n== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# need "CHECK=PACKAGE"… installs each Debian package whose check fails. A check
# is a command, a file by its whole path, or "py:" and a Python module.
need() {
	local missing=() item check
	for item in "$@"; do
		check=${item%%=*}
		case $check in
		/*) [ -e "$check" ] || missing+=("${item#*=}") ;;
		py:*) "$python" -c "import ${check#py:}" >/dev/null 2>&1 || missing+=("${item#*=}") ;;
		*) PATH="$PATH:/usr/sbin:/sbin" command -v "$check" >/dev/null || missing+=("${item#*=}") ;;
		esac
	done
	[ ${#missing[@]} -eq 0 ] && return
	say "installing ${missing[*]}"
	command -v apt-get >/dev/null || die "please install: ${missing[*]}"
	local sudo=()
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || die "as root: apt-get install ${missing[*]}"
		sudo=(sudo)
	fi
	"${sudo[@]}" apt-get update -qq
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# codecs adds JPEG-LS and JPEG 2000 to every go command that follows: it installs
# what the build tag needs where that is possible, and sets the tag where it is
# there. CODECS=0 leaves both out, for the pure Go build.
codecs() {
	[ "${CODECS:-1}" != 0 ] || return 0
	if ! pkg-config --exists charls libopenjp2 2>/dev/null; then
		(need pkg-config=pkg-config gcc=gcc /usr/include/charls/charls.h=libcharls-dev openjp2=libopenjp2-7-dev) || true
	fi
	if command -v gcc >/dev/null && pkg-config --exists charls libopenjp2 2>/dev/null; then
		export CGO_ENABLED=1 GOFLAGS="${GOFLAGS:-} -tags=codecs"
	else
		echo "without libcharls-dev and libopenjp2-7-dev: JPEG-LS and JPEG 2000 are left out" >&2
	fi
}

# build makes .bin/omnimedfs and .bin/omnieval.
build() {
	command -v go >/dev/null || die "Go is needed: https://go.dev/dl"
	mkdir -p "$bin"
	(cd "$root" && go build -o "$bin/" ./cmd/omnimedfs ./cmd/omnieval)
}

# fuse_ready says why nothing can be mounted here, and fails.
fuse_ready() {
	[ -e /dev/fuse ] || die "/dev/fuse is missing: modprobe fuse, or start the container with --device /dev/fuse --cap-add SYS_ADMIN"
}

# unmount DIR… ends what this script mounted.
unmount() {
	local dir
	for dir in "$@"; do
		if grep -q " $dir fuse.omnimedfs " /proc/self/mounts; then
			omnimedfs umount "$dir" 2>/dev/null || omnimedfs umount -l "$dir" || true
		fi
	done
}

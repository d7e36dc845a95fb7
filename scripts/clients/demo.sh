#!/usr/bin/env bash
# The demo datasets: each copying tool on a mount that was never read, then all
# readers. .bin/omnimedfs must be built.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
work=$(mktemp -d)
mnt=$work/mnt
mkdir "$mnt"
trap 'unmount "$mnt"; rm -rf --one-file-system "$work"' EXIT

digest() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum); }

say "copies of a tree that was never read"
for tool in cp rsync tar; do
	omnimedfs mount "$mnt" --demo --background --cache "$work/cache-$tool"
	mkdir "$work/$tool"
	case $tool in
	cp) cp -r "$mnt/datasets/." "$work/cp/" ;;
	rsync) rsync -a "$mnt/datasets/" "$work/rsync/" ;;
	tar) tar -C "$mnt/datasets" -cf - . | tar -C "$work/tar" -xf - ;;
	esac
	omnimedfs umount "$mnt"
	digest "$work/$tool" | tee "$work/$tool.digest"
	cmp "$work/cp.digest" "$work/$tool.digest" || die "$tool differs from cp"
done

omnimedfs mount "$mnt" --demo --background --cache "$work/cache"
bash "$(dirname "$0")/run.sh" "$mnt"

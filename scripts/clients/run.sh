#!/usr/bin/env bash
# Real readers over a mount: run.sh MOUNT
# Copying tools first, while nothing was read yet, then the readers in Python.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
[ $# -eq 1 ] || die "usage: run.sh MOUNT"
mnt=$(cd "$1" && pwd)
out=$(mktemp -d)
trap 'rm -rf --one-file-system "$out"' EXIT

# digest FOLDER prints one line a file, link and folder: what makes a tree.
digest() {
	(cd "$1" && find . -path ./.omnimedfs -prune -o -type f -print0 | sort -z | xargs -0 sha256sum &&
		find . -path ./.omnimedfs -prune -o -type l -printf '%p -> %l\n' | sort &&
		find . -path ./.omnimedfs -prune -o -type d -print | sort)
}

say "cp, rsync, tar"
mkdir "$out/cp" "$out/tar"
cp -r "$mnt/datasets" "$out/cp/"
rsync -a "$mnt/datasets" "$out/rsync/"
tar -C "$mnt" -cf - datasets | tar -C "$out/tar" -xf -
digest "$mnt/datasets" >"$out/want"
for tool in cp rsync tar; do
	digest "$out/$tool/datasets" | cmp - "$out/want" || die "$tool made another tree"
	echo "$tool: identical, $(grep -c '^[0-9a-f]\{64\}' "$out/want") files"
done
rm -rf "$out/cp" "$out/rsync" "$out/tar"

say "file"
find "$mnt/datasets" -type f | grep -E '/(images|labels)/' | grep -E '\.(png|gz)$' | xargs -d '\n' file -b | sed 's/[,:] .*//' | sort | uniq -c
find "$mnt/datasets" -type f -path '*/images/*' -name '*.png' -print0 | xargs -0r file -b | { ! grep -v '^PNG image data'; } || die "file does not see PNG"
find "$mnt/datasets" -type f -path '*/images/*' -name '*.nii.gz' -print0 | xargs -0r file -b | { ! grep -v '^gzip compressed data'; } || die "file does not see gzip"
find "$mnt/datasets" -type f -name '*.nii.gz' -print0 | xargs -0r gzip -t

say "Python"
"$python" "$(dirname "$0")/readers.py" "$mnt"

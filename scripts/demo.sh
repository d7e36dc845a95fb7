#!/usr/bin/env bash
# Builds omnimedfs, mounts the two demo datasets in a temporary folder, reads
# them with ordinary tools, and unmounts. Nothing is downloaded but packages
# that are missing.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need fusermount3=fuse3 file=file py:numpy=python3-numpy py:PIL=python3-pil py:nibabel=python3-nibabel
codecs
fuse_ready

say "building"
build

work=$(mktemp -d)
mnt=$work/omnimedseg
mkdir "$mnt"
finish() {
	code=$?
	unmount "$mnt"
	[ $code -eq 0 ] || { echo "the demo failed; the log:" >&2; tail -n 20 "$work/cache/omnimedfs.log" >&2 || true; }
	rm -rf --one-file-system "$work"
}
trap finish EXIT

say "mount --demo"
omnimedfs mount "$mnt" --demo --cache "$work/cache" --background
omnimedfs ls --cache "$work/cache"
ls "$mnt" "$mnt/datasets"
nuclei=$mnt/datasets/demo-nuclei organs=$mnt/datasets/demo-organs
image=$(find "$nuclei/images" -name '*.png' | sort | head -n 1)
volume=$(find "$organs/images" -name '*.nii.gz' | sort | head -n 1)

say "the size is exact before the first byte is read"
stat -c '%s bytes  %n' "$image" "$volume"
before=$(stat -c %s "$volume")
[ "$(wc -c <"$volume")" -eq "$before" ]

say "ordinary tools"
file -b "$image"
sha256sum "$image" | cut -c1-64
cp "$image" "$work/copy.png"
cmp "$image" "$work/copy.png" && echo "cp made an identical copy"

say "a PNG and its mask with Pillow, a volume with nibabel"
"$python" - "$image" "$volume" <<'PY'
import sys
import nibabel, numpy as np
from PIL import Image
image, volume = sys.argv[1:]
mask = image.replace("/images/", "/labels/nucleus/")
a, m = np.asarray(Image.open(image)), np.asarray(Image.open(mask))
print(f"image {a.shape} {a.dtype}; mask {m.shape}, values {sorted(set(m.ravel().tolist()))}, {100 * (m > 0).mean():.1f} % foreground")
v = nibabel.load(volume)
print(f"volume {v.shape} {v.get_data_dtype()}, voxel {tuple(round(float(z), 3) for z in v.header.get_zooms())} mm, mean {np.asarray(v.dataobj).mean():.1f}")
s = nibabel.load(volume.removesuffix(".gz"))  # the same voxels, to slice without unpacking
print("one slice of the .nii equals the .nii.gz:", bool((s.dataobj[..., s.shape[2] // 2] == v.dataobj[..., v.shape[2] // 2]).all()))
PY

say "the cache"
omnimedfs cache stat --cache "$work/cache"
omnimedfs umount "$mnt"

say "done. To go on:"
cat <<TEXT
  sudo install $bin/omnimedfs /usr/local/bin/
  mkdir -p ~/omnimedseg && omnimedfs mount ~/omnimedseg --background
  omnimedfs ls                    # all datasets; nothing is downloaded by listing
  omnimedfs info dsb2018-bbbc038
  ls ~/omnimedseg/datasets        # files are fetched when they are read
  omnimedfs umount ~/omnimedseg
README.md has PyTorch, nnU-Net, /etc/fstab and all options.
TEXT

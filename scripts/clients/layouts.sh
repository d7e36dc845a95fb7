#!/usr/bin/env bash
# The layouts of nnU-Net, Decathlon and BIDS by the rules of their readers, over
# a mount of the demo datasets (nuclei of DSB 2018 are real) and of a real head:
# the T1 image ch2 and the AAL atlas of Debian's package mricron-data.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
need py:nibabel=python3-nibabel py:PIL=python3-pil /usr/share/mricron/templates/aal.nii.gz=mricron-data
work=$(mktemp -d)
mnt=$work/mnt
mkdir -p "$mnt" "$work/head/images" "$work/head/labels" "$work/recipes"
trap 'unmount "$mnt"; rm -rf --one-file-system "$work"' EXIT
cp /usr/share/mricron/templates/ch2.nii.gz "$work/head/images/ch2.nii.gz"
cp /usr/share/mricron/templates/aal.nii.gz "$work/head/labels/ch2.nii.gz"
cat >"$work/recipes/head-aal.toml" <<TOML
schema = 1
id = "head-aal"
title = "T1 image with AAL labels"
modality = "mri"
dim = 3
anatomy = "brain"
license = "BSD-3-Clause"
status = "unverified"
missing = "made by a check"

[citation]
title = "Automated anatomical labeling"
authors = ["Tzourio-Mazoyer"]
year = 2002

[source]
platform = "local"
record = "$work/head"

[[channel]]
name = "t1"
image = "images/{case}.nii.gz"

[[class]]
name = "temporal"
label = "labels/{case}.nii.gz"
select = { values = ["81-90"] }

[[class]]
name = "hippocampus"
label = "labels/{case}.nii.gz"
select = { values = [37, 38] }

[[class]]
name = "limbic"
label = "labels/{case}.nii.gz"
select = { values = ["31-42"] }

[[example]]
raw = "images/ch2.nii.gz"
case = "ch2"

[[evidence]]
fact = "layout"
source = "made by this check"
confidence = "high"
TOML
omnimedfs mount "$mnt" --demo --recipes "$work/recipes" --background --cache "$work/cache"
"$python" "$(dirname "$0")/layouts.py" "$mnt"
[ -z "${PREVIEWS:-}" ] || { mkdir -p "$PREVIEWS" && cp "$mnt"/datasets/*/preview/*.png "$PREVIEWS/"; }

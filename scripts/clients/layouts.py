#!/usr/bin/env python3
"""Checks the layouts of a mount by the rules of those who read them:

    layouts.py MOUNT [nnUNet-folder…]

nnU-Net: what its verify_dataset_integrity demands (file names, channels, label
values, same geometry), written down here. Decathlon: what MONAI's
load_decathlon_datalist and LoadImage make of dataset.json. BIDS: names and the
files that must be there. Previews: one size, readable.
"""
import glob, json, os, re, sys
import nibabel as nib
import numpy as np
from PIL import Image

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import Report


def load(path):
    """Array, and what has to agree: shape, spacing, origin and direction."""
    if path.endswith(".png"):
        a = np.asarray(Image.open(path))
        return a, (a.shape[:2],)
    n = nib.load(path)
    return np.asanyarray(n.dataobj), (n.shape[:3], tuple(np.round(n.affine, 4).ravel()))


def channels(array, path):
    return array.shape[2] if path.endswith(".png") and array.ndim == 3 else 1


def check_nnunet(folder):
    """Returns what is wrong with an nnU-Net v2 raw dataset."""
    bad = []
    if not re.fullmatch(r"Dataset\d{3}_[A-Za-z0-9._-]+", os.path.basename(folder)):
        bad.append("name of the folder")
    doc = json.load(open(f"{folder}/dataset.json"))
    for key in ("channel_names", "labels", "numTraining", "file_ending"):
        if key not in doc:
            return bad + ["dataset.json lacks " + key]
    end, labels = doc["file_ending"], doc["labels"]
    values = sorted({v for e in labels.values() for v in (e if isinstance(e, list) else [e])})
    if labels.get("background") != 0 or values != list(range(len(values))):
        bad.append(f"labels are not consecutive from 0: {labels}")
    if any(isinstance(e, list) for e in labels.values()):
        regions = [n for n in labels if n != "background"]
        if len(doc.get("regions_class_order", [])) != len(regions):
            bad.append("regions_class_order does not fit the regions")
    if sorted(doc["channel_names"], key=int) != [str(i) for i in range(len(doc["channel_names"]))]:
        bad.append("channels are not numbered from 0")
    cases = sorted(f[: -len(end)] for f in os.listdir(f"{folder}/labelsTr") if f.endswith(end))
    if len(cases) != doc["numTraining"]:
        bad.append(f"{len(cases)} label maps, numTraining {doc['numTraining']}")
    images = os.listdir(f"{folder}/imagesTr")
    of = {}
    for f in images:
        m = re.fullmatch(r"(.*)_(\d{4})" + re.escape(end), f)
        if not m:
            bad.append("name of image " + f)
        else:
            of.setdefault(m[1], []).append(f)
    if sorted(of) != cases:
        bad.append("cases of imagesTr and labelsTr differ")
    for case in cases:
        seg, geometry = load(f"{folder}/labelsTr/{case}{end}")
        if not set(np.unique(seg)) <= set(values):
            bad.append(f"{case}: values {np.unique(seg)}")
        n = 0
        for f in sorted(of.get(case, [])):
            a, g = load(f"{folder}/imagesTr/{f}")
            n += channels(a, f)
            if g != geometry:
                bad.append(f"{f}: geometry {g}, label map {geometry}")
            if not np.isfinite(np.asarray(a, dtype=np.float64)).all():
                bad.append(f"{f}: values that are not finite")
        if n != len(doc["channel_names"]):
            bad.append(f"{case}: {n} channels, dataset.json {len(doc['channel_names'])}")
    return bad


def check_masks(mount, folder):
    """Compares the label maps with the masks that they are made of."""
    doc, id = json.load(open(f"{folder}/dataset.json")), os.path.basename(folder)[11:]
    end, bad = doc["file_ending"], []
    for f in sorted(os.listdir(f"{folder}/labelsTr")):
        seg, _ = load(f"{folder}/labelsTr/{f}")
        for name, v in doc["labels"].items():
            if name == "background":
                continue
            mask, _ = load(f"{mount}/datasets/{id}/labels/{name}/{f}")
            if not np.array_equal(np.isin(seg, v), mask > 0):
                bad.append(f"{f}: {name}")
    return bad


def check_msd(folder):
    """What load_decathlon_datalist does: paths relative to dataset.json, an image
    that is one path or a list of channels, a label of the same grid."""
    doc, bad = json.load(open(f"{folder}/dataset.json")), []
    if len(doc["training"]) != doc["numTraining"] or len(doc["test"]) != doc["numTest"]:
        bad.append("counts")
    if doc["labels"].get("0") != "background" or sorted(doc["labels"], key=int) != [str(i) for i in range(len(doc["labels"]))]:
        bad.append("labels")
    for item in doc["training"]:
        paths = item["image"] if isinstance(item["image"], list) else [item["image"]]
        if len(paths) != len(doc["modality"]):
            bad.append("channels of " + item["label"])
        _, geometry = load(os.path.normpath(os.path.join(folder, item["label"])))
        for p in paths:
            if load(os.path.normpath(os.path.join(folder, p)))[1] != geometry:
                bad.append("geometry of " + p)
    for t in doc["test"]:
        for p in t if isinstance(t, list) else [t]:
            os.stat(os.path.join(folder, p))
    return bad


def check_bids(folder):
    bad = []
    for base, of in ((folder, "raw"), (f"{folder}/derivatives/labels", "derivative")):
        doc = json.load(open(f"{base}/dataset_description.json"))
        if not doc["Name"] or not doc["BIDSVersion"] or doc["DatasetType"] != of:
            bad.append("dataset_description.json of " + base)
    rows = open(f"{folder}/participants.tsv").read().splitlines()
    subjects = sorted(d for d in os.listdir(folder) if d.startswith("sub-"))
    if rows[0].split("\t")[0] != "participant_id" or sorted(r.split("\t")[0] for r in rows[1:]) != subjects:
        bad.append("participants.tsv")
    for path in glob.glob(f"{folder}/**/*.nii*", recursive=True):
        name = os.path.basename(path)
        if not re.fullmatch(r"sub-[A-Za-z0-9]+(_(ce|label)-[A-Za-z0-9]+)*_[A-Za-z0-9]+\.nii(\.gz)?", name):
            bad.append("name " + name)
    return bad


def main():
    mount = os.path.abspath(sys.argv[1])
    r = Report("layouts of " + mount)
    folders = [f"{mount}/views/nnunet/{n}" for n in sys.argv[2:]] or sorted(glob.glob(f"{mount}/views/nnunet/*"))
    r.add("nnU-Net datasets", len(folders), "> 0", len(folders) > 0)
    for f in folders:
        id = os.path.basename(f)[11:]
        r.check(id + ": against nnU-Net's rules", check_nnunet(f), [])
        r.check(id + ": label maps against masks", check_masks(mount, f), [])
        r.check(id + ": Decathlon", check_msd(f"{mount}/views/msd/{id}"), [])
        bids = f"{mount}/views/bids/{id}"
        if os.path.isdir(bids) and os.path.exists(f"{bids}/participants.tsv"):
            r.check(id + ": BIDS", check_bids(bids), [])
        own = {os.stat(p).st_ino for p in glob.glob(f"{mount}/datasets/{id}/images/*")}
        r.check(id + ": images share their inodes", {os.stat(p).st_ino for p in glob.glob(f"{f}/images??/*")} <= own, True)
        previews = glob.glob(f"{mount}/datasets/{id}/preview/*.png")[:20]
        r.check(id + ": previews of one size", len({os.path.getsize(p) for p in previews}), 1)
        r.check(id + ": previews can be read", {Image.open(p).convert("RGB").size for p in previews}, {(512, 608)})
    r.close()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Reads every file of a mounted tree as training code would, and checks it.

    readers.py MOUNT [--skip-torch]

Exact sizes before and after, Pillow, NumPy, nibabel, torchvision, DataLoader
with workers, SimpleITK where it is installed. Images are compared with an
independent decoding of the raw files below datasets/<id>/raw, masks with the
union that NumPy makes of them.
"""
import glob, gzip, json, os, subprocess, sys
import numpy as np
from PIL import Image

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import Report

VOLATILE = ".omnimedfs"  # these change while they are mounted


def files(mount, without=()):
    for base, dirs, names in os.walk(mount):
        dirs[:] = sorted(d for d in dirs if not (base == mount and d == VOLATILE) and d not in without)
        for n in sorted(names):
            p = os.path.join(base, n)
            if not os.path.islink(p):
                yield p


def read(path):
    n = 0
    with open(path, "rb") as f:
        while True:
            data = f.read(1 << 20)
            if not data:
                return n
            n += len(data)


def check_sizes(r, mount, without=()):
    """st_size before any read == bytes read == st_size after, in every view.
    Folders named in without are passed over."""
    before = {p: os.stat(p).st_size for p in files(mount, without)}
    unknown = wrong = total = 0
    for p, size in before.items():
        got = read(p)
        total += got
        if not got == size == os.stat(p).st_size:
            wrong += 1
            print("size", p, size, got, os.stat(p).st_size)
    r.add("files read whole", len(before), "> 0", len(before) > 0)
    r.check("files whose size is not exact", wrong, 0)
    # du counts folders and links too; both have a size of their own.
    other = 0
    for base, dirs, names in os.walk(mount):
        dirs[:] = [d for d in dirs if d not in without]
        if base != mount and os.path.relpath(base, mount).split(os.sep)[0] == VOLATILE:
            continue
        other += os.lstat(base).st_size
        other += sum(os.lstat(os.path.join(base, n)).st_size for n in names + dirs if os.path.islink(os.path.join(base, n)))
    du = subprocess.run(["du", "-s", "--apparent-size", "-B1", "--exclude=./" + VOLATILE, *("--exclude=" + w for w in without), "."], cwd=mount, check=True, stdout=subprocess.PIPE)
    r.check("du --apparent-size", int(du.stdout.split()[0]) - other, total)


def check_links(r, mount):
    links = [os.path.join(b, n) for b, ds, ns in os.walk(mount) for n in ds + ns if os.path.islink(os.path.join(b, n))]
    broken = [p for p in links if not os.path.exists(p)]
    r.add("links of the cross-indexes", len(links), "> 0", len(links) > 0)
    r.check("broken links", len(broken), 0)


def load(path):
    if path.endswith((".nii", ".nii.gz")):
        import nibabel
        return np.asarray(nibabel.load(path).dataobj)
    im = Image.open(path)
    if im.mode == "P":
        im = im.convert("RGBA" if "transparency" in im.info else "RGB")
    return np.asarray(im)


def selected(dataset, cls, raw):
    """What belongs to a class in a decoded raw label."""
    values = {("demo-organs", "liver"): 1, ("demo-organs", "kidney"): 2}
    if (dataset, cls) in values:
        return raw == values[dataset, cls]
    return (raw[..., :3].max(-1) if raw.ndim == 3 and dataset != "demo-organs" else raw) > 0


def check_pixels(r, root):
    """Every image and mask against the raw files that mapping.json names."""
    with open(os.path.join(root, "metadata", "mapping.json")) as f:
        mapping = json.load(f)["files"]
    id = os.path.basename(root)
    images = masks = bad = 0
    for path, row in mapping.items():
        got = load(os.path.join(root, path))
        raws = [os.path.join(root, x["path"]) for x in row["raw"]]
        if path.startswith("images/"):
            images += 1
            good = len(raws) == 1 and got.dtype == load(raws[0]).dtype and np.array_equal(got, load(raws[0]))
        else:
            masks += 1
            on = 1 if path.endswith(".nii.gz") else 255
            want = np.zeros(got.shape, bool)
            for x in raws:
                want |= selected(id, path.split("/")[1], load(x))
            good = got.dtype == np.uint8 and np.array_equal(got, want * np.uint8(on))
        if not good:
            bad += 1
            print("pixels", path)
    r.add(id + ": images and masks compared", f"{images}, {masks}", "> 0", images > 0 and masks > 0)
    r.check(id + ": wrong ones", bad, 0)


def check_layout(r, root):
    """The DSB layout, read without mapping.json."""
    raw = os.path.join(root, "raw", "stage1_train.zip")
    cases = sorted(os.listdir(raw))
    bad = 0
    for c in cases:
        image = np.asarray(Image.open(f"{raw}/{c}/images/{c}.png"))
        bad += not np.array_equal(image, np.asarray(Image.open(f"{root}/images/{c}.png")))
        union = np.zeros(image.shape[:2], np.uint8)
        for m in glob.glob(f"{glob.escape(raw)}/{c}/masks/*.png"):
            union |= (np.asarray(Image.open(m).convert("L")) > 0).astype(np.uint8) * 255
        bad += not np.array_equal(union, np.asarray(Image.open(f"{root}/labels/nucleus/{c}.png")))
    r.check(f"{os.path.basename(root)}: wrong among {len(cases)} cases, without mapping.json", bad, 0)


def check_volumes(r, root):
    """nibabel on both names of each volume; SimpleITK where it is installed."""
    import nibabel
    try:
        import SimpleITK as itk
    except ImportError:
        itk = None
    paths = sorted(glob.glob(os.path.join(glob.escape(root), "images", "*.nii.gz")))
    bad = 0
    for p in paths:
        z, n = nibabel.load(p), nibabel.load(p[:-3])
        with gzip.open(p, "rb") as f, open(p[:-3], "rb") as g:
            bad += f.read() != g.read()
        bad += not np.array_equal(z.affine, n.affine) or not np.array_equal(z.dataobj[..., 0], n.dataobj[..., 0])
        label = nibabel.load(sorted(glob.glob(os.path.join(glob.escape(root), "labels", "*", os.path.basename(p))))[0])
        bad += label.shape[:3] != z.shape[:3] or not np.allclose(label.affine, z.affine)
        if itk:
            bad += not np.array_equal(itk.GetArrayFromImage(itk.ReadImage(p)).T, np.asarray(z.dataobj))
    r.check(f"{os.path.basename(root)}: wrong volumes among {len(paths)} (nibabel{', SimpleITK' if itk else ''})", bad, 0)


class Pairs:
    """A torch dataset of images and masks, as a user would write it."""

    def __init__(self, root, cls):
        self.image = sorted(glob.glob(os.path.join(glob.escape(root), "images", "*.png")))
        self.mask = [p.replace("/images/", f"/labels/{cls}/") for p in self.image]

    def __len__(self):
        return len(self.image)

    def __getitem__(self, i):
        import torch, torchvision
        image = torch.from_numpy(np.array(Image.open(self.image[i]).convert("RGB")))
        mask = torchvision.io.read_image(self.mask[i])
        return i, int(image.sum()), int((mask > 0).sum()), tuple(image.shape[:2]) == tuple(mask.shape[1:])


def check_torch(r, root, cls):
    import torch
    data = Pairs(root, cls)
    bad = seen = 0
    for batch in torch.utils.data.DataLoader(data, batch_size=4, num_workers=2, shuffle=True):
        for i, total, on, same in zip(*batch):
            seen += 1
            bad += int(total) != int(np.asarray(Image.open(data.image[i]).convert("RGB"), dtype=np.int64).sum())
            bad += int(on) != int((np.asarray(Image.open(data.mask[i])) > 0).sum()) or not bool(same)
    r.check(f"{os.path.basename(root)}: wrong samples of a DataLoader with 2 workers", bad, 0)
    r.check(f"{os.path.basename(root)}: samples", seen, len(data))


def main():
    mount = os.path.abspath(sys.argv[1])
    r = Report("readers of " + mount)
    check_sizes(r, mount)
    check_links(r, mount)
    for root in sorted(glob.glob(os.path.join(glob.escape(mount), "datasets", "*"))):
        check_pixels(r, root)
        if os.path.isdir(os.path.join(root, "raw", "stage1_train.zip")):
            check_layout(r, root)
        if glob.glob(os.path.join(glob.escape(root), "images", "*.nii.gz")):
            check_volumes(r, root)
        elif "--skip-torch" not in sys.argv:
            check_torch(r, root, sorted(os.listdir(os.path.join(root, "labels")))[0])
    r.close()


if __name__ == "__main__":
    main()

"""Compares omnieval with NumPy, SciPy and scikit-image on random masks: every
metric through `omnieval metrics`, clicks, boxes and scribbles through `omnieval
prompts`. The other side is written from the definitions alone and shares
nothing with omnieval but the table of surface elements.

    python3 scripts/crosscheck.py [--cases 60] [--seed 1] [--omnieval .bin/omnieval]
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

import nibabel as nib
import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.morphology import skeletonize

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
METRICS = ("dice iou precision recall specificity vs rve hd hd95 hd95_pooled hd_surfel hd95_surfel assd masd nsd@1 nsd@2.5 nsd_voxel@1 "
           "nsd_voxel@2.5 cf1 count_error fpv fnv lesion_dice cldice biou@0.02").split()
DISTANCES = {"hd", "hd95", "hd95_pooled", "hd_surfel", "hd95_surfel", "assd", "masd"}


def full(m):
    return np.ones((3,) * m.ndim)


def label(m, structure):
    return ndimage.label(m, structure)


# Metrics.

def surfel_normals():
    """The normals of the 256 codes, out of eval/metric/surfel.go."""
    text = open(os.path.join(ROOT, "eval", "metric", "surfel.go")).read()
    rows = re.findall(r'"([0-7 ]+)"', text[text.index("var surfelNormals"):])
    half = [np.array([[int(c) for c in n] for n in row.split()]) / 8 for row in rows]
    assert len(half) == 128
    return half + half[::-1]


NORMALS = surfel_normals()


def surfels(m, spacing):
    """Corners that the surface passes, in mm, and the surface there."""
    p = np.pad(m, 1).astype(int)
    code = 0
    for k in range(2 ** m.ndim):
        at = [k >> (m.ndim - 1 - a) & 1 for a in range(m.ndim)]
        cut = tuple(slice(o, p.shape[a] - 1 + o) for a, o in enumerate(at))
        code = code + (p[cut] << (2 ** m.ndim - 1 - k))
    last = 2 ** 2 ** m.ndim - 1
    where = np.argwhere((code > 0) & (code < last))
    s = np.array(spacing)
    if m.ndim == 2:
        d = 0.5 * np.hypot(*s)
        area = {c: d for c in range(1, 15)} | {3: s[1], 12: s[1], 5: s[0], 10: s[0], 6: 2 * d, 9: 2 * d}
    else:
        scale = np.array([s[1] * s[2], s[0] * s[2], s[0] * s[1]])
        area = {c: np.sqrt(((n * scale) ** 2).sum(1)).sum() for c, n in enumerate(NORMALS)}
    return where, np.array([area[code[tuple(w)]] for w in where])


def border(m):
    return m & ~ndimage.binary_erosion(m, ndimage.generate_binary_structure(m.ndim, 1))


def nearest(from_, to, shape, spacing):
    """Distance of every voxel of from_ to the nearest of to, lists of indices."""
    grid = np.ones(shape, bool)
    grid[tuple(to.T)] = False
    return ndimage.distance_transform_edt(grid, spacing)[tuple(from_.T)]


def distances(gt, pred, spacing):
    out = {}
    a, b = np.argwhere(border(gt)), np.argwhere(border(pred))
    dg, dp = nearest(a, b, gt.shape, spacing), nearest(b, a, gt.shape, spacing)
    both = np.concatenate([dg, dp])
    out.update({"hd": both.max(), "hd95": max(np.percentile(dg, 95), np.percentile(dp, 95)), "hd95_pooled": np.percentile(both, 95),
                "assd": both.mean(), "masd": (dg.mean() + dp.mean()) / 2})
    for tau in ("1", "2.5"):
        out["nsd_voxel@" + tau] = (both <= float(tau)).mean()
    (a, la), (b, lb) = surfels(gt, spacing), surfels(pred, spacing)
    shape = tuple(n + 1 for n in gt.shape)
    dg, dp = nearest(a, b, shape, spacing), nearest(b, a, shape, spacing)
    for tau in ("1", "2.5"):
        out["nsd@" + tau] = (la[dg <= float(tau)].sum() + lb[dp <= float(tau)].sum()) / (la.sum() + lb.sum())
    out["hd_surfel"], far = max(dg.max(), dp.max()), []
    for d, l in ((dg, la), (dp, lb)):
        order = np.lexsort((l, d))
        share = np.cumsum(l[order]) / l.sum()
        far.append(d[order][min(np.searchsorted(share, 0.95), len(order) - 1)])
    out["hd95_surfel"] = max(far)
    return out


def missed(of, other, structure, unit):
    l, n = label(of, structure)
    hit = set(np.unique(l[other])) - {0}
    return sum((l == i).sum() for i in range(1, n + 1) if i not in hit) * unit


def lesions(gt, pred):
    lg, ng = label(gt, full(gt))
    lp, n_p = label(pred, full(pred))
    hit_g, hit_p = set(np.unique(lg[pred])) - {0}, set(np.unique(lp[gt])) - {0}
    dice = 0
    for i in range(1, ng + 1):
        touching = [j for j in np.unique(lp[lg == i]) if j]
        mine, theirs = lg == i, np.isin(lp, touching) if touching else np.zeros_like(gt)
        dice += 2 * (mine & theirs).sum() / (mine.sum() + theirs.sum())
    tp = len(hit_g)
    return {"cf1": 2 * tp / (2 * tp + ng - tp + n_p - len(hit_p)), "lesion_dice": dice / (ng + n_p - len(hit_p))}


def thin(m):
    return skeletonize(m) if m.ndim == 2 else skeletonize(m.astype(np.uint8), method="lee") > 0


def share(m, other):
    """Least and largest share of m's skeleton that lies in other. Scikit-image's Lee deletes the last voxel of some objects,
    which omnieval keeps: that one may be any voxel of an object without skeleton. All others are the same."""
    s = thin(m)
    low = high = (s & other).sum()
    n = s.sum()
    if m.ndim == 3:
        l, parts = label(m, full(m))
        for i in set(range(1, parts + 1)) - set(np.unique(l[s])):
            n, low, high = n + 1, low + other[l == i].all(), high + other[l == i].any()
    return low / max(1, n), high / max(1, n)


def cldice(gt, pred):
    """The least and the largest value that it can have."""
    return tuple(2 * p * r / (p + r) if p + r else 0.0 for p, r in zip(share(pred, gt), share(gt, pred)))


def biou(gt, pred):
    d = max(1, round(0.02 * np.sqrt(sum(n * n for n in gt.shape))))
    ring = lambda m: m & ~ndimage.binary_erosion(m, np.ones((2 * d + 1,) * m.ndim))
    a, b = ring(gt), ring(pred)
    return (a & b).sum() / (a | b).sum()


def expected(gt, pred, spacing):
    tp, fp, fn, tn = (gt & pred).sum(), (pred & ~gt).sum(), (gt & ~pred).sum(), (~gt & ~pred).sum()
    unit = np.prod(spacing) / (1000 if gt.ndim == 3 else 1)
    eighteen = ndimage.generate_binary_structure(gt.ndim, 2)
    out = {"fpv": missed(pred, gt, eighteen, unit), "fnv": missed(gt, pred, eighteen, unit),
           "count_error": abs(label(gt, full(gt))[1] - label(pred, full(gt))[1]), "specificity": tn / (tn + fp) if tn + fp else 1.0}
    if not gt.any() or not pred.any():
        both = not gt.any() and not pred.any()
        for name in METRICS:
            out.setdefault(name, 1.0 * both if name not in DISTANCES else 0.0 if both else None)
        out["rve"] = 0.0 if both else 1.0 if gt.any() else None
        return out, "both_empty" if both else "pred_empty" if gt.any() else "gt_empty"
    out.update({"dice": 2 * tp / (2 * tp + fp + fn), "iou": tp / (tp + fp + fn), "precision": tp / (tp + fp), "recall": tp / (tp + fn),
                "vs": 1 - abs(fn - fp) / (2 * tp + fp + fn), "rve": abs(pred.sum() - gt.sum()) / gt.sum(), "cldice": cldice(gt, pred),
                "biou@0.02": biou(gt, pred)})
    out.update(distances(gt, pred, spacing))
    out.update(lesions(gt, pred))
    return out, "ok"


# Masks.

def blob(rng, shape, sigma, part):
    noise = ndimage.gaussian_filter(rng.normal(size=shape), sigma)
    return noise > np.quantile(noise, 1 - part)


def pair(rng, ndim):
    """A shape of any proportions, a mask and one like it."""
    top = 90 if ndim == 2 else 28
    shape = tuple(int(n) for n in rng.integers(2, top, ndim))
    if rng.random() < 0.15:
        shape = tuple(1 if a == rng.integers(ndim) else n for a, n in enumerate(shape))
    kind = rng.choice(["alike", "apart", "noise", "points", "empty", "full", "same"], p=[0.4, 0.2, 0.1, 0.12, 0.06, 0.04, 0.08])
    sigma, part = rng.uniform(0.4, 4), rng.uniform(0.02, 0.6)
    gt, pred = blob(rng, shape, sigma, part), blob(rng, shape, sigma, part)
    if kind == "alike":
        pred = np.roll(gt, rng.integers(-2, 3, ndim), range(ndim)) ^ (rng.random(shape) < 0.01)
    elif kind == "noise":
        gt, pred = rng.random(shape) < 0.4, rng.random(shape) < 0.3
    elif kind == "points":
        gt, pred = rng.random(shape) < 2 / gt.size, rng.random(shape) < 2 / gt.size
    elif kind == "empty":
        gt, pred = gt & (rng.random() < 0.5), pred & False
        if rng.random() < 0.5:
            gt, pred = pred, gt
    elif kind == "full":
        gt = np.ones(shape, bool)
    elif kind == "same":
        pred = gt.copy()
    spacing = np.round(rng.choice([rng.uniform(0.3, 3, ndim), np.ones(ndim), 10 ** rng.uniform(-2, 2, ndim)]), 3)
    return gt, pred, [float(s) for s in spacing]


def save(rng, path, m, spacing):
    """Writes m in one of the formats; returns the path, and whether the file says its spacing."""
    kind = rng.choice(["npy", "nii", "png"])
    if kind == "png" and m.ndim == 2:
        Image.fromarray(m.astype(np.uint8) * 255).save(path + ".png")
        return path + ".png"
    if kind == "nii" and m.ndim == 3:
        nib.save(nib.Nifti1Image(m.astype(rng.choice(["u1", "<i2", "<f4"])), np.diag(spacing + [1.0])), path + ".nii.gz")
        return path + ".nii.gz"
    a = m.astype(rng.choice(["bool", "u1", "i1", "<u2", ">i4", "<i8", "<f4", ">f8"]))
    np.save(path + ".npy", np.asfortranarray(a) if rng.random() < 0.3 else a)
    return path + ".npy"


# Prompts.

# A scribble that is the largest component's bare skeleton.
SKELETON = "scribble:largest:centerline?fragment=off&space=volume&warp=off"


def edt(m):
    """Squared distances in voxels; outside the image is background, but axes of size 1 bound nothing."""
    flat = np.squeeze(m)
    if flat.ndim == 0:
        return None
    return np.round(ndimage.distance_transform_edt(np.pad(flat, 1)) ** 2)[(slice(1, -1),) * flat.ndim].reshape(m.shape)


def check_prompts(gt, pred, prompts, report):
    error = gt ^ pred
    if not error.any():
        for p in prompts:
            if p is not None and not p["user"].startswith("box"):
                report("%s on a perfect prediction" % p["user"])
        return
    l, n = label(error, full(error))
    sizes = np.bincount(l.ravel())[1:]
    largest = l == 1 + int(np.argmax(sizes))
    for p in prompts:
        if p is None:
            report("nothing drawn")
            continue
        kind, component, style = p["user"].split(":")
        at = [tuple(q) for q in p["points"]]
        if kind in ("click", "scribble"):
            if not all(error[q] for q in at) or len(at) == 0 or len(set(at)) != len(at):
                report("%s: points outside the error" % p["user"])
                continue
            if [int(gt[q]) for q in at] != p["labels"]:
                report("%s: labels" % p["user"])
            inside = largest if component == "largest" else l == l[at[0]]
            if component == "random" and kind == "click" and not inside[at[0]] or component == "largest" and not all(inside[q] for q in at):
                report("%s: not in the component" % p["user"])
        if p["user"] == SKELETON:
            want = set(map(tuple, np.argwhere(thin(largest))))
            if set(at) != want and (want or len(at) != 1):
                report("skeleton: %d voxels, %d of them right, want %d" % (len(at), len(set(at) & want), len(want)))
        if kind == "click" and style in ("center", "boundary"):
            d = edt(inside)
            if d is not None and d[at[0]] != (d.max() if style == "center" else d[inside].min()):
                report("%s: distance %g of %g" % (p["user"], d[at[0]], d.max()))
        if p["user"] == "box:all:perfect" and gt.any():
            w = np.argwhere(gt)
            if p["box"] != {"min": w.min(0).tolist(), "max": (w.max(0) + 1).tolist(), "max_inclusive": w.max(0).tolist()}:
                report("box:all:perfect: %s" % p["box"])


def run(omnieval, *args, ok=(0,)):
    p = subprocess.run([omnieval, *args], capture_output=True, text=True)
    if p.returncode not in ok:
        sys.exit("omnieval %s: exit %d\n%s" % (" ".join(args), p.returncode, p.stderr))
    return json.loads(p.stdout)


def close(a, b):
    """Tells whether a is b, or in the range that b is."""
    if a is None or b is None:
        return a is b
    low, high = b if isinstance(b, tuple) else (b, b)
    slack = 1e-6 * max(1, abs(high))
    return low - slack <= a <= high + slack


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--cases", type=int, default=60)
    parse.add_argument("--seed", type=int, default=1)
    parse.add_argument("--omnieval", default=os.path.join(ROOT, ".bin", "omnieval"))
    args = parse.parse_args()
    wrong, values, drawn = 0, 0, 0

    with tempfile.TemporaryDirectory() as folder:
        for i in range(args.cases):
            rng = np.random.default_rng([args.seed, i])
            gt, pred, spacing = pair(rng, 2 + i % 2)
            a, b = (save(rng, os.path.join(folder, side), m, spacing) for side, m in (("gt", gt), ("pred", pred)))

            def report(text):
                nonlocal wrong
                wrong += 1
                print("case %d %s at %s mm: %s" % (i, gt.shape, spacing, text))

            got = run(args.omnieval, "metrics", a, b, "--json", "--metrics", ",".join(METRICS), "--spacing", ",".join(map(str, spacing)))
            want, status = expected(gt, pred, spacing)
            if got["status"] != status or set(got["metrics"]) != set(METRICS):
                report("status %s with %d metrics, want %s" % (got["status"], len(got["metrics"]), status))
            for name in METRICS:
                values += 1
                if not close(got["metrics"].get(name), want[name]):
                    report("%s is %s, want %s" % (name, got["metrics"].get(name), want[name]))

            users = ["click:%s:%s" % (c, s) for c in ("largest", "random") for s in ("center", "boundary", "random")]
            users += ["scribble:%s:%s" % (c, s) for c in ("largest", "random") for s in ("centerline", "boundary", "random")]
            users.append(SKELETON)
            if gt.any():
                users.append("box:all:perfect")
            flags = [f for u in users for f in ("--user", u)]
            prompts = run(args.omnieval, "prompts", a, "--pred", b, "--json", "--seed", str(i), "--count", "2", *flags)
            drawn += len(prompts)
            check_prompts(gt, pred, prompts, report)
            os.remove(a)
            os.remove(b)
    print("%d cases, %d values of %d metrics and %d prompts compared, %d wrong" % (args.cases, values, len(METRICS), drawn, wrong))
    sys.exit(wrong > 0)


main()

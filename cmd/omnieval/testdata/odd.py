"""Writes odd pairs of masks into a folder and prints what SciPy's brute force
makes of them: a list of {name, gt, pred, spacing or null, metrics, status}."""
import json
import os
import sys

import nibabel as nib
import numpy as np
from PIL import Image
from scipy import ndimage

folder = sys.argv[1]
rng = np.random.default_rng(5)


def border(m):
    inner = ndimage.binary_erosion(m, ndimage.generate_binary_structure(m.ndim, 1))
    return np.argwhere(m & ~inner)


def distances(a, b, spacing):
    """Between all points; steps are multiplied by the spacing, as SciPy's EDT does."""
    return np.sqrt((((a[:, None] - b[None]) * spacing) ** 2).sum(-1))


def corners(m, spacing):
    """Corners of pixels that the outline of a 2-D mask passes, and its length there (surface-distance)."""
    p = np.pad(m, 1)
    code = p[:-1, :-1] * 8 + p[:-1, 1:] * 4 + p[1:, :-1] * 2 + p[1:, 1:] * 1
    a, b = spacing
    half = 0.5 * np.hypot(a, b)
    length = {c: half for c in range(1, 15)} | {3: b, 12: b, 5: a, 10: a, 6: 2 * half, 9: 2 * half}
    at = np.argwhere((code > 0) & (code < 15))
    return at, np.array([length[code[tuple(q)]] for q in at])


def surfel(gt, pred, spacing, out):
    (a, la), (b, lb) = corners(gt, spacing), corners(pred, spacing)
    d = distances(a, b, spacing)
    dg, dp = d.min(1), d.min(0)
    for tau in (1, 2):
        out["nsd@%d" % tau] = (la[dg <= tau].sum() + lb[dp <= tau].sum()) / (la.sum() + lb.sum())
    far = []
    for dist, length in ((dg, la), (dp, lb)):
        order = np.lexsort((length, dist))
        share = np.cumsum(length[order]) / length.sum()
        far.append(dist[order][min(np.searchsorted(share, 0.95), len(order) - 1)])
    out["hd95_surfel"] = max(far)


def expected(gt, pred, spacing):
    spacing = np.array(spacing, float)
    if not gt.any() or not pred.any():
        both = not gt.any() and not pred.any()
        out = {"dice": 1.0 * both, "iou": 1.0 * both, "nsd@1": 1.0 * both, "nsd@2": 1.0 * both}
        for name in ("hd", "hd95", "hd95_pooled", "hd95_surfel", "assd", "masd"):
            out[name] = 0.0 if both else None
        return out, "both_empty" if both else "pred_empty" if gt.any() else "gt_empty"
    both = (gt & pred).sum()
    d = distances(border(gt), border(pred), spacing)
    dg, dp = d.min(1), d.min(0)
    pooled = np.concatenate([dg, dp])
    out = {
        "dice": 2 * both / (gt.sum() + pred.sum()), "iou": both / (gt | pred).sum(),
        "hd": max(dg.max(), dp.max()), "hd95": max(np.percentile(dg, 95), np.percentile(dp, 95)),
        "hd95_pooled": np.percentile(pooled, 95), "assd": pooled.mean(), "masd": (dg.mean() + dp.mean()) / 2,
    }
    if gt.ndim == 2:
        surfel(gt, pred, spacing, out)
    return {k: float(v) for k, v in out.items()}, "ok"


def blob(shape):
    noise = ndimage.gaussian_filter(rng.normal(size=shape), 1.5)
    return noise > np.quantile(noise, 0.7)  # reaches the border


def one(shape, at):
    m = np.zeros(shape, bool)
    m[at] = True
    return m


def npy(path, m, dtype=bool, fortran=False, version=None):
    a = np.asarray(m).astype(dtype)
    if np.dtype(dtype).kind in "if" and np.dtype(dtype).itemsize > 1:
        a[m] = rng.choice([-3, 2, 250], m.sum())  # whatever is not zero is set
    if fortran:
        a = np.asfortranarray(a)
    if version:
        with open(path, "wb") as f:
            np.lib.format.write_array(f, a, version)
        return
    np.save(path, a)


def png(path, m):
    Image.fromarray(m.astype(np.uint8) * 255).save(path)


def nifti(path, m, zooms, slope=None, dtype=np.uint8, flip=False):
    affine = np.diag(list(zooms) + [1.0])
    if flip:
        affine[0, 0] *= -1  # the spacing is still positive
    image = nib.Nifti1Image(m.astype(dtype), affine)
    if slope:  # the numbers as stored; a set voxel is one whose scaled value is not zero
        image = nib.Nifti1Image(np.where(m, 1, round(-slope[1] / slope[0])).astype(dtype), affine)
        image.header.set_slope_inter(*slope)
    nib.save(image, path)
    if slope:
        assert np.array_equal(nib.load(path).get_fdata() != 0, m)


cases = []


def add(name, gt, pred, spacing, ext, write_gt, write_pred=None, own=False):
    paths = [os.path.join(folder, name + "_" + side + ext) for side in ("gt", "pred")]
    write_gt(paths[0], gt)
    (write_pred or write_gt)(paths[1], pred)
    metrics, status = expected(gt, pred, spacing)
    cases.append({"name": name, "gt": paths[0], "pred": paths[1], "spacing": None if own else list(map(float, spacing)), "metrics": metrics, "status": status})


flat, deep = (23, 31), (9, 14, 11)
zero2, zero3 = np.zeros(flat, bool), np.zeros(deep, bool)
add("one_pixel_same", one((5, 5), (2, 2)), one((5, 5), (2, 2)), (1, 1), ".npy", npy)
add("one_pixel_far", one((5, 7), (0, 0)), one((5, 7), (4, 6)), (0.5, 3), ".npy", npy)
add("one_voxel_image", one((1, 1, 1), (0, 0, 0)), one((1, 1, 1), (0, 0, 0)), (1, 2, 3), ".npy", npy)
add("one_voxel_far", one(deep, (0, 0, 0)), one(deep, (8, 13, 10)), (2.5, 0.7, 1.1), ".npy", npy)
add("both_empty_2d", zero2, zero2, (1, 1), ".npy", npy)
add("both_empty_3d", zero3, zero3, (1, 1, 2.5), ".npy", npy)
add("gt_empty", zero3, blob(deep), (1, 1, 2.5), ".npy", npy)
add("pred_empty", blob(flat), zero2, (1, 2), ".npy", npy)
add("full_image", ~zero2, ~zero2, (1, 1), ".npy", npy)
add("row", one((1, 40), (0, slice(3, 30))), one((1, 40), (0, slice(10, 40))), (1, 0.3), ".npy", npy)
add("column_3d", one((1, 40, 1), (0, slice(3, 30), 0)), one((1, 40, 1), (0, slice(10, 40), 0)), (5, 0.3, 2), ".npy", npy)
add("halves", one(flat, slice(0, 12)), one(flat, slice(11, 23)), (1.5, 0.5), ".npy", npy)
for spacing in ((1, 1, 1), (5, 0.5, 0.7), (0.3, 4, 1), (1e-3, 1, 1e3)):
    add("aniso_3d_%s" % "_".join(map(str, spacing)), blob(deep), blob(deep), spacing, ".npy", npy)
for spacing in ((1, 1), (3, 0.4), (0.25, 2)):
    add("aniso_2d_%s" % "_".join(map(str, spacing)), blob(flat), blob(flat), spacing, ".npy", npy)
for dtype in ("bool", "u1", "i1", "<u2", ">u2", "<i2", ">i2", "<i4", ">i4", "<u8", "<f4", ">f4", "<f8", ">f8"):
    for fortran in (False, True):
        write = lambda p, m, d=dtype, f=fortran: npy(p, m, d, f)
        add("npy_2d_%s_%d" % (dtype.strip("<>") + dtype[0].replace("<", "l").replace(">", "b"), fortran), blob(flat), blob(flat), (2, 1), ".npy", write)
        add("npy_3d_%s_%d" % (dtype.strip("<>") + dtype[0].replace("<", "l").replace(">", "b"), fortran), blob(deep), blob(deep), (1, 1, 2.5), ".npy", write)
add("npy_mixed_order", blob(deep), blob(deep), (1, 2, 3), ".npy", lambda p, m: npy(p, m, "u1", True), lambda p, m: npy(p, m, "<f4"))
for version in ((1, 0), (2, 0), (3, 0)):
    add("npy_version_%d" % version[0], blob(flat), blob(flat), (1, 1), ".npy", lambda p, m, v=version: npy(p, m, version=v))
add("npy_half", blob(flat), blob(flat), (1, 1), ".npy", lambda p, m: np.save(p, m.astype(np.float16)))
add("png_0_255", blob(flat), blob(flat), (1, 1), ".png", png, own=True)
add("png_spacing", blob(flat), blob(flat), (0.5, 2), ".png", png)
add("png_0_1", blob(flat), blob(flat), (1, 1), ".png", lambda p, m: Image.fromarray(m.astype(np.uint8)).save(p), own=True)
add("png_1_bit", blob(flat), blob(flat), (1, 1), ".png", lambda p, m: Image.fromarray(m).save(p), own=True)
add("png_16_bit", blob(flat), blob(flat), (1, 1), ".png", lambda p, m: Image.fromarray(m.astype(np.uint16) * 256).save(p), own=True)
add("png_rgba", blob(flat), blob(flat), (1, 1), ".png", lambda p, m: Image.fromarray(m.astype(np.uint8) * 255).convert("RGBA").save(p), own=True)
add("nifti", blob(deep), blob(deep), (0.5, 2, 3), ".nii.gz", lambda p, m: nifti(p, m, (0.5, 2, 3)), own=True)
add("nifti_plain_flipped", blob(deep), blob(deep), (0.5, 2, 3), ".nii", lambda p, m: nifti(p, m, (0.5, 2, 3), flip=True), own=True)
add("nifti_other_spacing", blob(deep), blob(deep), (1, 1, 4), ".nii.gz", lambda p, m: nifti(p, m, (0.5, 2, 3)))
add("nifti_slope", blob(deep), blob(deep), (1, 1, 2), ".nii.gz", lambda p, m: nifti(p, m, (1, 1, 2), slope=(0.5, 0)), own=True)
add("nifti_slope_inter", blob(deep), blob(deep), (1, 1, 2), ".nii.gz", lambda p, m: nifti(p, m, (1, 1, 2), slope=(2, 10), dtype=np.int16), own=True)
add("nifti_float", blob(deep), blob(deep), (1, 1, 2), ".nii.gz", lambda p, m: nifti(p, m, (1, 1, 2), dtype=np.float32), own=True)
add("nifti_2d", blob(flat), blob(flat), (1.5, 2), ".nii.gz", lambda p, m: nib.save(nib.Nifti1Image(m.astype(np.uint8), np.diag([1.5, 2, 1, 1])), p), own=True)
json.dump(cases, sys.stdout)

"""Compares served NIfTIs (second folder) with the raw ones (first) by nibabel,
and the affines that were computed (<name>.affine)."""
import gzip, os, sys, warnings
import numpy as np
import nibabel as nib

raw, served = sys.argv[1:]
warnings.simplefilter("ignore")
names = sorted(n for n in os.listdir(raw) if ".nii" in n or n.endswith(".hdr"))


def load(path):
    with open(path, "rb") as f:
        data = f.read()
    if data[:2] == b"\x1f\x8b":
        import io
        data = b"".join([gzip.GzipFile(fileobj=io.BytesIO(data)).read()]) if b"garbage after" not in data else __import__("zlib").decompressobj(31).decompress(data)
    return nib.Nifti1Image.from_bytes(data)


FIELDS = "dim pixdim datatype scl_slope scl_inter qform_code sform_code quatern_b quatern_c quatern_d qoffset_x qoffset_y qoffset_z srow_x srow_y srow_z descrip xyzt_units cal_max cal_min intent_code intent_name slice_code toffset".split()
for n in names:
    a = nib.load(os.path.join(raw, n)) if n.endswith(".hdr") else load(os.path.join(raw, n))
    gz, nii = (nib.load(os.path.join(served, n + e)) for e in (".nii.gz", ".nii"))
    for b in (gz, nii):
        assert b.header.endianness == "<", n
        for f in FIELDS:
            x, y = a.header[f], b.header[f]
            assert x.astype(x.dtype.newbyteorder("<")).tobytes() == y.tobytes(), (n, f, x, y)
        assert a.shape == b.shape, n
        x, y = np.asanyarray(a.dataobj), np.asanyarray(b.dataobj)
        assert x.astype(x.dtype.newbyteorder("<")).tobytes() == y.astype(y.dtype.newbyteorder("<")).tobytes(), n
        assert np.array_equal(a.affine, b.affine), n
        ea, eb = a.header.extensions, b.header.extensions
        assert [(e.get_code(), e.get_content()) for e in ea] == [(e.get_code(), e.get_content()) for e in eb], n
    got = np.loadtxt(os.path.join(served, n + ".affine"))
    want = a.affine
    if a.header["qform_code"] == 0 and a.header["sform_code"] == 0:
        want = np.diag([*a.header["pixdim"][1:4], 1])
    assert np.abs(got - want).max() < 1e-6, (n, got, want)
    axes = open(os.path.join(served, n + ".axes")).read()
    assert axes == "".join(nib.aff2axcodes(want)), (n, axes)
    mask = nib.load(os.path.join(served, n + ".mask.nii.gz"))
    assert mask.get_data_dtype() == np.uint8 and np.array_equal(mask.affine, a.affine) and not mask.header.extensions, n
    assert mask.shape == a.shape and np.array_equal(np.unique(mask.get_fdata()), [0, 1]), n
print(len(names), "agree")

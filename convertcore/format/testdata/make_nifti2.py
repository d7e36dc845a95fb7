"""Writes NIfTI-2 files with nibabel, and what they hold."""
import sys
import numpy as np
import nibabel as nib
from wanted import want, values

out = sys.argv[1] + "/"
a = np.eye(4)
a[:3, :3] = np.array([[0.7, -0.1, 0], [0.1, 0.8, 0.05], [0, 0, 2.5]])
a[:3, 3] = -31.5, 12.25, 7.125
for e in "<>":
    for dt in "u1 i1 u2 i2 u4 i4 u8 i8 f4 f8".split():
        d = values(np.dtype(dt), (4, 5, 6))
        h = nib.Nifti2Header(endianness=e)
        h.set_data_dtype(np.dtype(dt).newbyteorder(e))
        im = nib.Nifti2Image(d.T, a, h)
        im.header.set_slope_inter(1, 0)
        name = "%s_%s.nii" % (dt, "le" if e == "<" else "be")
        if dt == "i2":
            im.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"kept"))
        nib.save(im, out + name)
        assert nib.load(out + name).header.endianness == e
        want(out + name, d, a)
        nib.save(im, out + name + ".gz")
        want(out + name + ".gz", d, a)
d = values("i2", (4, 5, 6))
nib.save(nib.Nifti2Pair(d.T, a), out + "pair.hdr")
want(out + "pair.hdr", d, a)

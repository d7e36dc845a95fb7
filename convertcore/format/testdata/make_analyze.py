"""Writes Analyze 7.5 pairs with nibabel, and what nibabel.load says of them."""
import sys
import numpy as np
import nibabel as nib
from wanted import want, values

out = sys.argv[1] + "/"
for e in "<>":
    for dt in "u1 i2 i4 f4 f8".split():
        for cls in (nib.AnalyzeImage, nib.Spm99AnalyzeImage):
            d = values(np.dtype(dt), (4, 5, 6))
            h = cls.header_class(endianness=e)
            h.set_data_dtype(np.dtype(dt).newbyteorder(e))
            h.set_data_shape(d.shape[::-1])
            h.set_zooms((0.75, 1.5, 2.5))
            if cls is nib.Spm99AnalyzeImage and dt == "i2":
                h["origin"][:3] = [3, 4, 2]
            name = "%s_%s_%s.hdr" % (cls.__name__, dt, "le" if e == "<" else "be")
            with open(out + name, "wb") as f:
                f.write(h.binaryblock)
            with open(out + name[:-4] + ".img", "wb") as f:
                f.write(d.astype(np.dtype(dt).newbyteorder(e)).tobytes())
            im = nib.load(out + name[:-4] + ".img")
            assert np.array_equal(np.asanyarray(im.dataobj), d.T), name
            want(out + name, d, im.affine)

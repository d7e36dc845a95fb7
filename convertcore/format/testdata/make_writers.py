"""Has teem's unu write NRRDs, of every type, encoding and byte order, and ITK (in
plastimatch) MetaImages and NRRDs, and tells what they hold."""
import os
import subprocess
import sys
import nibabel as nib
import numpy as np
from wanted import want, values

out = sys.argv[1] + "/"
LPS = np.diag([-1.0, -1, 1, 1])
TYPES = {"i1": "int8", "u1": "uint8", "i2": "int16", "u2": "uint16", "i4": "int32", "u4": "uint32", "i8": "int64", "u8": "uint64", "f4": "float", "f8": "double"}
A = np.array([[0.7, -0.1, 0, -31.5], [0.1, 0.8, 0.05, 12.25], [0, 0, 2.5, 7.125], [0, 0, 0, 1]])
PLACE = ["-spc", "LPS", "-orig", "(-31.5,12.25,7.125)", "-dirs", "(0.7,0.1,0) (-0.1,0.8,0) (0,0.05,2.5)", "-k", "domain", "domain", "domain"]


def run(*args, data=None):
    p = subprocess.run(args, input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert p.returncode == 0, (args, p.stdout[-2000:])


for dt, name in TYPES.items():
    a = values(dt, (4, 5, 6))
    if dt[0] == "f":
        a = (np.arange(120).reshape(4, 5, 6) / 8 - 3).astype(dt)  # as text it is the same
    with open(out + dt + ".raw", "wb") as f:
        f.write(a.astype("<" + dt).tobytes())
    made = out + "made.tmp.nrrd"
    run("teem-unu", "make", "-i", out + dt + ".raw", "-t", name, "-s", "6", "5", "4", "-e", "raw", "-en", "little", *PLACE, "-o", made)
    for enc in ("raw", "gzip", "bzip2", "ascii", "hex"):
        for endian in ("little", "big"):
            n = "teem_%s_%s_%s" % (dt, enc, endian)
            if enc == "ascii" and endian == "big":
                continue  # text has no byte order
            for ext in ("nrrd", "nhdr") if endian == "little" else ("nrrd",):
                run("teem-unu", "save", "-i", made, "-f", "nrrd", "-e", enc, "-en", endian, "-o", out + n + "." + ext)
                want(out + n + "." + ext, a, LPS @ A)
os.remove(out + "made.tmp.nrrd")
for dt, typ in {"u1": "uchar", "i2": "short", "u2": "ushort", "u4": "ulong", "f4": "float"}.items():
    a = values(dt, (4, 5, 6))
    if dt == "u4":
        a = a % 100000
    ras = np.array([[-0.7, 0, 0, 31.5], [0, -0.8, 0, -12.25], [0, 0, 2.5, 7.125], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(a.T, ras), out + "itk_%s.tmp.nii" % dt)
    for ext in ("mha", "mhd", "nrrd", "nhdr"):
        n = "itk_%s.%s" % (dt, ext)
        run("plastimatch", "convert", "--input", out + "itk_%s.tmp.nii" % dt, "--output-img", out + n, "--output-type", typ)
        want(out + n, a, ras)

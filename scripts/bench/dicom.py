"""Speed and peak memory of a DICOM series to .nii beside dcm2niix.

usage: dicom.sh [rounds]

A series of 200 slices of 512x512 int16 is made; both programs convert it in
turn, ours on one processor, each run a process of its own that writes the
file. Prints medians of wall and processor time, which alone is the same on a busy
machine, and fails where ours takes more of the latter or holds more than 2.5 volumes.
"""
import os
import resource
import statistics
import subprocess
import sys
import time

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

folder, rounds = sys.argv[1], int(sys.argv[2])
series = os.path.join(folder, "series")
os.mkdir(series)
rng = np.random.default_rng(1)
uid = "1.2.826.0.1.3680043.8.498.1"
for i in range(200):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = "%s.%d" % (uid, i)
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    ds.is_little_endian, ds.is_implicit_VR = True, False
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.Modality, ds.StudyInstanceUID, ds.SeriesInstanceUID = "CT", uid + ".8", uid + ".9"
    ds.SeriesNumber, ds.InstanceNumber, ds.AcquisitionNumber = 3, i + 1, 1
    ds.StudyDate, ds.StudyTime, ds.AcquisitionTime = "20200101", "101010", "101010"
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [-180, -170, 1.25 * i], [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.SliceThickness = [0.7, 0.7], 1.25
    ds.Rows = ds.Columns = 512
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
    ds.PixelData = rng.normal(1000, 200, (512, 512)).astype("<i2").tobytes()
    ds.save_as(os.path.join(series, "%03d.dcm" % i), write_like_original=False)


def run(command, **env):
    start = time.perf_counter()
    p = subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = status
    if status:
        sys.exit("%s: status %d" % (command[0], status))
    return (time.perf_counter() - start, usage.ru_utime + usage.ru_stime), usage.ru_maxrss * 1024


volume = 200 * 512 * 512 * 2
ours, theirs, memory = [], [], 0
for _ in range(rounds + 1):  # the first warms the page cache
    t, m = run([os.path.join(folder, "format.test"), "-test.run=^TestConvertFolder$"], GOMAXPROCS="1",
               OMNIMED_DICOM_FOLDER=series, OMNIMED_DICOM_OUT=os.path.join(folder, "ours.nii"))
    ours.append(t)
    memory = max(memory, m)
    theirs.append(run(["dcm2niix", "-b", "n", "-z", "n", "-w", "1", "-f", "theirs", "-o", folder, series])[0])
for what, i in (("wall", 0), ("processor", 1)):
    a, b = (statistics.median(t[i] for t in times[1:]) for times in (ours, theirs))
    print("series of 200 slices -> .nii, %s time: ours %.0f ms, dcm2niix %.0f ms, %.2f times as fast; peak %.2f volumes" % (what, a * 1e3, b * 1e3, b / a, memory / volume))
with open(os.path.join(folder, "ours.nii"), "rb") as x, open(os.path.join(folder, "theirs.nii"), "rb") as y:
    if x.read()[352:] != y.read()[352:]:
        sys.exit("voxels differ")
sys.exit(b < a or memory > 2.5 * volume)

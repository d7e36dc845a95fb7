#!/usr/bin/env python3
"""Epochs of 512x512 RGB images: ordinary PNG files on the local disk against a
mount of the same images. epoch.py [--images N] [--rounds N]

Warm epochs are interleaved in one run and their medians compared; cold ones
start with an empty page cache (root only), the cache folder's own files read.
The same bytes as the mount's, copied to the local disk, show what no file
system that serves them can exceed on this machine.
"""
import argparse, glob, os, shutil, sys
import numpy as np
from PIL import Image

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import Mount, Report, Work, cache_drops, can_drop_caches, disk_use, drop_caches, interleaved, png_folder, read_files, recipe, timed


def pil_epoch(folder):
    """Opens and decodes every image, as most training code does."""
    for p in glob.glob(folder + "/*.png"):
        np.asarray(Image.open(p))


def loader_epoch(folder, workers):
    import torch

    class Images(torch.utils.data.Dataset):
        paths = sorted(glob.glob(folder + "/*.png"))

        def __len__(self):
            return len(self.paths)

        def __getitem__(self, i):
            return torch.from_numpy(np.array(Image.open(self.paths[i])))

    for _ in torch.utils.data.DataLoader(Images(), batch_size=16, num_workers=workers):
        pass


def torchvision_epoch(folder):
    import torchvision
    for p in glob.glob(folder + "/*.png"):
        torchvision.io.read_image(p)


def refaults():
    """Pages of files that the kernel had reclaimed and had to read again."""
    with open("/proc/vmstat") as f:
        return next(int(l.split()[1]) for l in f if l.startswith("workingset_refault_file "))


def cold(folder, also=()):
    drop_caches()
    for f in also:
        read_files(f)
    return timed(pil_epoch, folder)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--images", type=int, default=1000)
    p.add_argument("--rounds", type=int, default=5)
    a = p.parse_args()
    r = Report(f"epochs over {a.images} RGB images of 512x512")
    with Work() as work:
        raw = work + "/raw"
        png_folder(raw, a.images)
        recipe(work + "/recipes", "bench-epoch", raw, 2, ".png")
        ext4 = raw + "/images"
        with Mount(work + "/cache", "--recipes", work + "/recipes", "--datasets", "bench-epoch") as m:
            images = m.dir + "/datasets/bench-epoch/images"
            r.add("first epoch (converts)", "%.1f s" % timed(pil_epoch, images))
            png = disk_use(ext4)
            used = m.run("cache", "stat")["disk"]
            r.add("cache on disk / ordinary PNGs", "%.2f" % (used / png), "<= 1.1", used <= 1.1 * png)
            copies = shutil.copytree(images, work + "/copies")
            for f in (images, ext4, copies):
                read_files(f)  # Pillow alone leaves the last page of some files unread
                pil_epoch(f)
            before, drops, lost = m.requests(), cache_drops(), refaults()
            pil = interleaved(a.rounds, ext4=lambda: pil_epoch(ext4), mount=lambda: pil_epoch(images), copies=lambda: pil_epoch(copies))
            dl0 = interleaved(3, ext4=lambda: loader_epoch(ext4, 0), mount=lambda: loader_epoch(images, 0), copies=lambda: loader_epoch(copies, 0))
            dl2 = interleaved(3, ext4=lambda: loader_epoch(ext4, 2), mount=lambda: loader_epoch(images, 2))
            tv = interleaved(3, ext4=lambda: torchvision_epoch(ext4), mount=lambda: torchvision_epoch(images))
            after = m.requests()
            r.add("page-cache refaults in the warm epochs (above 0 the kernel reclaims pages)", refaults() - lost)
            if cache_drops() != drops:
                r.add("somebody dropped the page cache: the warm figures are void", cache_drops() - drops)
            r.ratio(f"warm, PIL + NumPy ({pil['ext4']:.2f} s, {pil['mount']:.2f} s)", pil["ext4"] / pil["mount"], 5)
            r.ratio(f"warm, DataLoader ({dl0['ext4']:.2f} s, {dl0['mount']:.2f} s)", dl0["ext4"] / dl0["mount"], 4)
            r.add("the mount's bytes on the local disk, PIL + NumPy", "%.2fx" % (pil["ext4"] / pil["copies"]))
            r.add("the mount's bytes on the local disk, DataLoader", "%.2fx" % (dl0["ext4"] / dl0["copies"]))
            r.add("warm, DataLoader with 2 workers", "%.2fx" % (dl2["ext4"] / dl2["mount"]))
            r.add("warm, torchvision", "%.2fx" % (tv["ext4"] / tv["mount"]))
            for op in ("read", "open", "lookup", "getattr"):
                r.check(f"{op.upper()} requests in the warm epochs", after[op] - before[op], 0)
            if can_drop_caches():
                stored = [work + "/cache"]
                c = [(cold(ext4), cold(images, stored)) for _ in range(3)]
                e, f = (sorted(x)[1] for x in zip(*c))
                r.ratio(f"cold page cache, PIL + NumPy ({e:.2f} s, {f:.2f} s)", e / f, 1.8)
            else:
                r.add("cold page cache", "needs root")
    r.close()


if __name__ == "__main__":
    main()

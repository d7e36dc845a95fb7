#!/usr/bin/env python3
"""Mounts dsb2018-bbbc038 from a zip that a loopback server serves, and checks
what was fetched when, and every pixel: dsb2018.py PATH-TO/stage1_train.zip"""
import io, os, sys, time, zipfile
import numpy as np
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "..")]
from harness import Mount, Report, Work
from readers import check_sizes
from rangeserver import serve

ID, URL = "dsb2018-bbbc038", "https://data.broadinstitute.org/bbbc/BBBC038/"
SLACK = 64 << 10
LOCAL = 30 + 100  # a member's local header: fixed part, name and extra


class Archive:
    def __init__(self, path):
        self.zip = zipfile.ZipFile(path)
        self.info = {i.filename: i for i in self.zip.infolist() if not i.is_dir()}
        self.directory = os.path.getsize(path) - self.zip.start_dir
        self.cases = sorted({n.split("/")[0] for n in self.info})
        self.masks = {c: [] for c in self.cases}
        for n in sorted(self.info):
            if "/masks/" in n:
                self.masks[n.split("/")[0]].append(n)

    def image(self, c):
        return f"{c}/images/{c}.png"

    def pixels(self, name):
        return Image.open(io.BytesIO(self.zip.read(name)))

    def union(self, c):
        total = None
        for n in self.masks[c]:
            m = np.asarray(self.pixels(n).convert("L")) > 0
            total = m if total is None else total | m
        return total.astype(np.uint8) * 255

    def cost(self, names):
        return sum(self.info[n].compress_size + LOCAL + len(n) for n in names)


def fetched(server):
    """Bytes and requests since the last call; what runs ahead is waited for."""
    last = -1
    while server.stats.bytes != last:
        last = server.stats.bytes
        time.sleep(0.5)
    with server.stats.lock:
        n = server.stats.bytes, server.stats.requests
        if len(server.stats.ranges) < 10:
            print("fetched", [(first, last) for _, first, last in server.stats.ranges])
        server.stats.reset()
    return n


def check_laziness(r, server, root, z):
    names = os.listdir(os.path.join(root, "images"))
    r.check("names in images/", len(names), 664)
    r.check("names are the archive's cases", sorted(names) == [c + ".png" for c in z.cases], True)
    n, q = fetched(server)
    r.most(f"bytes for the listing, {q} requests (directory: {z.directory})", n, z.directory + 2 * SLACK)
    c = z.cases[len(z.cases) // 2]
    with open(f"{root}/images/{c}.png", "rb") as f:
        f.read()
    n, q = fetched(server)
    r.most(f"bytes for the first image, {q} requests (member: {z.info[z.image(c)].compress_size})", n, z.info[z.image(c)].compress_size + SLACK)
    c = max(z.cases, key=lambda c: len(z.masks[c]))
    with open(f"{root}/labels/nucleus/{c}.png", "rb") as f:
        f.read()
    n, q = fetched(server)
    r.most(f"bytes for a label of {len(z.masks[c])} masks", n, z.cost(z.masks[c]) + SLACK)
    r.most("requests for it", q, 2 + len(z.masks[c]) // 50)


def check_all(r, root, z):
    start = time.perf_counter()
    bad_image = bad_mask = bad_raw = 0
    for c in z.cases:
        bad_image += not np.array_equal(np.asarray(Image.open(f"{root}/images/{c}.png")), np.asarray(z.pixels(z.image(c))))
        bad_mask += not np.array_equal(np.asarray(Image.open(f"{root}/labels/nucleus/{c}.png")), z.union(c))
    r.add("seconds for all images and masks, checks included", round(time.perf_counter() - start, 1))
    start = time.perf_counter()
    for name in z.info:
        with open(f"{root}/raw/stage1_train.zip/{name}", "rb") as f:
            bad_raw += f.read() != z.zip.read(name)
    r.add("seconds for all raw files, checks included", round(time.perf_counter() - start, 1))
    r.check(f"wrong images of {len(z.cases)}", bad_image, 0)
    r.check(f"wrong masks of {len(z.cases)}", bad_mask, 0)
    r.check(f"raw files of {len(z.info)} that differ", bad_raw, 0)


def main():
    path = os.path.abspath(sys.argv[1])
    z = Archive(path)
    r = Report(ID + " over HTTP")
    with Work() as work:
        os.mkdir(f"{work}/www")
        os.symlink(path, f"{work}/www/stage1_train.zip")
        server = serve(f"{work}/www")
        with Mount(f"{work}/cache", "--datasets", ID, "--mirror", f"{URL}={server.url}") as m:
            root = f"{m.dir}/datasets/{ID}"
            check_laziness(r, server, root, z)
            check_all(r, root, z)
            png = sum(z.info[z.image(c)].file_size for c in z.cases)
            st = m.run("cache", "stat")
            r.add("cache on disk, images and masks; the PNGs", f"{st['disk']}, {png}")
            users = os.listdir(f"{m.dir}/views/prompts/{ID}")  # one of the many is enough
            check_sizes(r, m.dir, [u for u in users if u != "click:largest:center"])
            fetched(server)
        with Mount(f"{work}/cache", "--datasets", ID, "--mirror", f"{URL}={server.url}", "--offline") as m:
            c = z.cases[0]
            try:
                same = np.array_equal(np.asarray(Image.open(f"{m.dir}/datasets/{ID}/images/{c}.png")), np.asarray(z.pixels(z.image(c))))
            except OSError as e:
                same = os.strerror(e.errno)
            r.check("the cache serves it offline", same, True)
            r.check("requests while offline", fetched(server)[1], 0)
    r.close()


if __name__ == "__main__":
    main()

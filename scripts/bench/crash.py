#!/usr/bin/env python3
"""kill -9 of the mount at random moments during parallel reads: every remount
works, no wrong byte is read, the cache stays consistent. crash.py [--kills N]"""
import argparse, glob, hashlib, os, random, signal, sys, threading, time
import numpy as np
from PIL import Image

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import Mount, Report, Work, disk_use, png_folder, recipe


def digest(path):
    return hashlib.sha256(np.asarray(Image.open(path)).tobytes()).digest()


class Readers:
    """Threads that read and check images in random order until a read fails
    because the mount is gone."""

    def __init__(self, folder, want, n=4):
        self.folder, self.want = folder, want
        self.right, self.wrong = 0, []
        self.end = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(random.Random(i),)) for i in range(n)]
        for t in self.threads:
            t.start()

    def run(self, rng):
        names = sorted(self.want)
        while not self.end.is_set():
            name = rng.choice(names)
            try:
                with open(os.path.join(self.folder, name), "rb") as f:
                    data = f.read()
            except OSError:
                return  # the mount was killed
            try:
                import io
                ok = hashlib.sha256(np.asarray(Image.open(io.BytesIO(data))).tobytes()).digest() == self.want[name]
            except Exception as e:
                ok, name = False, f"{name}: {e}"
            if ok:
                self.right += 1
            else:
                self.wrong.append(name)

    def join(self):
        self.end.set()
        for t in self.threads:
            t.join(30)
        return not any(t.is_alive() for t in self.threads)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--kills", type=int, default=20)
    p.add_argument("--images", type=int, default=300)
    a = p.parse_args()
    rng = random.Random(7)
    r = Report(f"{a.kills} times kill -9 during parallel reads")
    with Work() as work:
        png_folder(work + "/raw", a.images)
        recipe(work + "/recipes", "bench-crash", work + "/raw", 2, ".png")
        want = {os.path.basename(p): digest(p) for p in glob.glob(work + "/raw/images/*.png")}
        m = Mount(work + "/cache", "--recipes", work + "/recipes", "--datasets", "bench-crash")
        images = m.dir + "/datasets/bench-crash/images"
        right, wrong, hung, odd = 0, [], 0, 0
        for i in range(a.kills):
            m.start()
            pid = m.pid()
            readers = Readers(images, want)
            time.sleep(rng.uniform(0.05, 1.5))
            os.kill(pid, signal.SIGKILL)
            hung += not readers.join()
            right += readers.right
            wrong += readers.wrong
        with m:
            st = m.run("cache", "stat")
            # Files are made sparse and grow in steps, so the figures may
            # differ by a memtable or two.
            odd += abs(st["disk"] - disk_use(m.cache)) > 64 << 20
            odd += not 0 <= st["entries"] <= a.images
            for name, sum in want.items():
                if digest(os.path.join(images, name)) != sum:
                    wrong.append(name)
            full = m.run("cache", "stat")["entries"]
        r.check("remounts that worked", a.kills, a.kills)
        r.add("images read during it", right, "> 0", right > 0)
        r.check("wrong images", len(wrong), 0)
        r.check("readers that hung", hung, 0)
        r.check("inconsistent cache stat", odd, 0)
        r.add("entries after a full read", full, ">= %d" % a.images, full >= a.images)
        for name in wrong[:10]:
            print("wrong:", name)
    r.close()


if __name__ == "__main__":
    main()

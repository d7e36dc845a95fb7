#!/usr/bin/env python3
"""A cache limit of 200 MB while 2 GB are read: the cache folder stays under 300
MB on disk and no read fails."""
import glob, os, sys, threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import Mount, Report, Work, disk_use, png_folder, recipe

LIMIT, MOST, READ = 200_000_000, 300_000_000, 2_000_000_000
SIZE = 512 * (1 + 512 * 3)  # bytes that one image is served as, about


def main():
    n = READ // SIZE + 1
    r = Report(f"{n} images, {READ // 10**9} GB, with --cache-limit 200MB")
    with Work() as work:
        png_folder(work + "/raw", n, distinct=200)
        recipe(work + "/recipes", "bench-limit", work + "/raw", 2, ".png")
        peak, stop = 0, threading.Event()

        def watch():
            nonlocal peak
            while not stop.wait(0.1):
                peak = max(peak, disk_use(work + "/cache"))

        with Mount(work + "/cache", "--cache-limit", "200MB", "--recipes", work + "/recipes", "--datasets", "bench-limit") as m:
            t = threading.Thread(target=watch)
            t.start()
            failed = total = 0
            for p in sorted(glob.glob(m.dir + "/datasets/bench-limit/images/*.png")):
                try:
                    with open(p, "rb") as f:
                        total += len(f.read())
                except OSError as e:
                    failed += 1
                    print(p, e)
            st = m.run("cache", "stat")
            stop.set()
            t.join()
        r.add("bytes read", total, ">= %d" % READ, total >= READ)
        r.check("failed reads", failed, 0)
        r.most("most bytes of the cache folder on disk", peak, MOST)
        r.most("cache stat at the end", st["disk"], MOST)
    r.close()


if __name__ == "__main__":
    main()

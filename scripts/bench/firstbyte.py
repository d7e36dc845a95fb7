#!/usr/bin/env python3
"""Time and bytes from a fresh mount to the first image, over loopback HTTP with
a delay before each answer: firstbyte.py PATH-TO/stage1_train.zip [--delay S]"""
import argparse, os, sys, time

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, ".."), os.path.join(here, "..", "clients")]
from dsb2018 import ID, SLACK, URL, Archive, fetched
from harness import Mount, Report, Work, timed
from rangeserver import serve


def read(path):
    with open(path, "rb") as f:
        return f.read()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("zip")
    p.add_argument("--delay", type=float, default=0.05, help="seconds before each answer, as of a far server")
    a = p.parse_args()
    z = Archive(a.zip)
    r = Report(f"{ID}: to the first image, {1000 * a.delay:.0f} ms a request")
    with Work() as work:
        os.mkdir(f"{work}/www")
        os.symlink(os.path.abspath(a.zip), f"{work}/www/stage1_train.zip")
        server = serve(f"{work}/www", delay=a.delay)
        m = Mount(f"{work}/cache", "--datasets", ID, "--mirror", f"{URL}={server.url}")
        t = time.perf_counter()
        with m:
            r.add("mount", "%.2f s" % (time.perf_counter() - t))
            root = f"{m.dir}/datasets/{ID}/images"
            r.add("ls images", "%.2f s" % timed(os.listdir, root))
            n, q = fetched(server)
            r.add("  bytes, requests", f"{n}, {q}", f"<= {z.directory + 2 * SLACK}", n <= z.directory + 2 * SLACK)
            c = z.cases[100]
            t = timed(read, f"{root}/{c}.png")
            n, q = fetched(server)
            size = z.info[z.image(c)].compress_size
            r.add("first image", "%.2f s" % t)
            r.add("  bytes, requests", f"{n}, {q}", f"<= {size + SLACK}", n <= size + SLACK)
            r.add("again", "%.4f s" % timed(read, f"{root}/{c}.png"))
            r.check("  requests", fetched(server)[1], 0)
        with m:
            r.add("ls images, mounted again", "%.2f s" % timed(os.listdir, root))
            r.check("  requests", fetched(server)[1], 0)
    r.close()


if __name__ == "__main__":
    main()

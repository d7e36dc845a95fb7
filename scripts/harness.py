"""What the client checks and the benchmarks share: a mount as a context, test
data, and a table of results with targets."""
import json, os, shutil, statistics, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.environ.get("OMNIMEDFS", os.path.join(ROOT, ".bin", "omnimedfs"))


def clean_env():
    return {k: v for k, v in os.environ.items() if not k.startswith("OMNIMEDFS_")}


class Mount:
    """A background mount with its own cache folder.

    with Mount(cache, "--demo") as m: os.listdir(m.dir)
    """

    def __init__(self, cache, *args, dir=None):
        self.cache, self.args = cache, list(args)
        self.dir = dir or os.path.join(os.path.dirname(cache), "mnt")

    def start(self):
        os.makedirs(self.dir, exist_ok=True) if not os.path.ismount(self.dir) else None
        subprocess.run([BIN, "mount", self.dir, "--background", "--cache", self.cache, *self.args], check=True, env=clean_env())
        return self

    __enter__ = start

    def run(self, verb, *args):
        """Runs a verb against the mount and returns its JSON."""
        out = subprocess.run([BIN, verb, *args, "--cache", self.cache, "--json"], check=True, env=clean_env(), stdout=subprocess.PIPE)
        return json.loads(out.stdout)

    def requests(self):
        return self.run("status")["fuse_requests"]

    def pid(self):
        return self.run("status")["pid"]

    def stop(self, lazy=False):
        subprocess.run([BIN, "umount", self.dir] + (["--lazy"] if lazy else []), check=True, env=clean_env())

    def __exit__(self, kind, *_):
        try:
            self.stop()
        except subprocess.CalledProcessError:
            self.stop(lazy=True)
            if kind is None:
                raise


class Work:
    """A temporary folder, below $BENCH_DIR if that is set."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="omnimedfs-", dir=os.environ.get("BENCH_DIR"))
        return self.dir

    def __exit__(self, *_):
        if not any(os.path.ismount(os.path.join(self.dir, d)) for d in os.listdir(self.dir)):
            shutil.rmtree(self.dir)


class Report:
    """Rows of (what, value, target, holds). close() prints and exits."""

    def __init__(self, title):
        self.title, self.rows = title, []

    def add(self, what, value, target="", ok=None):
        row = (what, value, target, "" if ok is None else "PASS" if ok else "FAIL")
        self.rows.append(row)
        print("  ", *row, file=sys.stderr, flush=True)  # a long run shows that it lives

    def ratio(self, what, value, least):
        self.add(what, "%.2fx" % value, ">= %gx" % least, value >= least)

    def check(self, what, got, want):
        self.add(what, got, "= %s" % (want,), got == want)

    def most(self, what, got, limit):
        self.add(what, got, "<= %s" % limit, got <= limit)

    def close(self):
        print("\n" + self.title)
        rows = [("", "measured", "target", "")] + self.rows
        widths = [max(len(str(r[i])) for r in rows) for i in range(4)]
        for r in rows:
            print("  " + "  ".join(str(c).ljust(w) for c, w in zip(r, widths)).rstrip())
        failed = sum(r[3] == "FAIL" for r in self.rows)
        print("  %d of %d targets hold" % (sum(r[3] == "PASS" for r in self.rows), sum(r[3] != "" for r in self.rows)), flush=True)
        sys.exit(1 if failed else 0)


def timed(fn, *args):
    t = time.perf_counter()
    fn(*args)
    return time.perf_counter() - t


def interleaved(rounds, **fns):
    """Runs the functions in turn, so that a noisy machine hits all alike, and
    returns each one's median time in seconds."""
    times = {k: [] for k in fns}
    for _ in range(rounds):
        for k, fn in fns.items():
            times[k].append(timed(fn))
    return {k: statistics.median(v) for k, v in times.items()}


def can_drop_caches():
    return os.access("/proc/sys/vm/drop_caches", os.W_OK)


def cache_drops():
    """How often anybody has dropped the page cache since the machine started."""
    with open("/proc/vmstat") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("drop_pagecache "))


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as f:
        f.write("3")


def read_files(folder):
    """Reads every file below folder into the page cache."""
    for base, _, names in os.walk(folder):
        for n in names:
            try:
                with open(os.path.join(base, n), "rb") as f:
                    while f.read(1 << 20):
                        pass
            except OSError:
                pass  # a socket, or removed meanwhile


def disk_use(folder):
    """Bytes that the folder takes on disk."""
    total = 0
    for base, _, names in os.walk(folder):
        for n in names:
            try:
                total += os.lstat(os.path.join(base, n)).st_blocks * 512
            except FileNotFoundError:
                pass
    return total


def recipe(folder, id, record, dim, ext, label="masks/{case}", select="{ above = 0 }"):
    """Writes a recipe of a local folder with images/ and masks/."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, id + ".toml"), "w") as f:
        f.write(f'''schema = 1
id = "{id}"
title = "Generated for a benchmark"
modality = "{'ct' if dim == 3 else 'microscopy'}"
dim = {dim}
anatomy = "none"
license = "CC0-1.0"
status = "unverified"
missing = "made by a benchmark"
synthetic = true

[citation]
title = "Generated for a benchmark"
authors = ["OmniMedFS"]
year = 2026

[source]
platform = "local"
record = "{record}"

[case]
image = "images/{{case}}{ext}"

[[class]]
name = "thing"
label = "{label}{ext}"
select = {select}

[[example]]
raw = "images/{{first}}{ext}"
case = "{{first}}"

[[evidence]]
fact = "layout"
source = "made by this benchmark"
confidence = "high"
'''.replace("{first}", "c00000"))


def noisy_png(args):
    """One image like the microscope's: smooth shapes under noise; one mask."""
    import numpy as np
    from PIL import Image
    folder, i, side = args
    rng = np.random.default_rng(i)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    a, b, c = rng.uniform(2, 9, 3)
    base = 110 + 60 * np.sin(a * x + b * y) * np.cos(c * x * y)
    rgb = base[..., None] * rng.uniform(0.7, 1.2, 3) + rng.normal(0, 4, (side, side, 3))
    Image.fromarray(rgb.clip(0, 255).astype(np.uint8)).save(f"{folder}/images/c{i:05d}.png")
    Image.fromarray(((base > 140) * 255).astype(np.uint8)).save(f"{folder}/masks/c{i:05d}.png")


def png_folder(folder, n, distinct=None, side=512):
    """n ordinary PNGs of side x side RGB; distinct of them differ, the others
    are further names of these."""
    from multiprocessing import Pool
    distinct = distinct or n
    for d in ("images", "masks"):
        os.makedirs(os.path.join(folder, d))
    with Pool() as pool:
        pool.map(noisy_png, [(folder, i, side) for i in range(distinct)], chunksize=8)
    for i in range(distinct, n):
        for d in ("images", "masks"):
            os.link(f"{folder}/{d}/c{i % distinct:05d}.png", f"{folder}/{d}/c{i:05d}.png")

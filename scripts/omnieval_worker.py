#!/usr/bin/env python3
"""Host an interactive segmentation model for omnieval. NumPy is all it needs.

    omnieval run ... --worker 'python omnieval_worker.py'                     the example: region growing
    omnieval run ... --worker 'python omnieval_worker.py --model unet'        a PyTorch network with random weights
    omnieval run ... --worker 'python omnieval_worker.py --model my_file:MyModel'

A model is a class with three methods:

    class MyModel(Model):
        def set_image(self, image, info):       # NumPy array, axes as the file's reader gives them; called once a case
        def predict(self, prompts, previous, info):  # -> array of image's shape, non-zero is the class
        def close(self):                        # the case is done

`info` is a dict with dataset, case, class, shape, spacing, affine, session and step. `prompts` are all prompts so far,
`info["new"]` those of this step: dicts {"kind": "click"|"scribble"|"box"|"polygon", "points": [[i, j, k], ...],
"labels": [1, 0, ...], "box": {"min", "max"}}. Points are array indices: (row, column) of a PNG, (i, j, k) of a NIfTI.
A model that keeps state between steps may keep it on self: every session has an object of its own.

Prints go to the run's worker.log and disturb nothing: the protocol uses file descriptors 3 and 4 (or --socket PATH).
"""
import argparse
import importlib.util
import json
import os
import resource
import socket
import sys
import time
import traceback

import numpy as np


class Model:
    """Base class: a model answers predict with a mask."""

    name, version = "model", "1"
    dims = (2, 3)  # numbers of axes that it takes
    prompts = ("click", "scribble", "box", "polygon")
    metrics = {}  # name -> function(pred, truth, spacing): metrics that omnieval asks this worker for

    def set_image(self, image, info):
        self.image = image

    def predict(self, prompts, previous, info):
        raise NotImplementedError

    def close(self):
        self.image = None


def gray(image, ndim):
    """Return intensities as float32: color channels (a last axis beyond ndim) are averaged, alpha left out."""
    image = np.asarray(image, np.float32)
    if image.ndim > ndim:
        colors = image.shape[-1] - (1 if image.shape[-1] in (2, 4) else 0)
        image = image[..., :colors].mean(-1)
    return image


class RegionGrow(Model):
    """Grow from the points within a tolerance of their intensity; threshold boxes."""

    name = "python-region-grow"

    def __init__(self, tolerance=0.5):
        self.tolerance = tolerance

    def set_image(self, image, info):
        self.image = gray(image, len(info["shape"]))
        self.reach = self.tolerance * float(self.image.std())

    def grow(self, seeds):
        near = np.abs(self.image - np.mean([self.image[s] for s in seeds])) <= self.reach
        front = np.zeros(near.shape, bool)
        for s in seeds:
            front[s] = True
        region = front.copy()
        while front.any():
            spread = np.zeros_like(front)
            for axis in range(front.ndim):
                head = [slice(None)] * front.ndim
                tail = [slice(None)] * front.ndim
                head[axis], tail[axis] = slice(1, None), slice(None, -1)
                spread[tuple(head)] |= front[tuple(tail)]
                spread[tuple(tail)] |= front[tuple(head)]
            front = spread & near & ~region
            region |= front
        return region

    def predict(self, prompts, previous, info):
        out = np.zeros(self.image.shape, bool)
        cut = np.zeros_like(out)
        for p in prompts:
            if p["kind"] in ("box", "polygon"):
                points = np.array(p["points"])
                box = tuple(slice(a, b + 1) for a, b in zip(points.min(0), points.max(0)))
                inside = self.image[box]
                level = (inside.max() + inside.min()) / 2
                bright = inside >= level
                core = tuple(slice(n // 4, n - n // 4) for n in inside.shape)
                out[box] |= bright if bright[core].mean() >= 0.5 else ~bright
                continue
            for label, target in ((1, out), (0, cut)):
                seeds = [tuple(q) for q, v in zip(p["points"], p["labels"]) if v == label]
                if seeds:
                    target |= self.grow(seeds)
        out &= ~cut
        for p in prompts:
            for q, v in zip(p["points"], p.get("labels") or []):
                out[tuple(q)] = bool(v)
        return out


class UNet(Model):
    """A small U-Net with random weights: shows where a network goes, and that prompts reach it as channels."""

    name, dims = "python-unet-random", (2,)
    net = None  # shared by all sessions

    def set_image(self, image, info):
        import torch

        self.torch = torch
        if UNet.net is None:
            torch.manual_seed(0)
            torch.set_num_threads(1)
            UNet.net = build_unet(torch).eval()
        x = gray(image, 2)
        self.image = (x - x.mean()) / (x.std() + 1e-6)

    def predict(self, prompts, previous, info):
        torch = self.torch
        h, w = self.image.shape
        x = np.zeros((1, 4, (h + 7) // 8 * 8, (w + 7) // 8 * 8), np.float32)
        x[0, 0, :h, :w] = self.image
        for p in prompts:
            if p["kind"] == "box":
                (r0, c0), (r1, c1) = p["box"]["min"], p["box"]["max"]
                x[0, 1, r0:r1, c0:c1] = 1
            else:
                for (r, c), v in zip(p["points"], p.get("labels") or [1] * len(p["points"])):
                    x[0, 1 if v else 2, max(0, r - 2) : r + 3, max(0, c - 2) : c + 3] = 1
        if previous is not None:
            x[0, 3, :h, :w] = previous
        with torch.no_grad():
            y = UNet.net(torch.from_numpy(x))[0, 0, :h, :w]
        return (y > y.median()).numpy()


def build_unet(torch):
    nn = torch.nn

    def block(a, b):
        return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.Conv2d(b, b, 3, padding=1), nn.ReLU())

    class Net(nn.Module):
        def __init__(self, widths=(8, 16, 32, 64)):
            super().__init__()
            self.down = nn.ModuleList([block(a, b) for a, b in zip((4,) + widths[:-1], widths)])
            self.up = nn.ModuleList([nn.ConvTranspose2d(b, a, 2, 2) for a, b in zip(widths[:-1], widths[1:])][::-1])
            self.join = nn.ModuleList([block(2 * a, a) for a in widths[:-1]][::-1])
            self.head = nn.Conv2d(widths[0], 1, 1)

        def forward(self, x):
            skips = []
            for i, layer in enumerate(self.down):
                x = layer(x if i == 0 else nn.functional.max_pool2d(x, 2))
                skips.append(x)
            for up, join, skip in zip(self.up, self.join, skips[-2::-1]):
                x = join(torch.cat([up(x), skip], 1))
            return self.head(x)

    return Net()


# --- the protocol -----------------------------------------------------------------------------------------------------


class Channel:
    """Messages over a pair of binary streams: a line of JSON, then "bytes" bytes."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    def read(self):
        line = self.reader.readline()
        if not line:
            return None, b""
        message = json.loads(line)
        payload = self.reader.read(message.get("bytes", 0))
        return message, payload

    def write(self, payload=b"", **message):
        if payload:
            message["bytes"] = len(payload)
        self.writer.write(json.dumps(message).encode() + b"\n" + payload)
        self.writer.flush()


def load_image(paths):
    """Read an image file with whatever reader is installed for it."""
    path = paths[0]
    if path.endswith(".npy"):
        return np.load(path)
    if path.endswith((".nii", ".nii.gz")):
        import nibabel

        return np.asarray(nibabel.load(path).dataobj)
    from PIL import Image

    return np.asarray(Image.open(path))


def decode_image(message, payload):
    """Rebuild the array that omnieval sent: the file's own samples."""
    shape, channels = message["shape"], message.get("channels", 1)
    flat = np.frombuffer(payload, np.dtype(message["dtype"]))
    if channels > 1:
        image = flat.reshape(list(shape) + [channels])
    else:
        image = flat.reshape(shape, order=message.get("order", "C"))
    slope, inter = message.get("slope", 1), message.get("inter", 0)
    return image if (slope, inter) == (1, 0) else image * np.float32(slope) + np.float32(inter)


def unpack(payload, shape):
    return np.unpackbits(np.frombuffer(payload, np.uint8), bitorder="little", count=int(np.prod(shape))).reshape(shape)


def pack(mask, shape):
    mask = np.asarray(mask)
    if mask.shape != tuple(shape):
        raise ValueError("the model returned shape %s, the case has %s" % (mask.shape, tuple(shape)))
    return np.packbits(mask != 0, bitorder="little").tobytes()


class Worker:
    """Serves sessions until omnieval says bye."""

    def __init__(self, make, channel, raw):
        self.make, self.channel, self.raw = make, channel, raw
        self.images, self.sessions = {}, {}

    def serve(self):
        model = self.make()
        self.channel.write(
            type="hello", protocol=1, name=model.name, version=model.version, dims=list(model.dims),
            prompts=list(model.prompts), image="raw" if self.raw else "path", batch=1, metrics={n: 0 for n in model.metrics},
        )
        self.metrics = model.metrics
        while True:
            message, payload = self.channel.read()
            if message is None or message["type"] == "bye":
                return
            handler = getattr(self, "on_" + message["type"], None)
            if handler:
                handler(message, payload)

    def on_ping(self, message, payload):
        self.channel.write(type="pong")

    def on_image(self, message, payload):
        self.images[message["image"]] = decode_image(message, payload)

    def on_forget(self, message, payload):
        self.images.pop(message["image"], None)

    def image(self, message):
        if "image" in message:
            return self.images[message["image"]]
        key = message["dataset"] + "/" + message["case"]
        if key not in self.images:
            if len(self.images) > 8:  # omnieval has a handful of cases open at a time
                self.images.pop(next(iter(self.images)))
            self.images[key] = load_image(message["paths"])
        return self.images[key]

    def on_open(self, message, payload):
        session = message["session"]
        try:
            model = self.make()
            info = {k: message.get(k) for k in ("session", "dataset", "case", "class", "shape", "spacing", "affine")}
            model.set_image(self.image(message), info)
            self.sessions[session] = (model, info)
            self.channel.write(type="opened", session=session)
        except Exception as error:
            traceback.print_exc()
            self.channel.write(type="opened", session=session, error=repr(error))

    def on_step(self, message, payload):
        session, step = message["session"], message["step"]
        try:
            model, info = self.sessions[session]
            info = dict(info, step=step, new=message.get("new") or [])
            previous = unpack(payload, info["shape"]) if message.get("previous") else None
            begin = time.perf_counter()
            mask = model.predict(message["prompts"], previous, info)
            ms = (time.perf_counter() - begin) * 1000
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            self.channel.write(
                pack(mask, info["shape"]), type="result", session=session, step=step, mask="bits",
                shape=info["shape"], ms=ms, peak_mem=peak,
            )
        except Exception as error:
            traceback.print_exc()
            self.channel.write(type="result", session=session, step=step, error=repr(error))

    def on_close(self, message, payload):
        model, _ = self.sessions.pop(message["session"], (None, None))
        if model:
            model.close()

    def on_metric(self, message, payload):
        half = len(payload) // 2
        try:
            pred, truth = (unpack(p, message["shape"]) for p in (payload[:half], payload[half:]))
            values = {n: float(f(pred, truth, message["spacing"])) for n, f in self.metrics.items()}
            values = {n: v for n, v in values.items() if np.isfinite(v)}
            self.channel.write(type="metrics", session=message["session"], metrics=values)
        except Exception as error:
            traceback.print_exc()
            self.channel.write(type="metrics", session=message["session"], error=repr(error))


def find_model(name):
    if name in ("region-grow", "unet"):
        return {"region-grow": RegionGrow, "unet": UNet}[name]
    path, _, cls = name.rpartition(":")
    if not path:
        sys.exit("--model %s: want region-grow, unet or FILE.py:CLASS" % name)
    sys.modules.setdefault("omnieval_worker", sys.modules[__name__])  # so that FILE can import Model from here
    spec = importlib.util.spec_from_file_location("model", path if path.endswith(".py") else path + ".py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, cls)


def open_channel(path):
    if not path:
        return Channel(os.fdopen(3, "rb"), os.fdopen(4, "wb"))
    if os.path.exists(path):
        os.unlink(path)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    connection, _ = server.accept()
    return Channel(connection.makefile("rb"), connection.makefile("wb"))


def main():
    parser = argparse.ArgumentParser(description="Host a model for omnieval.")
    parser.add_argument("--model", default="region-grow", help="region-grow, unet or FILE.py:CLASS")
    parser.add_argument("--socket", default=os.environ.get("OMNIEVAL_SOCKET"), help="listen on a unix socket instead of using descriptors 3 and 4")
    parser.add_argument("--raw", action="store_true", help="let omnieval send pixels instead of file names (a container or another host)")
    args = parser.parse_args()
    Worker(find_model(args.model), open_channel(args.socket), args.raw).serve()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""A plain HTTP/1.1 server with byte ranges over a folder, for tests.

    rangeserver.py FOLDER [--port N] [--log FILE] [--delay SECONDS]

prints its URL and serves until it is killed. GET /__stats answers
{"requests": n, "bytes": n, "ranges": [[path, first, last], …]} of what was
served since the start or the last GET /__reset. --log writes one JSON line a
request. Standard library only.
"""
import argparse, email.utils, http.server, json, os, re, threading, time, urllib.parse


class Stats:
    def __init__(self, log):
        self.lock, self.log = threading.Lock(), log
        self.reset()

    def reset(self):
        self.requests, self.bytes, self.ranges = 0, 0, []

    def add(self, method, path, status, first, last, sent):
        with self.lock:
            self.requests += 1
            self.bytes += sent
            if sent and len(self.ranges) < 100000:
                self.ranges.append([path, first, last])
            if self.log:
                self.log.write(json.dumps({"time": time.time(), "method": method, "path": path,
                                           "status": status, "first": first, "last": last, "bytes": sent}) + "\n")
                self.log.flush()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else headers and body wait for each other's ACK

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        stats = self.server.stats
        if self.path == "/__reset":
            with stats.lock:
                stats.reset()
            return self.text(200, b"{}")
        if self.path == "/__stats":
            with stats.lock:
                data = {"requests": stats.requests, "bytes": stats.bytes, "ranges": stats.ranges}
            return self.text(200, json.dumps(data).encode())
        self.answer(body=True)

    def text(self, status, data):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def answer(self, body):
        time.sleep(self.server.delay)
        name = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        path = os.path.realpath(os.path.join(self.server.folder, name.lstrip("/")))
        inside = os.path.join(self.server.folder, "")
        lexical = os.path.normpath(os.path.join(self.server.folder, name.lstrip("/")))
        if not lexical.startswith(inside) or not os.path.isfile(path):
            self.server.stats.add(self.command, name, 404, 0, -1, 0)
            return self.text(404, b'{"error": "not found"}')
        with open(path, "rb") as f:
            st = os.fstat(f.fileno())
            size, etag = st.st_size, '"%x-%x"' % (st.st_size, st.st_mtime_ns)
            first, last, status = 0, size - 1, 200
            want = self.headers.get("Range")
            if want and self.headers.get("If-Range", etag) == etag:
                m = re.fullmatch(r"bytes=(\d*)-(\d*)", want.strip())
                if m and (m[1] or m[2]):
                    status = 206
                    if m[1]:
                        first, last = int(m[1]), min(int(m[2] or size - 1), size - 1)
                    else:
                        first = max(0, size - int(m[2]))
                    if first > last:
                        self.send_response(416)
                        self.send_header("Content-Range", "bytes */%d" % size)
                        self.send_header("Content-Length", "0")
                        self.end_headers()
                        return self.server.stats.add(self.command, name, 416, first, last, 0)
            self.send_response(status)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(last - first + 1))
            self.send_header("ETag", etag)
            self.send_header("Last-Modified", email.utils.formatdate(st.st_mtime, usegmt=True))
            if status == 206:
                self.send_header("Content-Range", "bytes %d-%d/%d" % (first, last, size))
            self.end_headers()
            sent = 0
            try:
                f.seek(first)
                while body and sent < last - first + 1:
                    data = f.read(min(1 << 16, last - first + 1 - sent))
                    if not data:
                        break
                    self.wfile.write(data)
                    sent += len(data)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            finally:
                self.server.stats.add(self.command, name, status, first, first + sent - 1, sent)


def serve(folder, port=0, log=None, delay=0.0):
    """Returns a server that serves in the background; its URL is .url."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.folder, server.delay = os.path.abspath(folder), delay
    server.stats = Stats(open(log, "a") if log else None)
    server.url = "http://127.0.0.1:%d/" % server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("folder")
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--log")
    p.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    a = p.parse_args()
    s = serve(a.folder, a.port, a.log, a.delay)
    print(s.url, flush=True)
    threading.Event().wait()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The userspace proxy between raw sockets, against the core alone: what arrives is what the core allows, byte for byte.

    proxied.py [--seconds N] [--seed N] [--build DIR]
    proxied.py --self-test      the proxy allows more than the core here: that must be noticed

Each stream is judged natively and sent through a postern-proxy that runs, cut at odd places, to a server that keeps every
byte. Exit status: 0 all is well, 1 something else arrived (or the self-test saw nothing).
"""
import argparse
import collections
import fcntl
import importlib.util
import json
import os
import random
import re
import select
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time

import judge
import streams

E2E = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e")
BATCH = 50
PATIENCE = 10  # seconds for a stream
SHOWN = 10     # divergences
# A field that may end the connection behind a 403, which is the proxy's right.
ENDS = re.compile(rb"\n(connection|expect|upgrade|transfer-encoding|content-length):", re.IGNORECASE)
EDGE = re.compile(rb"[\r\n:; ]|(?<=[\r\n:; ])")


def load_replay():
    """streams.py of tests/e2e, which reads requests leniently."""
    spec = importlib.util.spec_from_file_location("replay", os.path.join(E2E, "streams.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


replay = load_replay()


class Sink:
    """A connection of the proxy's to the server, which answers what is complete."""

    def __init__(self, sock):
        self.sock, self.data, self.answered, self.over = sock, b"", 0, False
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self):
        try:
            got = self.sock.recv(1 << 18)
            self.data += got
            for message in replay.read_stream(self.data)[0][self.answered:] if got else []:
                self.sock.sendall(replay.SWITCH if message.handshake else
                                  replay.OK if message.method == b"HEAD" else replay.OK + b"ok")
                self.answered += 1
        except OSError:
            got = b""
        if not got:
            self.over = True
            self.sock.close()


class Exchange:
    """One stream, sent in PIECES to the proxy at PORT, whose server is LISTENER."""

    def __init__(self, port, listener, pieces):
        self.listener, self.pieces, self.sinks, self.over = listener, list(pieces), [], False
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)

    def send(self):
        """The next piece, when the proxy's TCP has the last; at the end the end."""
        if struct.unpack("i", fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0\0\0\0"))[0]:
            return
        try:
            if self.pieces:
                sent = self.sock.send(self.pieces[0])
                self.pieces[0] = self.pieces[0][sent:]
                if self.pieces[0]:
                    return
                self.pieces.pop(0)
            if not self.pieces:
                self.sock.shutdown(socket.SHUT_WR)
                self.pieces = None
        except BlockingIOError:
            pass
        except OSError:
            self.pieces = None

    def step(self):
        open_sinks = [sink for sink in self.sinks if not sink.over]
        wanted = [self.listener] + [s.sock for s in open_sinks] + ([] if self.over else [self.sock])
        idle = 0 if self.over and not open_sinks else 0.0004 if self.pieces else 0.05
        ready = select.select(wanted, [], [], idle)[0]
        for sink in open_sinks:
            if sink.sock in ready:
                sink.read()
        if self.listener in ready:
            self.sinks.append(Sink(self.listener.accept()[0]))
        if self.sock in ready:
            try:
                self.over = not self.sock.recv(65536)
            except OSError:
                self.over = True
        if self.pieces is not None and not self.over:
            self.send()
        # A connection that the proxy has made is in the listener's queue before the client hears of anything.
        return self.over and not ready and all(sink.over for sink in self.sinks)

    def run(self):
        """What has arrived, on each connection; None: it does not end."""
        end = time.monotonic() + PATIENCE
        while not self.step():
            if time.monotonic() > end:
                return None
        self.sock.close()
        return [sink.data for sink in self.sinks]


def is_h2(stream, verdict):
    """HTTP/2, which the kernel refuses and the proxy speaks; or an offer of it, which the proxy takes away."""
    return b"h2c" in stream.lower() or "http2-preface" in [r["reason"] for r in verdict["requests"]]


class Judge:
    """judge.ask, of one stream after the other."""

    def __init__(self, program):
        self.process = subprocess.Popen([program, judge.POLICY, judge.INVENTORY], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def ask(self, stream):
        self.process.stdin.write(struct.pack(">I", len(stream)) + stream)
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def begins(self, rest):
        """How much of a request that is refused in the end may have gone before: nothing of a head that is not whole."""
        begun = rest[:self.ask(rest)["safe"]]
        return begun if b"\r\n\r\n" in begun else b""

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def wanted(asked, stream, verdict):
    """(LEAST, MOST): what must arrive, and what may, of which all that arrives is a beginning."""
    least = most = b""
    sure, requests = True, verdict["requests"]
    for i, request in enumerate(requests):
        end = requests[i + 1]["offset"] if i + 1 < len(requests) else len(stream)
        data = stream[request["offset"]:end]
        if request["verdict"] == "allow":
            most += data
            if sure and (i + 1 < len(requests) or replay.read_stream(data)[0]):
                least = most
            continue
        if request["reason"] != "no-rule-l7":
            most += asked.begins(stream[request["offset"]:])
            break
        if b" HTTP/1.1\r\n" not in data or ENDS.search(data):
            sure = False
    return least, most


def difference(least, most, arrived):
    """What is wrong about what has arrived; None: nothing."""
    if arrived is None:
        return "the connection does not end"
    if len(arrived) > 1:
        return f"the proxy has made {len(arrived)} connections"
    data = arrived[0] if arrived else b""
    if not most.startswith(data):
        return f"arrived, and not allowed: {data!r}"
    if not data.startswith(least):
        return f"allowed, and not arrived: {least[len(data):]!r}"
    done, under_way = replay.read_stream(data)
    rest = data[done[-1].end if done else 0:]
    if rest and not under_way and not (done and done[-1].handshake):
        return f"a part of a head: {rest!r}"
    return None


def cuts(rng, data):
    """Where packets end: nowhere, at edges, after each byte."""
    yield [data] if data else []
    edges = sorted({min(max(m.start() + rng.choice([-1, 0, 0, 1]), 0), len(data)) for m in EDGE.finditer(data)})
    places = sorted(rng.sample(edges, min(len(edges), rng.randint(1, 8))))
    yield [data[a:b] for a, b in zip([0, *places], [*places, len(data)]) if a < b]
    if len(data) < 120 and not rng.randrange(8):
        yield [data[i:i + 1] for i in range(len(data))]


class Proxy:
    """It lives in DIRECTORY, before SERVER."""

    def __init__(self, build, directory, server, more):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        self.log = os.path.join(directory, "log")
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [os.path.join(build, "postern-proxy"), "--listen", f"127.0.0.1:{self.port}", "--upstream",
                 "127.0.0.1:%d" % server.getsockname()[1], "--policy", judge.POLICY, "--inventory", judge.INVENTORY,
                 "--subject", "10.77.0.4", "--peer", "10.77.0.2", "--port", "8080", "--events", "none", *more],
                stdout=subprocess.DEVNULL, stderr=log)
        end = time.monotonic() + 20
        while "listening" not in self.said():
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError("the proxy does not start: " + self.said())
            time.sleep(0.02)

    def said(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


class Run:
    def __init__(self, options, proxy, server):
        self.options, self.proxy, self.server = options, proxy, server
        self.random = random.Random(options.seed)
        self.streams = streams.Streams(options.seed)
        self.counts = collections.Counter()
        self.judge = Judge(options.judge)

    def one(self, stream):
        verdict = self.judge.ask(stream)
        if is_h2(stream, verdict):
            return
        least, most = wanted(self.judge, stream, verdict)
        for pieces in cuts(self.random, stream):
            arrived = Exchange(self.proxy.port, self.server, pieces).run()
            wrong = difference(least, most, arrived)
            self.counts["streams"] += 1
            self.counts["pieces"] += len(pieces)
            self.counts["bytes"] += sum(len(data) for data in arrived or [])
            self.counts["exactly"] += least == most
            if not wrong:
                continue
            self.counts["divergences"] += 1
            if self.counts["divergences"] <= SHOWN:
                print(f"DIVERGENCE: {wrong}\n  of {pieces!r}\n  judged {verdict}", flush=True)

    def batches(self):
        first = [data + tail for data in streams.golden()
                 for tail in (b"", streams.KNOWN + streams.FORBIDDEN)] + streams.cut_heads()
        self.random.shuffle(first)
        for i in range(0, len(first), BATCH):
            yield first[i:i + BATCH]
        self.counts["golden"] = len(first)
        while True:
            yield self.streams.batch(BATCH)

    def run(self):
        end = time.monotonic() + self.options.seconds
        for batch in self.batches():
            for stream in batch:
                self.one(stream)
            # Those of testdata/http first, all of them, unless the machine is too slow for that.
            over = time.monotonic() > end + (0 if self.counts["golden"] else 2 * self.options.seconds)
            if over or self.counts["divergences"] > 100:
                break
        self.judge.stop()
        c = self.counts
        print(f"seed {self.options.seed}: {c['streams']} streams in {c['pieces']} pieces, of {c['exactly']} it is known to "
              f"the byte what arrives; {c['bytes']} bytes arrived; {c['divergences']} divergences"
              + ("" if c["golden"] else "; the golden streams have not all been sent"))
        return c["divergences"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", default="build")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    options.judge = os.path.join(options.build, "garden/judge_streams")
    with tempfile.TemporaryDirectory() as directory, socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        proxy = Proxy(options.build, directory, server, ["--paths", "any"] if options.self_test else [])
        try:
            found = Run(options, proxy, server).run()
        finally:
            proxy.stop()
    if options.self_test:
        return 0 if found else 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

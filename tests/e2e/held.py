#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""held.py ADDRESS PORT [h2]: one connection, on which each path that it reads is asked for.

Prints the status of each answer ("other" for what is not 200 in HTTP/2), or "ended".
"""
import socket
import sys

ADDRESS, PORT, H2 = sys.argv[1], int(sys.argv[2]), sys.argv[3:] == ["h2"]
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
HEADERS, DATA, SETTINGS, STATUS_200 = 1, 0, 4, 0x88


def exactly(sock, n):
    got = b""
    while len(got) < n:
        more = sock.recv(n - len(got))
        if not more:
            raise ConnectionError
        got += more
    return got


def ask_h2(sock, stream, path):
    # :method GET, :scheme http, :path, :authority b; neither of the last two is to be remembered.
    fields = bytes([0x82, 0x86, 0x04, len(path)]) + path + bytes([0x01, 1]) + b"b"
    sock.sendall(len(fields).to_bytes(3, "big") + bytes([HEADERS, 5]) + stream.to_bytes(4, "big") + fields)
    status = None
    while True:
        head = exactly(sock, 9)
        kind, flags = head[3], head[4]
        body = exactly(sock, int.from_bytes(head[:3], "big"))
        if kind == SETTINGS and not flags & 1:
            sock.sendall(bytes([0, 0, 0, SETTINGS, 1, 0, 0, 0, 0]))
        if kind in (3, 7):
            raise ConnectionError
        if kind == HEADERS and not status:
            at = 0
            while body[at] & 0xe0 == 0x20:  # a new size of the table
                at += 1
            status = "200" if body[at] == STATUS_200 else "other"
        if kind in (HEADERS, DATA) and flags & 1:
            return status


def ask_h1(sock, path):
    sock.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: b\r\n\r\n")
    head = b""
    while b"\r\n\r\n" not in head:
        head += exactly(sock, 1)
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            exactly(sock, int(line[15:]))
    return head.split()[1].decode()


def main():
    sock = socket.create_connection((ADDRESS, PORT))
    sock.settimeout(5)
    if H2:
        sock.sendall(PREFACE)
    for nth, line in enumerate(sys.stdin):
        path = line.strip().encode()
        try:
            print(ask_h2(sock, 2 * nth + 1, path) if H2 else ask_h1(sock, path), flush=True)
        except (OSError, ConnectionError):
            print("ended", flush=True)


main()

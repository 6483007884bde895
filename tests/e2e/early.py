# SPDX-License-Identifier: Apache-2.0
"""Requests that begin with the handshake: a server that offers it, and a client that does it.

early.py serve PORT defer|fastopen LOG	answers each head with 200; LOG gets a line per request line read
early.py ask HOST PORT fastopen|plain METHOD	prints "STATUS", "none" or the like, and "late" when it took over half a second
"""
import os
import socket
import sys
import time

TCP_DEFER_SECONDS = 2


def serve(port, how, log):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if how == "defer":
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, TCP_DEFER_SECONDS)
    else:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
    s.bind(("", port))
    s.listen(16)
    print("listening", os.getpid(), flush=True)
    while True:
        c, _ = s.accept()
        c.settimeout(5)
        head = b""
        try:
            while b"\r\n\r\n" not in head:
                got = c.recv(4096)
                if not got:
                    break
                head += got
            if head:
                with open(log, "ab") as out:
                    out.write(head.split(b"\r\n")[0] + b"\n")
                c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except OSError:
            pass
        c.close()


def ask(host, port, how, method):
    request = f"{method} /api/x HTTP/1.1\r\nHost: b\r\n\r\n".encode()
    s, began = socket.socket(), time.monotonic()
    s.settimeout(12)
    try:
        if how == "fastopen":
            s.sendto(request, socket.MSG_FASTOPEN, (host, port))
        else:
            s.connect((host, port))
            s.sendall(request)
        answer = s.recv(4096).split(b" ")
        status = answer[1].decode() if len(answer) > 1 else "none"
    except OSError as e:
        status = type(e).__name__
    print(status, "late" if time.monotonic() - began > 0.5 else "soon")


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]), sys.argv[3], sys.argv[4])
else:
    ask(sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5])

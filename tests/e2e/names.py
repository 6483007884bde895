#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Both ends of a connection say whom they believe to speak with.

names.py serve PORT [ADDRESS]	a server; its answer: "PEER > LOCAL ACCEPTED FIELD", as its socket says, as accept()
				said, and the value of the field X-Added; HTTP/1.1, keep-alive, one thread each
names.py ask HOST PORT PATH [FROM]	a client: "LOCAL > PEER STATUS BODY"
names.py hold HOST PORT PATH	the same, and again on the same connection for each line that it reads
"""
import http.client
import socket
import sys
import threading


def text(name):
    host = name[0].replace("::ffff:", "")
    return f"[{host}]:{name[1]}" if ":" in host else f"{host}:{name[1]}"


def read_line(stream):
    try:
        return stream.readline()
    except OSError:
        return b""


def serve(conn, accepted):
    stream = conn.makefile("rb")
    while read_line(stream):
        added = "-"
        while (line := stream.readline()) not in (b"\r\n", b""):
            key, value = line.split(b":", 1)
            if key.lower() == b"x-added":
                added = value.strip().decode()
        body = f"{text(conn.getpeername())} > {text(conn.getsockname())} {text(accepted)} {added}\n".encode()
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    conn.close()


def server(port, address="::"):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind((address, int(port)))
    listener.listen(1000)
    while True:
        conn, accepted = listener.accept()
        threading.Thread(target=serve, args=(conn, accepted), daemon=True).start()


def connect(host, port, source=None):
    client = http.client.HTTPConnection(host, int(port), timeout=15, source_address=source and (source, 0))
    client.auto_open = False
    try:
        client.connect()
    except OSError as error:
        sys.exit(type(error).__name__)
    return client


def ask(client, path):
    names = f"{text(client.sock.getsockname())} > {text(client.sock.getpeername())}"
    try:
        client.request("GET", path)
        answer = client.getresponse()
        return f"{names} {answer.status} {answer.read().decode().strip()}"
    except (OSError, http.client.HTTPException) as error:
        return f"{names} {type(error).__name__}"


def hold(client, path):
    print(ask(client, path), flush=True)
    while sys.stdin.readline():
        print(ask(client, path), flush=True)


if sys.argv[1] == "serve":
    server(*sys.argv[2:])
elif sys.argv[1] == "ask":
    print(ask(connect(sys.argv[2], sys.argv[3], *sys.argv[5:]), sys.argv[4]))
else:
    hold(connect(sys.argv[2], sys.argv[3]), sys.argv[4])

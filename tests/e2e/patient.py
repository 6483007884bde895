# SPDX-License-Identifier: Apache-2.0
"""Clients that take their time, close one half, or keep many connections open.

Usage: patient.py serve PORT			answers POST with the length of its body; /api/half: then closes its half, and
						reads on; GET with 3 MB
       patient.py slow ADDRESS PORT		writes by small pieces, reads by small pieces into a small buffer
       patient.py half ADDRESS PORT		closes its half behind the request, then reads; prints what it has read
       patient.py server-half ADDRESS PORT	goes on to write when the server has closed its half
       patient.py many ADDRESS PORT COUNT	COUNT connections, all open at once, each asks twice; prints how many answers
						were 200, and how many connections were open
"""
import selectors
import socket
import socketserver
import sys
import time

LARGE = 3000000


def post(path, length):
    return f"POST {path} HTTP/1.1\r\nHost: b\r\nContent-Length: {length}\r\n\r\n".encode()


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: b\r\n\r\n".encode()


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while first := self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            half = first.split()[1] == b"/api/half"
            text = b"x" * LARGE if first.startswith(b"GET") else b"half" if half else b"%d" % len(self.rfile.read(length))
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
            if half:
                self.request.shutdown(socket.SHUT_WR)
                print("behind its own end", len(self.rfile.read(length)), flush=True)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def body(s):
    data = b""
    while b"\r\n\r\n" not in data:
        data += s.recv(1)
    length = int(data.lower().split(b"content-length:")[1].split()[0])
    got = 0
    while got < length:
        part = s.recv(4096)
        if not part:
            break
        got += len(part)
        last = part
        if got % 64 == 0:
            time.sleep(0.001)
    return last.decode() if length < 100 else str(got)


def connect(address, port):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(20)
    s.connect((address, int(port)))
    return s


def slow(address, port):
    s = connect(address, port)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    data = post("/api/x", 200000) + b"y" * 200000
    for at in range(0, len(data), 997):
        s.sendall(data[at : at + 997])
        time.sleep(0.005)
    answer = body(s)
    s.sendall(get("/api/y"))
    print(answer, body(s))


def half(address, port):
    s = connect(address, port)
    s.sendall(get("/api/y"))
    s.shutdown(socket.SHUT_WR)
    print(body(s), "end" if not s.recv(1) else "more")


def server_half(address, port):
    s = connect(address, port)
    s.sendall(post("/api/half", 1000000))
    answer = body(s)
    end = not s.recv(1)
    s.sendall(b"y" * 1000000)
    print(answer, "end" if end else "more")


def many(address, port, count):
    open_, answers = [], 0
    for _ in range(int(count)):
        s = socket.create_connection((address, int(port)), 20)
        s.setblocking(True)
        open_.append(s)
    for path in ("/api/1", "/api/2"):
        for s in open_:
            s.sendall(get(path))
        poll = selectors.DefaultSelector()
        for s in open_:
            poll.register(s, selectors.EVENT_READ)
        until = time.time() + 60
        while poll.get_map() and time.time() < until:
            for key, _ in poll.select(1):
                data = key.fileobj.recv(4096)
                answers += data.startswith(b"HTTP/1.1 200 ")
                poll.unregister(key.fileobj)
    print(answers, len(open_))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        Server(("", int(sys.argv[2])), Handler).serve_forever()
    globals()[sys.argv[1].replace("-", "_")](*sys.argv[2:])

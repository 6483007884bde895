# SPDX-License-Identifier: Apache-2.0
"""A server that answers in the ways that HTTP allows and nginx does not choose.

Usage: server.py PORT LOG

Appends METHOD, PATH and the length of the body to LOG for each request, before it answers.

/early	a final answer as soon as the head is there, then the body is read
/hints	103, then 200
/close	a body that ends with the connection
/chunks	a chunked body with extensions and a trailer
/ws	101, then an echo of bytes
/no-ws	400 to a handshake, and HTTP goes on
/slow	an answer after half a second
/large	an answer of 8 MB, more than what waits for a client that does not read
else	200
"""
import re
import socketserver
import sys
import time


class Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def head(self):
        first = self.rfile.readline()
        if not first:
            return None
        fields = {}
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            name, value = line.split(b":", 1)
            fields[name.lower()] = value.strip().lower()
        return first.split()[0].decode(), first.split()[1].decode(), fields

    def chunks(self):
        length = 0
        while size := int(re.match(rb"[0-9a-fA-F]+", self.rfile.readline())[0], 16):
            length += len(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        return length

    def body(self, fields):
        if fields.get(b"expect"):
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if b"transfer-encoding" in fields:
            return self.chunks()
        return len(self.rfile.read(int(fields.get(b"content-length", 0))))

    def log(self, *words):
        with open(sys.argv[2], "a", encoding="utf-8") as log:
            print(*words, file=log)

    def answer(self, text, status=b"200 OK"):
        self.wfile.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(text), text))

    def echo(self):
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                         b"Connection: Upgrade\r\n\r\n")
        while data := self.rfile.read1(65536):
            self.wfile.write(data)

    def one(self, method, path, fields):
        if path.endswith("/early"):
            self.answer(b"early")
            self.log(method, path, self.body(fields))
            return True
        if path.endswith("/no-ws"):
            self.log(method, path, 0)
            self.answer(b"no", b"400 Bad Request")
            return True
        length = self.body(fields)
        self.log(method, path, length)
        if path.endswith("/hints"):
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        if path.endswith("/slow"):
            time.sleep(0.5)
        if path.endswith("/close"):
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")
            return False
        if path.endswith("/chunks"):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                             b"3;a=b\r\nchu\r\n3\r\nnks\r\n0\r\nX: y\r\n\r\n")
            return True
        if path.endswith("/ws"):
            self.echo()
            return False
        if path.endswith("/large"):
            self.answer(b"x" * 8000000)
            return True
        self.answer(b"got %d" % length if method != "HEAD" else b"")
        return True

    def handle(self):
        try:
            while (head := self.head()) and self.one(*head):
                pass
        except (ConnectionError, ValueError):
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024


Server(("", int(sys.argv[1])), Handler).serve_forever()

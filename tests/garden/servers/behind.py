# SPDX-License-Identifier: Apache-2.0
"""What stands behind a proxy and writes down what the proxy sends: behind.py HOST PORT LOG.

It reads no better than it must, since a proxy writes plain HTTP/1.1; what it cannot read it writes down as a
request with the method "?", which no judge has allowed. The proxy tells the client's address in x-garden-conn.
"""
import socketserver
import sys

from record import Log


class Cut(Exception):
    """The connection ended inside a request."""


def line_of(stream):
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise Cut
    return line


def exactly(stream, n, to):
    data = stream.read(n)
    to += data
    if len(data) < n:
        raise Cut


def chunks(stream, to):
    while True:
        size = int(line_of(stream).split(b";")[0], 16)
        if not size:
            break
        exactly(stream, size, to)
        exactly(stream, 2, bytearray())
    while line_of(stream) != b"\r\n":
        pass


class Behind(socketserver.StreamRequestHandler):
    def one(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += line_of(self.rfile)
        first, *rest = head[:-4].decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        lines = [[name, value[1:] if value[:1] == " " else value]
                 for name, value in (line.split(":", 1) for line in rest)]
        fields = {name.lower(): value for name, value in lines}
        body, whole = bytearray(), True
        try:
            if fields.get("transfer-encoding", "").lower() == "chunked":
                chunks(self.rfile, body)
            else:
                exactly(self.rfile, int(fields.get("content-length", "0")), body)
        except Cut:
            whole = False
        return fields.get("x-garden-conn", "?"), (method, target, fields.get("host", ""), lines), body, whole

    def handle(self):
        try:
            seen = self.one()
        except (Cut, ConnectionError):
            return
        except ValueError as why:
            seen = "?", ("?", str(why), "", []), b"", False
        line = self.server.log.write(*seen)
        body = b"" if seen[1][0] == "HEAD" else line
        self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(line), body))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 1024
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


def main():
    server = Server((sys.argv[1], int(sys.argv[2])), Behind)
    server.log = Log(sys.argv[3])
    server.serve_forever()


if __name__ == "__main__":
    main()

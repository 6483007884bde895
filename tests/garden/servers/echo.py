# SPDX-License-Identifier: Apache-2.0
"""A server that writes down what it is asked: echo.py HOST PORT LOG. See ../README.md for the lines of LOG.

It is http.server with what every application on it adds: the body by Content-Length. Of chunks it knows nothing,
and says so.
"""
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from record import Log


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    log = None

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self):
        chunked = "Transfer-Encoding" in self.headers
        length = 0 if chunked else int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length)
        head = (self.command, self.path, self.headers.get("Host", ""), [list(i) for i in self.headers.items()])
        whole = len(body) == length and not chunked
        line = self.log.write("%s:%d" % self.client_address[:2], head, body, whole)
        self.close_connection = self.close_connection or not whole
        self.send_response(501 if chunked else 200)
        self.send_header("Content-Length", str(len(line)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(line)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


def main():
    Echo.log = Log(sys.argv[3])
    Server((sys.argv[1], int(sys.argv[2])), Echo).serve_forever()


if __name__ == "__main__":
    main()

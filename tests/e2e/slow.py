# SPDX-License-Identifier: Apache-2.0
"""Many clients that are slow on purpose, and one beside them that is not.

Usage: slow.py loris|read HOST PORT COUNT

loris	each sends a head that does not end, a byte a second, until all are ended or 60 seconds are over
read	each asks for /api/large and reads nothing, until stdin ends; then what came, up to the end

Prints "ended N, 403 N, first after N s; beside them N served, N not".
"""
import selectors
import socket
import sys
import threading
import time

HEAD = b"GET /api/x HTTP/1.1\r\nHost: b\r\nX: " + b"x" * 1000
LARGE = b"GET /api/large HTTP/1.1\r\nHost: b\r\n\r\n"


class Good(threading.Thread):
    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.served, self.failed, self.over = address, 0, 0, threading.Event()

    def ask(self):
        with socket.create_connection(self.address, timeout=20) as sock:
            sock.sendall(b"GET /api/good HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n")
            got = b""
            while part := sock.recv(65536):
                got += part
        if not got.startswith(b"HTTP/1.1 200") or not got.endswith(b"hello from /api/good\n"):
            raise OSError(f"answered {got!r}")

    def run(self):
        while not self.over.wait(0.05):
            begun = time.monotonic()
            try:
                self.ask()
                self.served += 1
            except OSError as error:
                self.failed += 1
                print(f"not served, {time.monotonic() - begun:.1f} s: {error!r}")

    def end(self):
        self.over.set()
        self.join()


class Slow:
    def __init__(self, address):
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        self.sock.settimeout(20)
        self.sock.connect(address)
        self.sock.setblocking(False)
        self.begun, self.sent, self.got, self.ended = time.monotonic(), 0, b"", None

    def send(self, text):
        try:
            self.sent += self.sock.send(text)
        except BlockingIOError:
            pass
        except OSError:
            self.end()

    def drip(self, now):
        """The bytes that are due: one a second, the first at once."""
        if self.ended is None and now >= self.begun + self.sent:
            self.send(HEAD[self.sent:self.sent + 1])

    def read(self):
        try:
            while part := self.sock.recv(65536):
                self.got = self.got or part[:12]
        except BlockingIOError:
            return
        except OSError:
            pass
        self.end()

    def end(self):
        if self.ended is None:
            self.ended = time.monotonic() - self.begun


def loris(slow):
    until = time.monotonic() + 60
    ready = selectors.DefaultSelector()
    for s in slow:
        ready.register(s.sock, selectors.EVENT_READ, s)
    left = len(slow)
    while left and time.monotonic() < until:
        for key, _ in ready.select(0.02):
            key.data.read()
        now = time.monotonic()
        for s in slow:
            s.drip(now)
            if s.ended is not None and s.sock in ready.get_map():
                ready.unregister(s.sock)
                left -= 1


def read(slow):
    # All at once are more than nginx's listener has room for: whose handshake is lost there waits for a repeat longer than
    # the proxy's clock, which this test has made short.
    for s in slow:
        s.send(LARGE)
        time.sleep(0.004)
    sys.stdin.read()
    for s in slow:
        s.read()


def main():
    how, host, port, count = sys.argv[1:]
    address = host, int(port)
    good = Good(address)
    good.start()
    slow = [Slow(address) for _ in range(int(count))]
    {"loris": loris, "read": read}[how](slow)
    good.end()
    ended = [s.ended for s in slow if s.ended is not None]
    denied = sum(s.got == b"HTTP/1.1 403" for s in slow)
    print(f"ended {len(ended)}, 403 {denied}, first after {int(min(ended, default=0))} s; "
          f"beside them {good.served} served, {good.failed} not")


main()

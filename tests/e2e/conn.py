# SPDX-License-Identifier: Apache-2.0
"""One raw client connection, for tests that must know what happens on it.

Usage: conn.py HOST PORT STEP...

STEP is "send:BYTES" (with the escapes of a Python literal), "bytes:BYTES" (each in a packet of its own),
"cut:N:BYTES" (in two packets, the second of N bytes), "many:N:BYTES" (N times, in as many packets),
"read" (one whole response: prints "STATUS BODY"), "echo" (whatever has come: prints "echo BYTES"), "large" (prints "large LENGTH"), "head" (of an answer to HEAD:
prints "head CONTENT-LENGTH"), "eof" (prints "eof" when the peer has closed, "reset" or the like, "data", "open"), "drained" (the
same, behind whatever comes), "touch:FILE", "await:FILE" (until it exists), "sleep:SECONDS". Prints a line per answer
and end; ends with 0 whatever the peer does.
"""
import os
import socket
import sys
import time


def unescape(text):
    return text.encode().decode("unicode_escape").encode("latin-1")


class Conn:
    def __init__(self, host, port):
        self.sock = socket.create_connection((host, port), timeout=5)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = b""

    def more(self):
        got = self.sock.recv(65536)
        if not got:
            raise EOFError
        self.data += got

    def read_head(self):
        while b"\r\n\r\n" not in self.data:
            self.more()
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, value = line.split(b":", 1)
            if name.lower() == b"content-length":
                length = int(value)
        return head.split()[1].decode(), length

    def body(self, length):
        while len(self.data) < length:
            self.more()
        body, self.data = self.data[:length], self.data[length:]
        return body

    def read(self):
        status, length = self.read_head()
        print(status, self.body(length).decode().strip())

    def pieces(self, data, size):
        for at in range(0, len(data), size):
            self.sock.sendall(data[at:at + size])
            time.sleep(0.002)

    def cut(self, data, n):
        self.sock.sendall(data[:-n])
        time.sleep(0.05)
        self.sock.sendall(data[-n:])

    def drained(self):
        try:
            while True:
                self.more()
        except EOFError:
            print("eof")
        except (ConnectionResetError, ConnectionAbortedError):
            print("reset")

    def eof(self):
        try:
            self.sock.settimeout(3)
            print("data" if self.data or self.sock.recv(1) else "eof")
        except (ConnectionResetError, ConnectionAbortedError):
            print("reset")
        except socket.timeout:
            print("open")

    def step(self, step):
        word, _, arg = step.partition(":")
        if word == "send":
            self.sock.sendall(unescape(arg))
        elif word == "bytes":
            self.pieces(unescape(arg), 1)
        elif word == "cut":
            n, _, data = arg.partition(":")
            self.cut(unescape(data), int(n))
        elif word == "many":
            n, _, data = arg.partition(":")
            self.pieces(unescape(data) * int(n), len(unescape(data)))
        elif word == "large":
            print("large", len(self.body(self.read_head()[1])))
        elif word == "echo":
            if not self.data:
                self.more()
            print("echo", self.data.decode())
        elif word == "head":
            print("head", self.read_head()[1])
        elif word == "drained":
            self.drained()
        elif word == "read":
            self.read()
        elif word == "eof":
            self.eof()
        elif word == "touch":
            open(arg, "w").close()
        elif word == "await":
            while not os.path.exists(arg):
                time.sleep(0.02)
        elif word == "sleep":
            time.sleep(float(arg))
        else:
            sys.exit("conn.py: unknown step " + step)


def main():
    try:
        conn = Conn(sys.argv[1], int(sys.argv[2]))
        for step in sys.argv[3:]:
            conn.step(step)
    except EOFError:
        print("closed")
    except ConnectionResetError:
        print("reset")
    except OSError as error:
        print(type(error).__name__, error)


main()

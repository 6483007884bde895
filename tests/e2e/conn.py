# SPDX-License-Identifier: Apache-2.0
"""One raw client connection, for tests that must know what happens on it.

Usage: conn.py HOST PORT STEP...

STEP is "send:BYTES" (with the escapes of a Python literal), "read" (one whole response: prints "STATUS BODY"),
"eof" (prints "eof" when the peer has closed, "reset", "data" or "open"), "touch:FILE", "await:FILE" (until it
exists), "sleep:SECONDS". Prints a line per read and eof; ends with 0 whatever the peer does.
"""
import os
import socket
import sys
import time


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

    def read(self):
        while b"\r\n\r\n" not in self.data:
            self.more()
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, value = line.split(b":", 1)
            if name.lower() == b"content-length":
                length = int(value)
        while len(self.data) < length:
            self.more()
        body, self.data = self.data[:length], self.data[length:]
        print(head.split()[1].decode(), body.decode().strip())

    def eof(self):
        try:
            self.sock.settimeout(3)
            print("data" if self.data or self.sock.recv(1) else "eof")
        except ConnectionResetError:
            print("reset")
        except socket.timeout:
            print("open")

    def step(self, step):
        word, _, arg = step.partition(":")
        if word == "send":
            self.sock.sendall(arg.encode().decode("unicode_escape").encode("latin-1"))
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

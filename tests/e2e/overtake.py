# SPDX-License-Identifier: Apache-2.0
"""Sends a denied request while the answer to an allowed one waits in the socket's backlog.

Usage: overtake.py HOST PORT SLOW DENIED

SLOW is answered after half a second. The denied request lies in a page that is not there yet: the kernel holds the
socket while it waits for it, so the answer cannot be taken meanwhile. Prints the status of both answers in the order in
which they come, then "eof", "reset" or "open". Exits with 77 where pages cannot be held back (userfaultfd).
"""
import ctypes
import mmap
import os
import re
import socket
import struct
import sys
import threading
import time
from fcntl import ioctl

SYSCALL = {"x86_64": 323}.get(os.uname().machine, 282)  # userfaultfd
API, REGISTER, COPY = 0xc018aa3f, 0xc020aa00, 0xc028aa03
PAGE = mmap.PAGESIZE


class HeldPage:
    """A page that reads like TEXT once it is given; whoever reads it before waits."""

    def __init__(self, text):
        self.fd = ctypes.CDLL(None, use_errno=True).syscall(SYSCALL, os.O_CLOEXEC | os.O_NONBLOCK)
        if self.fd < 0:
            print("userfaultfd:", os.strerror(ctypes.get_errno()))
            sys.exit(77)
        self.map = mmap.mmap(-1, PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        self.source = ctypes.create_string_buffer(text, PAGE)
        ioctl(self.fd, API, struct.pack("QQQ", 0xaa, 0, 0))
        ioctl(self.fd, REGISTER, struct.pack("QQQQ", self.address, PAGE, 1, 0))

    def give(self):
        ioctl(self.fd, COPY, struct.pack("QQQQq", self.address, ctypes.addressof(self.source), PAGE, 0, 0))


def request(path):
    return b"GET %s HTTP/1.1\r\nHost: b\r\n\r\n" % path.encode()


def main():
    sock = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    denied = request(sys.argv[4])
    page = HeldPage(denied)
    sock.sendall(request(sys.argv[3]))
    sender = threading.Thread(target=sock.send, args=(memoryview(page.map)[:len(denied)],))
    sender.start()
    time.sleep(1)
    page.give()
    sender.join()
    data, end = b"", "open"
    sock.settimeout(2)
    try:
        while got := sock.recv(65536):
            data += got
        end = "eof"
    except ConnectionError:
        end = "reset"
    except socket.timeout:
        pass
    print(*[m.decode() for m in re.findall(rb"HTTP/1.1 (\d+)", data)], end)


main()

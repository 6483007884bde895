# SPDX-License-Identifier: Apache-2.0
"""Sockets whose lock is held for a while: what arrives then waits in the backlog, judged, and TCP has not seen it.

A thread peeks into memory that is not there. The kernel takes the socket's lock, copies, faults, and waits until
userfaultfd(2) is told what stands there: by then so much has come as the peer had to send.
"""
import concurrent.futures
import ctypes
import fcntl
import mmap
import os
import random
import select
import socket
import struct
import threading
import time

USERFAULTFD, UFFDIO_API, UFFDIO_REGISTER, UFFDIO_ZEROPAGE = 323, 0xC018AA3F, 0xC020AA00, 0xC020AA04
UFFD_API, MISSING, PAGEFAULT = 0xAA, 1, 0x12
SO_MEMINFO, BACKLOG = 55, 7  # the latter's place among the words
PAGE = mmap.PAGESIZE


class Busy:
    def __init__(self, most, seconds):
        """At most MOST at a time, for up to SECONDS."""
        self.seconds = seconds
        self.memory = mmap.mmap(-1, most * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.memory.madvise(mmap.MADV_NOHUGEPAGE)
        self.view = memoryview(self.memory)
        self.start = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.fd = ctypes.CDLL(None, use_errno=True).syscall(USERFAULTFD, os.O_CLOEXEC | os.O_NONBLOCK)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "userfaultfd")
        fcntl.ioctl(self.fd, UFFDIO_API, struct.pack("QQQ", UFFD_API, 0, 0))
        fcntl.ioctl(self.fd, UFFDIO_REGISTER, struct.pack("QQQQ", self.start, most * PAGE, MISSING, 0))
        self.free = list(range(most))
        self.held = {}  # page: socket
        self.waited = 0  # sockets at which something had come meanwhile
        self.threads = concurrent.futures.ThreadPoolExecutor(most)
        threading.Thread(target=self.resolve, daemon=True).start()

    def hold(self, s, then):
        """Holds the lock of S, from which something can be read, then calls THEN; False: all pages are taken."""
        if not self.free:
            return False
        page = self.free.pop()
        self.held[page] = s
        self.threads.submit(self.peek, page, s, then)
        return True

    def peek(self, page, s, then):
        try:
            s.recv_into(self.view[page * PAGE : page * PAGE + 64], 64, socket.MSG_PEEK)
        except OSError:
            pass
        self.memory.madvise(mmap.MADV_DONTNEED, page * PAGE, PAGE)
        del self.held[page]
        self.free.append(page)
        then()

    def resolve(self):
        due = []
        while True:
            if select.select([self.fd], [], [], 0.01)[0]:
                event, address = struct.unpack("B15xQ8x", os.read(self.fd, 32))
                if event == PAGEFAULT:
                    due.append((time.time() + random.uniform(0, self.seconds), address // PAGE * PAGE))
            now = time.time()
            for _, address in [d for d in due if d[0] <= now]:
                waiting = self.held[(address - self.start) // PAGE].getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36)
                self.waited += struct.unpack("9I", waiting)[BACKLOG] > 0
                fcntl.ioctl(self.fd, UFFDIO_ZEROPAGE, struct.pack("QQQq", address, PAGE, 0, 0))
            due = [d for d in due if d[0] > now]

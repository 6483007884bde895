# SPDX-License-Identifier: Apache-2.0
"""A client in the frontend pod whose egress to port 8080 of the backend goes through the userspace proxy: the ways in
which a connection can begin. Prints lines "WHAT|WANTED|GOT".
"""
import errno
import http.client
import select
import socket

V4, V6 = ("10.77.0.4", 8080), ("fd77::4", 8080)
REQUEST = b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n"


def say(what, wanted, got):
    print(f"{what}|{wanted}|{got}", flush=True)


def peer(sock):
    return "%s:%d" % sock.getpeername()[:2]


def local(sock):
    return sock.getsockname()[0]


def answer(sock):
    """The value of the header that the server has seen, behind the status."""
    response = http.client.HTTPResponse(sock)
    response.begin()
    return f"{response.status} {response.read().split()[-1].decode()}"


def new(to):
    sock = socket.socket(socket.AF_INET6 if ":" in to[0] else socket.AF_INET)
    sock.settimeout(10)
    return sock


def without_waiting(to):
    sock = new(to)
    sock.setblocking(False)
    begun = sock.connect_ex(to)
    name = peer(sock) if begun == 0 else "later"
    select.select([], [sock], [], 10)
    sock.setblocking(True)
    sock.sendall(REQUEST)
    say("connect() that does not wait", f"{to[0]}:{to[1]} 200 by-policy", f"{peer(sock)} {answer(sock)}")
    assert begun in (0, errno.EINPROGRESS) and name in (peer(sock), "later")


def with_the_syn(to):
    sock = new(to)
    sock.sendto(REQUEST, socket.MSG_FASTOPEN, to)
    say("sendto(MSG_FASTOPEN)", f"{to[0]}:{to[1]} 200 by-policy", f"{peer(sock)} {answer(sock)}")


def deferred(to):
    sock = new(to)
    sock.setsockopt(socket.IPPROTO_TCP, 30, 1)  # TCP_FASTOPEN_CONNECT
    sock.connect(to)
    sock.sendall(REQUEST)
    say("TCP_FASTOPEN_CONNECT", f"{to[0]}:{to[1]} 200 by-policy", f"{peer(sock)} {answer(sock)}")


def again(first, then):
    """One socket, connected to something else after AF_UNSPEC."""
    import ctypes
    sock = new(first)
    sock.connect(first)
    sock.sendall(REQUEST)
    answer(sock)
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.connect(sock.fileno(), bytes(16), 16) == 0
    say("a socket that is connected no more", "0.0.0.0", local(sock))
    sock.connect(then)
    sock.sendall(REQUEST)
    say("and then elsewhere", f"{then[0]}:{then[1]} 10.77.0.2 200", f"{peer(sock)} {local(sock)} {answer(sock)[:3]}")


def datagrams():
    sock = socket.socket(type=socket.SOCK_DGRAM)
    sock.connect(V4)
    say("a datagram socket", "10.77.0.4:8080 10.77.0.2", f"{peer(sock)} {local(sock)}")


def many(to, count):
    """All at once: each one's port is its own, also to the server."""
    socks = [socket.create_connection(to, timeout=20) for _ in range(count)]
    for sock in socks:
        sock.sendall(REQUEST)
    wrong = 0
    for sock in socks:
        response = http.client.HTTPResponse(sock)
        response.begin()
        wrong += response.read().split()[0].decode() != "%s:%d" % sock.getsockname()[:2]
    say(f"of {count} at once the server knows another port than the client", 0, wrong)


for to in (V4, V6):
    without_waiting(to)
    with_the_syn(to)
    deferred(to)
again(V4, ("10.77.0.4", 8081))
again(("10.77.0.4", 8081), V4)
datagrams()
many(V4, 200)

# SPDX-License-Identifier: Apache-2.0
"""One connection: bytes out, in pieces, and the status codes that come back."""
import asyncio
import re
import socket
import struct

FINAL = re.compile(rb"^HTTP/1\.[01] ([2-5]\d\d)", re.MULTILINE)


class Exchange:
    """How a connection went. CONN is what the server calls it."""

    def __init__(self, conn, statuses, ended):
        self.conn, self.statuses, self.ended = conn, statuses, ended


async def send(loop, sock, pieces, fin):
    """FIN: "apart" from the last piece, in one segment "with" it, or None."""
    for i, piece in enumerate(pieces):
        if i:
            await asyncio.sleep(0.003)
        if fin == "with" and i == len(pieces) - 1:
            # Left to itself the kernel sends the end in a segment of its own.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        await loop.sock_sendall(sock, piece)
    if fin:
        sock.shutdown(socket.SHUT_WR)


def bound(source):
    """A socket at the next of SOURCE(), (address, port), that is not taken."""
    for _ in range(1000):
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            sock.bind(source())
            return sock
        except OSError:
            sock.close()
    raise RuntimeError("all ports are taken")


async def until_quiet(loop, sock, enough, closing, patience):
    """Reads to the end, or, while nothing says that the server will end it, until it has no more to say."""
    data = b""
    while True:
        answered = len(FINAL.findall(data)) >= enough
        try:
            got = await asyncio.wait_for(loop.sock_recv(sock, 65536),
                                         0.04 if answered and not closing else patience)
        except asyncio.TimeoutError:
            return data, "open"
        if not got:
            return data, "end"
        data += got


async def ask(address, source, case, patience):
    """Sends the pieces of CASE from one of SOURCE() and ends as it says, or resets the connection when it is answered.

    PATIENCE: seconds without a word from a server that has to answer, or to end the connection.
    """
    enough = sum(request.whole for request in case.wanted)
    loop = asyncio.get_running_loop()
    sock = bound(source)
    data, ended = b"", "reset"
    try:
        await loop.sock_connect(sock, address)
        conn = "%s:%d" % sock.getsockname()[:2]
        try:
            await send(loop, sock, case.pieces, case.fin)
        except OSError:
            pass  # refused midway; what it has answered is still there
        try:
            data, ended = await until_quiet(loop, sock, enough, case.fin, patience)
        except OSError:
            pass
        if not case.fin:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    finally:
        sock.close()
    return Exchange(conn, [int(s) for s in FINAL.findall(data)], ended)

# SPDX-License-Identifier: Apache-2.0
"""A send behind one that a full buffer has cut short: sk_msg is not asked about it (kernel-facts 1.5).

Usage: short.py serve PORT FILE		waits, then reads and answers; appends "METHOD PATH" of every whole request to FILE
       short.py ask ADDRESS PORT COUNT	prints a line per connection, see below

Each connection begins with a POST whose Content-Length is what TCP took of a send that it cut short, as a connection
before has shown. What is missing of the body goes with the next send, in front of a request for /admin. Printed are the
bytes that were missing and what became of that request: its status, and "kept" or "ended" for the connection.
"""
import select
import socket
import sys
import threading
import time

OFFERED = 400000
EVIL = b"GET /admin HTTP/1.1\r\nHost: b\r\n\r\n"


def answer(c, path):
    """Lets the client's buffer fill up first."""
    time.sleep(0.3)
    data = b""
    try:
        while True:
            while b"\r\n\r\n" not in data:
                data += (part := c.recv(65536))
                if not part:
                    return
            head, data = data.split(b"\r\n\r\n", 1)
            length = int(head.split(b"Content-Length: ")[1].split()[0]) if b"Content-Length" in head else 0
            while len(data) < length:
                data += (part := c.recv(65536))
                if not part:
                    return
            data = data[length:]
            with open(path, "a", encoding="ascii") as f:
                print(*head.decode("latin-1").split()[:2], file=f)
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    except OSError:
        pass
    finally:
        c.close()


def serve(port, path):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)  # of its connections, too
    listener.bind(("", int(port)))
    listener.listen(64)
    print("ready", flush=True)
    while True:
        threading.Thread(target=answer, args=(listener.accept()[0], path), daemon=True).start()


def post(length):
    """Of one length, whatever LENGTH is."""
    digits = b"%d" % length
    return b"POST /api/x HTTP/1.1\r\nHost: b\r\nX: %s\r\nContent-Length: %s\r\n\r\n" % (b"x" * (9 - len(digits)), digits)


def begin(address, port, length):
    """A connection whose first send has been cut short, and what TCP took of it."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
    s.settimeout(3)
    s.connect((address, port))
    s.setblocking(False)
    return s, s.send(post(length) + b"x" * OFFERED)


def read_head(s):
    data = b""
    while b"\r\n\r\n" not in data:
        if not select.select([s], [], [], 5)[0] or not (part := s.recv(4096)):
            return None
        data += part
    return data.split()[1].decode()


def ends(s):
    try:
        return bool(select.select([s], [], [], 1)[0]) and not s.recv(4096)
    except OSError:
        return True


def behind(address, port, taken):
    """None when the first send took more than is wanted: there is no place for another request then."""
    length = taken - len(post(0))
    s, now = begin(address, port, length)
    missing = taken - now
    if missing < 0:
        return None
    try:
        # Whole at once, in one send: the second one would be asked about. The first request's answer before that.
        if not missing and read_head(s) != "200":
            return "0 no answer to the first"
        time.sleep(0.6)
        if s.send(b"x" * missing + EVIL) != missing + len(EVIL):
            return f"{missing} cut short again"
        if missing:
            read_head(s)
        status = read_head(s)
        return f"{missing} {status} {'ended' if ends(s) else 'kept'}"
    except OSError:
        return f"{missing} none ended"


def ask(address, port, count):
    s, taken = begin(address, int(port), OFFERED)
    s.close()
    if taken >= OFFERED:
        sys.exit("short.py: nothing was cut short")
    for _ in range(int(count)):
        print(behind(address, int(port), taken) or "too much was taken", flush=True)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])

# SPDX-License-Identifier: Apache-2.0
"""Replays the golden streams of testdata/http through real sockets.

Usage: streams.py sink PORT DIR		(the server)
       streams.py ask DIR EVENTS HOST PORT CUT FILE...
       streams.py tell DIR EVENTS HOST PORT CUT FILE...

The server writes what it receives on a connection into DIR/CLIENT, where CLIENT is the client's address and port as
events have them, and answers each request that is complete, a handshake with 101. It reads leniently: two line ends
in any form end a head.

"ask" sends all streams at once, each on a connection of its own, and compares with the verdict of the file:

allow, unfinished	the server has every byte, and there is no denial
deny REASON after N	the event says REASON; the server has N requests whole and, of the next, not all of its head, or,
			where the event says that the head was allowed, not all of its chunks; the client has N
			answers and behind them, if anything, the 403

CUT says how: "requests" cuts between requests only and does not wait for answers, but of handshakes; "bytes" sends
each byte in a packet of its own (of long streams the first and the last ones), and waits for each answer. Prints a
line per stream that is not as expected, at last "N streams, M wrong"; ends with 0 when there is none.

"tell" expects nothing. It prints a line per stream, so that two ways to a server can be compared: NAME, how many requests
the server has whole, how many answers the client, and the reason of the first denial, or "-".
"""
import fcntl
import json
import os
import re
import selectors
import socket
import struct
import sys
import termios
import time

import vectors

HEAD_END = re.compile(rb"\r?\n\r?\n")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
DEADLINE = 60  # seconds for all streams of one call
QUIET = 12     # looks, 50 ms apart and more, at which nothing is new: then nothing more will be
EDGE = 100     # bytes of a long stream that are sent one by one, at its beginning and its end


class Message:
    """A request in a stream; end is None when it is not complete."""

    def __init__(self, data, start, head_end):
        self.head = data[start:head_end]
        self.method = self.head.split(b" ", 1)[0]
        self.fields = {}
        for line in re.split(rb"\r?\n", self.head)[1:]:
            name, _, value = line.partition(b":")
            self.fields[name.strip().lower()] = value.strip().lower()
        self.chunked = b"transfer-encoding" in self.fields
        self.handshake = b"upgrade" in self.fields
        try:
            self.end = self.chunks(data, head_end) if self.chunked else \
                head_end + int(self.fields.get(b"content-length", b"0"))
        except ValueError:
            self.end = None
        if self.end and self.end > len(data):
            self.end = None

    @staticmethod
    def chunks(data, at):
        while (line_end := data.index(b"\n", at)) >= 0:
            size = int(data[at:line_end].split(b";")[0], 16)
            if size < 0:
                raise ValueError
            at = line_end + 1 + size
            if not size:
                break
            at = data.index(b"\n", at) + 1
        while (line_end := data.index(b"\n", at)) > at + 1:
            at = line_end + 1
        return line_end + 1


def read_stream(data):
    """The complete requests, and the one under way: None when not even its head is complete."""
    done, at = [], 0
    while (head_end := HEAD_END.search(data, at)):
        message = Message(data, at, head_end.end())
        if message.end is None:
            return done, message
        done.append(message)
        if message.handshake:
            break
        at = message.end
    return done, None


def client_name(sock_name):
    host = sock_name[0].removeprefix("::ffff:")
    return ("[%s]:%d" if ":" in host else "%s:%d") % (host, sock_name[1])


class Sink:
    def __init__(self, sock, peer, folder):
        self.sock, self.data, self.answered = sock, b"", 0
        self.file = open(os.path.join(folder, client_name(peer)), "wb", buffering=0)

    def readable(self):
        """False when the connection is over."""
        try:
            got = self.sock.recv(1 << 18)
            self.data += got
            self.file.write(got)
            for message in read_stream(self.data)[0][self.answered:] if got else []:
                self.sock.sendall(SWITCH if message.handshake else OK if message.method == b"HEAD" else OK + b"ok")
                self.answered += 1
        except OSError:
            return False
        return bool(got)


def sink(port, folder):
    select, listener = selectors.DefaultSelector(), socket.create_server(("", port), family=socket.AF_INET6,
                                                                         dualstack_ipv6=True, backlog=1024)
    select.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in select.select():
            if not key.data:
                sock, peer = listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                select.register(sock, selectors.EVENT_READ, Sink(sock, peer, folder))
            elif not key.data.readable():
                select.unregister(key.fileobj)
                key.fileobj.close()


def cut_at(data, bounds, cut):
    """Where packets end."""
    if cut == "requests":
        return sorted(bounds | {len(data)})
    ends = set(range(1, len(data) + 1)) if len(data) <= 3 * EDGE else \
        set(range(1, EDGE)) | set(range(EDGE, len(data), 1400)) | set(range(len(data) - EDGE, len(data) + 1))
    return sorted(ends | bounds)


class Client:
    """One stream. Its packets leave one by one: the next when the peer's TCP has the last."""

    def __init__(self, vector, address, cut):
        self.vector, self.cut, self.answer, self.over, self.at, self.sent = vector, cut, b"", False, 0, 0
        messages = read_stream(vector.data)[0][:vector.passed]
        shakes = [m.handshake for m in messages] + [False]
        # Where answers are waited for: around a handshake always.
        self.bounds = {m.end: i + 1 for i, m in enumerate(messages) if cut == "bytes" or any(shakes[i:i + 2])}
        self.heads = {i for i, m in enumerate(messages) if m.method == b"HEAD"}
        self.ends = cut_at(vector.data, {m.end for m in messages}, cut)
        self.sock = socket.create_connection(address, timeout=5)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.name = client_name(self.sock.getsockname())

    def queued(self):
        return struct.unpack("i", fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0\0\0\0"))[0]

    def answers(self):
        """How many answers have come, and what is behind them."""
        n, rest = 0, self.answer
        while (m := re.match(rb"HTTP/1.1 (200|101) .*?\r\n\r\n", rest, re.S)):
            body = 2 if m[1] == b"200" and n not in self.heads else 0
            if len(rest) < m.end() + body:
                break
            n, rest = n + 1, rest[m.end() + body:]
        return n, rest

    def step(self):
        """True when something has happened."""
        try:
            if got := self.sock.recv(65536):
                self.answer += got
                return True
            self.over = True
        except BlockingIOError:
            pass
        except OSError:
            self.over = True
        if self.over or self.at == len(self.ends):
            return False
        if self.sent == (self.ends[self.at - 1] if self.at else 0):
            if self.queued() or self.answers()[0] < self.bounds.get(self.sent, 0):
                return False
        try:
            self.sent += self.sock.send(self.vector.data[self.sent:self.ends[self.at]])
        except BlockingIOError:
            return False
        except OSError:
            self.over = True
        self.at += self.sent == self.ends[self.at]
        return True

    def wrong(self, folder, events):
        """What is not as the vector says; None: nothing."""
        try:
            with open(os.path.join(folder, self.name), "rb") as file:
                received = file.read()
        except FileNotFoundError:
            return "the server has not seen it yet"
        denials = [e for e in events if e["verdict"] == "deny"]
        if not self.vector.data.startswith(received):
            return "the server has other bytes"
        if self.vector.word == "deny":
            return self.wrong_denial(received, denials)
        if denials:
            return "denied: " + denials[0]["reason"]
        if received != self.vector.data:
            return "the server has %d of %d bytes" % (len(received), len(self.vector.data))
        allowed = sum(e["layer"] == "l7" for e in events)
        if self.vector.word == "allow" and allowed != self.vector.passed:
            return "%d requests are reported" % allowed
        if self.answers() != (self.vector.passed, b""):
            return "answers: %r" % (self.answers(),)
        return None

    def wrong_denial(self, received, denials):
        done, under_way = read_stream(received)
        answers, rest = self.answers()
        if [e["reason"] for e in denials] != [self.vector.reason]:
            return "events say %s" % [e["reason"] for e in denials]
        if len(done) != self.vector.passed:
            return "the server has %d requests whole" % len(done)
        number = denials[0].get("number") # not known of a head that is gone from the judge's memory
        if number == self.vector.passed and under_way:
            return "the server has a denied head"
        # Cut between requests, the head may be in the packet of the bad chunk, and the server has neither.
        if number not in (None, self.vector.passed, self.vector.passed + 1) or \
                (number == self.vector.passed + 1 and self.cut == "bytes" and not under_way):
            return "denied is number %s, and the server has %s head" % (number, "a" if under_way else "no")
        if under_way and not under_way.chunked:
            return "a denial behind a head without chunks"
        if answers != self.vector.passed or (rest and not rest.startswith(b"HTTP/1.1 403 ")):
            return "answers: %d, then %r" % (answers, rest[:40])
        return None if self.over else "the connection goes on"


def read_events(path):
    events = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                event = json.loads(line)
                events.setdefault(event["client"], []).append(event)
    return events


def ask(folder, events_path, host, port, cut, files):
    clients = [Client(v, (host, port), cut) for path in files for v in vectors.load_all(path)]
    until = time.monotonic() + DEADLINE
    wrong, left = {}, clients
    while left and time.monotonic() < until:
        if not any([client.step() for client in left]):
            events = read_events(events_path)
            wrong = {c: c.wrong(folder, events.get(c.name, [])) for c in left}
            left = [c for c in left if wrong[c]]
            time.sleep(0.05)
    for client in left:
        print("%s (%s): %s" % (client.vector.name, client.name, wrong.get(client)))
    print("%d streams, %d wrong" % (len(clients), len(left)))
    return 1 if left else 0


def told(client, folder, events):
    try:
        with open(os.path.join(folder, client.name), "rb") as file:
            received = file.read()
    except FileNotFoundError:
        received = b""
    reasons = [e["reason"] for e in events if e["verdict"] == "deny"]
    return "%s %d %d %s" % (client.vector.name, len(read_stream(received)[0]), client.answers()[0], (reasons + ["-"])[0])


def tell(folder, events_path, host, port, cut, files):
    clients = [Client(v, (host, port), cut) for path in files for v in vectors.load_all(path)]
    until = time.monotonic() + DEADLINE
    before, quiet = None, 0
    while quiet < QUIET and time.monotonic() < until:
        if any([client.step() for client in clients]):
            quiet = 0
            continue
        time.sleep(0.05)
        events = read_events(events_path)
        lines = [told(c, folder, events.get(c.name, [])) for c in clients]
        quiet = quiet + 1 if lines == before else 0
        before = lines
    print(*before, sep="\n")
    return 0 if quiet >= QUIET else 1


def main():
    if sys.argv[1] == "sink":
        sink(int(sys.argv[2]), sys.argv[3])
    sys.exit({"ask": ask, "tell": tell}[sys.argv[1]](sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]), sys.argv[6], sys.argv[7:]))


if __name__ == "__main__":
    main()

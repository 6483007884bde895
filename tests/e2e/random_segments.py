# SPDX-License-Identifier: Apache-2.0
"""Random segmentations of streams that are framed alike and say different things, through a live TCP.

Usage: random_segments.py serve PORT FILE				reads everything, answers nothing; see below
       random_segments.py send DEVICE SERVER-MAC CLIENT SERVER PORT SEED COUNT

Every connection is a schedule of its own: ranges of one stream or of a mixture, overlapping, repeated, out of order,
with wrong checksums (TCP drops what the judge has seen), urgent pointers, early FINs, odd ACKs; over IPv6 a fourth of them
behind an extension header; one in sixteen in two fragments. The server parses what its application reads: every complete
head must ask for /api/. It keeps FILE current, "CONNECTIONS REQUESTS BAD BUSY BAD-AT-BUSY", and prints some bad heads. Only
the first bytes of a head may be another's. Half of the sockets (E2E_BUSY=1: all for which there is room) are busy for a
while when their first bytes have come; BUSY counts those at which something waited then.
"""
import os
import random
import selectors
import socket
import struct
import sys
import time

from busy import Busy

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
BATCH = 100

HOST = b"Host: b\r\n"
EVIL = b"GET /admin HTTP/1.1\r\n" + HOST + b"\r\n12345678"
BODY = b"0123456789" * 4
ASKS = b"GET /api/x HTTP/1.1\r\n" + HOST + b"\r\n"
DENIED = b"GET /adm/x HTTP/1.1\r\n" + HOST + b"\r\n"


def post(path):
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + b"Content-Length: 40\r\n\r\n"


STREAMS = [
    post(b"/api/x") + BODY + ASKS + post(b"/api/y") + BODY + ASKS,
    post(b"/api/z") + EVIL + ASKS + post(b"/api/x") + EVIL + ASKS,
    post(b"/adm/z") + EVIL + DENIED + post(b"/api/x") + BODY + DENIED,
    post(b"/api/x") + BODY + DENIED + post(b"/adm/x") + EVIL + DENIED,
]
LENGTH = len(STREAMS[0])
HEAD = len(post(b"/api/x"))
EDGES = [0, 1, HEAD - 1, HEAD, HEAD + 39, HEAD + 40, HEAD + 41, HEAD + 40 + len(ASKS), LENGTH]
assert len(EVIL) == len(BODY) == 40 and {len(s) for s in STREAMS} == {LENGTH}


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data + b"\0" * 0)) if len(data) % 2 == 0 else checksum_odd(data)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def checksum_odd(data):
    return sum(struct.unpack(f">{len(data) // 2 + 1}H", data + b"\0"))


class Link:
    def __init__(self, device, mac, client, server, port):
        self.six = ":" in client
        self.type = 0x86DD if self.six else 0x0800
        family = socket.AF_INET6 if self.six else socket.AF_INET
        self.src, self.dst = socket.inet_pton(family, client), socket.inet_pton(family, server)
        self.port, self.ident = port, 0
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(self.type))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind((device, self.type))
        self.to = (device, self.type, 0, 0, bytes.fromhex(mac.replace(":", "")))

    def send(self, port, seq, ack, flags, data=b"", wrong=False, urgent=0):
        head = struct.pack(">HHIIBBHHH", port, self.port, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, 65000, 0, urgent)
        segment = head + data
        total = checksum(self.src + self.dst + struct.pack(">HH", 6, len(segment)) + segment) ^ (0x5555 if wrong else 0)
        segment = head[:16] + struct.pack(">H", total) + head[18:] + data
        if len(data) % 16 == 9:
            self.fragments(segment)
            return
        if self.six and len(data) % 4 == 3:  # behind an extension header that says nothing (RFC 8200 section 4.6)
            ip = struct.pack(">IHBB", 6 << 28, 8 + len(segment), 60, 64) + self.src + self.dst
            ip += struct.pack(">BBBBI", 6, 0, 1, 4, 0)
        elif self.six:
            ip = struct.pack(">IHBB", 6 << 28, len(segment), 6, 64) + self.src + self.dst
        else:
            ip = self.ipv4(len(segment))
        self.socket.sendto(ip + segment, self.to)

    def ipv4(self, size, ident=0, fragment=0):
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + size, ident, fragment, 64, 6, 0, self.src, self.dst)
        return ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]

    def fragments(self, segment):
        """Cut behind the header of TCP: the kernel puts them together before anybody judges."""
        self.ident = (self.ident + 1) & 0xFFFF
        for at, part, more in (0, segment[:24], 1), (24, segment[24:], 0):
            if self.six:
                ip = struct.pack(">IHBB", 6 << 28, 8 + len(part), 44, 64) + self.src + self.dst
                ip += struct.pack(">BBHI", 6, 0, at | more, self.ident)
            else:
                ip = self.ipv4(len(part), self.ident, more << 13 | at >> 3)
            self.socket.sendto(ip + part, self.to)

    def answers(self, ports, seconds):
        """SYN/ACKs: the server's first number by our port."""
        found, until = {}, time.time() + seconds
        self.socket.settimeout(0.05)
        while len(found) < len(ports) and time.time() < until:
            try:
                packet = self.socket.recv(2000)
            except TimeoutError:
                continue
            segment = packet[40:] if self.six else packet[(packet[0] & 15) * 4 :]
            if len(segment) < 20 or segment[13] & (SYN | ACK) != SYN | ACK:
                continue
            mine, seq = struct.unpack(">HI", segment[2:8])
            if mine in ports:
                found[mine] = seq
        return found

    def drain(self):
        self.socket.setblocking(False)
        try:
            while True:
                self.socket.recv(2000)
        except BlockingIOError:
            pass


def mixture(rng):
    a, b = rng.choice(STREAMS), rng.choice(STREAMS)
    return bytes(rng.choice(pair) for pair in zip(a, b))


def schedule(rng):
    """Segments of one connection: (offset, bytes, how)."""
    main = rng.choice(STREAMS[:2])
    position = 0
    for _ in range(rng.randrange(4, 14)):
        stream = rng.choice((main, main, rng.choice(STREAMS), mixture(rng)))
        kind = rng.random()
        if kind < 0.5:  # in order, or nearly
            at = max(0, position + rng.choice((0, 0, 0, -1, 1, -8, 8)))
        elif kind < 0.8:
            at = rng.choice(EDGES)
        else:
            at = rng.randrange(LENGTH)
        end = rng.choice((at + rng.randrange(1, 60), rng.choice(EDGES), LENGTH))
        if not at < end <= LENGTH:
            at, end = min(at, LENGTH - 1), LENGTH
        how = rng.random()
        yield at, stream[at:end], "wrong" if how < 0.25 else "urgent" if how < 0.28 else "fin" if how < 0.3 else ""
        if how >= 0.3 and stream is main and at <= position:
            position = max(position, end)


def batch(link, rng, first_port):
    isns = {first_port + i: rng.randrange(1 << 32) for i in range(BATCH)}
    for port, isn in isns.items():
        link.send(port, isn, 0, SYN)
    answers = link.answers(isns, 2)
    plans = []
    for port, isn in isns.items():
        if port in answers:
            link.send(port, isn + 1, answers[port] + 1, ACK)
            plans.append((port, isn + 1, answers[port] + 1, list(schedule(rng))))
    for step in range(14):
        for port, seq, ack, plan in plans:
            if step < len(plan):
                at, data, how = plan[step]
                flags = PSH | ACK | (URG if how == "urgent" else 0) | (FIN if how == "fin" else 0)
                link.send(port, seq + at, ack, flags, data, how == "wrong", rng.randrange(1, 20) if how == "urgent" else 0)
        link.drain()
    time.sleep(0.2)  # until the server has read
    for port, seq, ack, plan in plans:
        for at in range(0, LENGTH + 2):
            if at in (0, LENGTH) or at % 16 == 0:
                link.send(port, seq + at, ack, RST | ACK)
    return len(plans)


def send(device, mac, client, server, port, seed, count):
    link, rng, done = Link(device, mac, client, server, int(port)), random.Random(int(seed)), 0
    at = 10000 + os.getpid() % 200 * 2 * BATCH
    while done < int(count):
        made = batch(link, rng, at)
        if not made:
            sys.exit(f"no connection is made after {done}")
        done += made
        at = at + BATCH if at + 2 * BATCH < 60000 else 10000
    print(done)


def heads(data):
    """Requests in DATA, and the first bad one."""
    count = 0
    while b"\r\n\r\n" in data:
        head, data = data.split(b"\r\n\r\n", 1)
        if not head.startswith((b"GET /api/", b"POST /api/")):
            return count, head
        count += 1
        if b"Content-Length: 40" in head:
            data = data[40:]
    return count, None


def take(s, read):
    """Reads what has come; False at the end."""
    try:
        part = s.recv(65536)
    except BlockingIOError:
        return True
    except OSError:
        return False
    read[s] += part
    return bool(part)


def serve(port, path):
    listener = socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096)
    listener.setblocking(False)
    poll, read = selectors.DefaultSelector(), {}
    poll.register(listener, selectors.EVENT_READ)
    share = float(os.environ.get("E2E_BUSY", 0.5))
    busy, held, counts, written = Busy(64, 0.15), set(), [0, 0, 0, 0, 0], None
    while True:
        for key, _ in poll.select(0.2):
            s = key.fileobj
            if s is listener:
                s = listener.accept()[0]
                s.setblocking(False)
                poll.register(s, selectors.EVENT_READ)
                read[s] = None
                counts[0] += 1
                continue
            if read[s] is None:
                read[s] = b""
                if random.random() < share:
                    poll.unregister(s)
                    if busy.hold(s, lambda s=s: poll.register(s, selectors.EVENT_READ)):
                        held.add(s)
                        continue
                    poll.register(s, selectors.EVENT_READ)
            if not take(s, read):
                poll.unregister(s)
                s.close()
                requests, bad = heads(read.pop(s))
                counts[1] += requests
                counts[2] += bad is not None
                counts[4] += bad is not None and s in held
                held.discard(s)
                if bad is not None and counts[2] < 4:
                    print(f"bad: {bad!r}", flush=True)
        counts[3] = busy.waited
        if counts != written:
            written = list(counts)
            with open(path + ".new", "w", encoding="ascii") as f:
                f.write(" ".join(map(str, counts)) + "\n")
            os.rename(path + ".new", path)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    send(*sys.argv[2:])

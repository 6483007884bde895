# SPDX-License-Identifier: Apache-2.0
"""A client with a TCP of its own: it sends the segments that a hostile peer would.

Usage: segments.py DEVICE SERVER-MAC CLIENT SERVER PORT SCENARIO

Frames go out through a packet socket, past every hook of this end. The address CLIENT must belong to nobody's kernel,
or that would reset the connection; the server needs a static neighbour entry for it. Prints what the scenario saw.
"""
import random
import socket
import struct
import sys
import time

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Connection:
    def __init__(self, device, mac, client, server, port):
        self.link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.link.bind((device, 0x0800))
        self.link.settimeout(0.1)
        self.to = (device, 0x0800, 0, 0, bytes.fromhex(mac.replace(":", "")))
        self.src, self.dst = socket.inet_aton(client), socket.inet_aton(server)
        self.port, self.server_port = random.randrange(20000, 60000), port
        self.seq, self.ack = random.randrange(1 << 32), 0
        self.data = b""
        self.answers = 0  # segments with payload, repeats included
        self.clock, self.echo = None, 0  # timestamps, ours when there are to be any, and the server's last
        self.taken = 0  # bytes from the position on that the server has acknowledged

    def ip(self, payload, ident, fragment):
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, fragment, 64, 6, 0, self.src, self.dst)
        self.link.sendto(head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload, self.to)

    def send(self, flags, data=b"", at=0, wrong_sum=False, urgent=0, fragment_at=0, ack=0, late=0):
        """DATA at AT bytes from the position; the position itself does not move."""
        options = b"" if self.clock is None else struct.pack(">BBBBII", 1, 1, 8, 10, self.clock - late, self.echo)
        size = (20 + len(options)) << 2
        fields = [self.port, self.server_port, (self.seq + at) & 0xFFFFFFFF, (self.ack + ack) & 0xFFFFFFFF, size, flags, 65000, 0, urgent]
        segment = struct.pack(">HHIIBBHHH", *fields) + options + data
        fields[7] = checksum(self.src + self.dst + struct.pack(">BBH", 0, 6, len(segment)) + segment)
        fields[7] ^= 0x5555 * wrong_sum
        segment = struct.pack(">HHIIBBHHH", *fields) + options + data
        ident = random.randrange(1, 1 << 16)
        if fragment_at:
            self.ip(segment[:fragment_at], ident, 0x2000)
            self.ip(segment[fragment_at:], ident, fragment_at // 8)
        else:
            self.ip(segment, ident, 0)

    def receive(self, seconds):
        """Takes segments until SECONDS have passed or one has a payload, SYN, FIN or RST; returns its flags."""
        until = time.time() + seconds
        while time.time() < until:
            try:
                packet = self.link.recv(65536)
            except socket.timeout:
                continue
            if packet[9] != 6 or packet[12:20] != self.dst + self.src:
                continue
            segment = packet[(packet[0] & 15) * 4 : struct.unpack(">H", packet[2:4])[0]]
            port, mine, seq, taken, offset, flags = struct.unpack(">HHIIBB", segment[:14])
            if (port, mine) != (self.server_port, self.port):
                continue
            options = segment[20 : (offset >> 4) * 4]
            if b"\x08\x0a" in options:
                at = options.index(b"\x08\x0a") + 2
                self.echo = struct.unpack(">I", options[at : at + 4])[0]
            self.taken = max(self.taken, ((taken - self.seq + (1 << 31)) & 0xFFFFFFFF) - (1 << 31))
            data = segment[(offset >> 4) * 4 :]
            self.answers += bool(data)
            if flags & SYN:
                self.ack = (seq + 1) & 0xFFFFFFFF
            elif data and seq == self.ack:
                self.data += data
                self.ack = (seq + len(data)) & 0xFFFFFFFF
            if flags & (SYN | FIN | RST) or data:
                return flags
        return 0

    def handshake(self, data=b"", flags=ACK, urgent=0):
        self.send(SYN)
        if not self.receive(2) & SYN:
            sys.exit("segments.py: no SYN/ACK")
        self.seq = (self.seq + 1) & 0xFFFFFFFF
        self.send(flags | (PSH if data else 0), data, urgent=urgent)

    def result(self):
        """The status of the answer, "reset" or "none"."""
        flags = 1
        while flags and not flags & RST and b"\r\n\r\n" not in self.data:
            flags = self.receive(1.2)
        if self.data:
            return self.data.split()[1].decode()
        return "reset" if flags & RST else "none"

    def close(self):
        self.send(RST | ACK)


def request(path):
    # Padded to one length: longer than what the kernel checks the sum of before anybody sees it.
    head = f"GET {path} HTTP/1.1\r\nHost: b\r\nX: ".encode()
    return head + b"x" * (146 - len(head)) + b"\r\n\r\n"


GOOD, EVIL = request("/api/good"), request("/api2evil")
assert len(GOOD) == len(EVIL) == 150


def plain(c):
    c.handshake()
    c.send(PSH | ACK, GOOD)
    return c.result()


def data_with_the_last_ack(c, data=EVIL):
    c.handshake(data)
    first = c.result()
    c.send(ACK)
    c.send(PSH | ACK, data)
    return first, c.result()


def allowed_data_with_the_last_ack(c):
    return data_with_the_last_ack(c, GOOD)


def another_request_behind_a_wrong_sum(c):
    """The judge sees GOOD, TCP throws it away; EVIL comes as its repeat."""
    c.handshake()
    c.send(PSH | ACK, GOOD, wrong_sum=True)
    c.send(PSH | ACK, EVIL)
    return c.result()


def the_same_behind_a_wrong_sum(c):
    c.handshake()
    c.send(PSH | ACK, GOOD, wrong_sum=True)
    c.send(PSH | ACK, GOOD)
    return c.result()


def the_same_behind_an_old_timestamp(c):
    """The judge does not know which timestamps TCP takes (PAWS, RFC 7323 section 5)."""
    c.clock = 1 << 20
    c.handshake()
    c.send(PSH | ACK, GOOD, late=1000)
    nothing = c.result()
    c.send(PSH | ACK, GOOD)
    return nothing, c.result()


def another_request_behind_an_old_timestamp(c):
    c.clock = 1 << 20
    c.handshake()
    c.send(PSH | ACK, GOOD, late=1000)
    c.send(PSH | ACK, EVIL)
    return c.result()


def another_tail_behind_an_old_timestamp(c):
    """TCP has the beginning; the end that was judged it has not, and another one would be put behind it."""
    c.clock = 1 << 20
    c.handshake()
    c.send(PSH | ACK, GOOD[:8])
    c.send(PSH | ACK, GOOD[8:], at=8, late=1000)
    nothing = c.result()
    c.send(PSH | ACK, EVIL[8:], at=8)
    return nothing, c.result()


def parts_of_another_behind_a_wrong_sum(c):
    """The tail of EVIL; at last GOOD as a whole."""
    c.handshake()
    c.send(PSH | ACK, GOOD, wrong_sum=True)
    c.send(PSH | ACK, EVIL[8:], at=8)
    c.send(PSH | ACK, EVIL[8:] + EVIL, at=8)
    killed = c.result()
    c.send(PSH | ACK, GOOD)
    return killed, c.result()


def parts_of_the_same_behind_a_wrong_sum(c):
    """Cut elsewhere, and the end first."""
    c.handshake()
    c.send(PSH | ACK, GOOD[:75], wrong_sum=True)
    c.send(PSH | ACK, GOOD[75:], at=75, wrong_sum=True)
    c.send(PSH | ACK, GOOD[13:], at=13)
    c.send(PSH | ACK, GOOD[:17])
    return c.result()


def the_first_hundred_are_dropped(c):
    """TCP drops [0,100), keeps [50,150) with another request, and gets [0,50) once more."""
    tail = b"\r\n\r\nGET /admin HTTP/1.1\r\nHost: b\r\nX: "
    tail += b"x" * (96 - len(tail)) + b"\r\n\r\n"
    c.handshake()
    c.send(PSH | ACK, GOOD[:100], wrong_sum=True)
    c.send(PSH | ACK, tail, at=50)
    c.send(PSH | ACK, GOOD[:50])
    return c.result()


def out_of_order(c):
    c.handshake()
    c.send(PSH | ACK, EVIL[8:], at=8)
    c.send(PSH | ACK, EVIL, at=1 << 29)
    c.send(PSH | ACK, EVIL, at=-150)
    nothing = c.result()
    c.send(PSH | ACK, GOOD)
    return nothing, c.result()


def the_tail_of_another_first(c):
    """TCP would keep it, and put it behind the head's beginning."""
    c.handshake()
    c.send(PSH | ACK, EVIL[8:], at=8)
    c.send(PSH | ACK, GOOD[:8])
    nothing = c.result()
    c.send(PSH | ACK, GOOD[8:], at=8)
    return nothing, c.result()


def resets_that_are_none(c):
    """In the window and not at its edge: TCP answers with a challenge (RFC 5961 section 3) and takes no payload."""
    c.handshake()
    c.send(RST | ACK, EVIL[8:], at=8)
    c.send(RST | ACK, at=150)
    c.send(PSH | ACK, GOOD[:8])
    c.send(RST | ACK, EVIL[20:], at=20)
    c.send(PSH | ACK, GOOD[8:], at=8)
    return c.result()


def urgent(c):
    c.handshake()
    c.send(PSH | ACK | URG, GOOD, urgent=8)
    nothing = c.result()
    c.send(PSH | ACK, GOOD)
    return nothing, c.result()


def urgent_with_the_last_ack(c):
    """No payload: the pointer names a byte that comes later."""
    c.handshake(flags=ACK | URG, urgent=8)
    time.sleep(0.1)
    c.send(ACK)
    c.send(PSH | ACK, GOOD)
    return c.result()


def fragments(c):
    c.handshake()
    c.send(PSH | ACK, GOOD, fragment_at=64)
    return c.result()


def evil_fragments(c):
    c.handshake()
    c.send(PSH | ACK, EVIL, fragment_at=64)
    return c.result()


def the_answer_is_lost(c):
    """The 403 does not arrive (it is not taken): a repeat of the request is answered again, and not for ever."""
    c.handshake()
    for _ in range(20):
        c.send(PSH | ACK, EVIL)
        time.sleep(0.2)
    while c.receive(0.5):
        pass
    return "403" in c.data.decode(), 2 <= c.answers <= 8 or c.answers


def an_answer_behind_another_is_lost(c):
    """The same of a request that came in one packet with one that was allowed, and is repeated without it."""
    c.handshake()
    c.send(PSH | ACK, GOOD + EVIL)
    until = time.time() + 5
    while b"hello from /api/good" not in c.data and time.time() < until:
        c.receive(0.1)
    before = c.answers
    c.send(ACK, at=len(GOOD))  # now it can be answered
    for _ in range(5):
        time.sleep(0.2)
        c.send(PSH | ACK, EVIL, at=len(GOOD))
    while c.receive(0.5):
        pass
    return c.data.split()[1].decode(), "403" in c.data.decode(), 2 <= c.answers - before <= 8 or c.answers - before


def forged(c):
    """What somebody else sends who knows no more than the place in the stream: TCP discards it."""
    c.handshake()
    c.send(PSH, EVIL)
    c.send(SYN | ACK, EVIL)
    c.send(PSH | ACK, EVIL, ack=1 << 21)
    c.send(PSH | ACK, EVIL, ack=-(1 << 25))
    time.sleep(0.2)
    c.send(PSH | ACK, GOOD)
    return c.result()


def tiny_chunks_behind_wrong_sums(c):
    """TCP throws more pieces of framing away than the judge looks through, and gets them again."""
    c.handshake()
    stream = b"POST /api/x HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 10000 + b"0\r\n\r\n"
    for wrong_sum in True, False:
        for at in range(0, len(stream), 1200):
            c.send(PSH | ACK, stream[at : at + 1200], at, wrong_sum)
            if not wrong_sum:
                until = time.time() + 2
                while c.taken < min(at + 1200, len(stream)) and time.time() < until:
                    c.receive(0.01)
                    c.send(ACK)
                if c.taken < at:
                    return f"stalls at {c.taken}"
    return c.taken == len(stream)


def no_connection(c):
    """Bytes for a connection that does not exist."""
    c.send(PSH | ACK, EVIL)
    return c.result()


def main():
    device, mac, client, server, port, scenario = sys.argv[1:]
    connection = Connection(device, mac, client, server, int(port))
    result = globals()[scenario](connection)
    connection.close()
    print(*(result if isinstance(result, tuple) else (result,)))


if __name__ == "__main__":
    main()

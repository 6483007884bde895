# SPDX-License-Identifier: Apache-2.0
"""What a peer learns about an address by asking it.

Usage: probe_ports.py ADDRESS PORT QUESTION... (all at the same time; prints a word for each)
	syn	a connection: "open", "reset", "nothing"
	udp	a datagram: "answer", "unreachable", "nothing"
	ack	a segment of no connection, from a raw socket: "reset", "nothing"
	ping	an echo request: "reply", "nothing"
	fragments	the same in several fragments
	proto	a packet of a protocol that nobody speaks: "unreachable", "nothing"
	sctp	the first packet of an association, from a raw socket: "abort" where the kernel speaks SCTP and nobody listens,
		"unreachable" where it does not, "nothing"; "refused" when it does not leave
"""
import concurrent.futures
import os
import select
import socket
import struct
import sys
import time

from segments import checksum

WAIT = 1.0  # a refusal takes a millisecond


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def syn(address, port):
    s = socket.socket(family(address))
    s.settimeout(WAIT)
    try:
        s.connect((address, port))
        return "open"
    except ConnectionRefusedError:
        return "reset"
    except TimeoutError:
        return "nothing"


def udp(address, port, size=8):
    s = socket.socket(family(address), socket.SOCK_DGRAM)
    s.settimeout(WAIT)
    s.connect((address, port))
    s.send(b"q" * size)
    try:
        s.recv(100)
        return "answer"
    except ConnectionRefusedError:
        return "unreachable"
    except TimeoutError:
        return "nothing"


def hear(s, is_it):
    """The first packet that IS_IT, within the time."""
    until = time.time() + WAIT
    while select.select([s], [], [], max(0, until - time.time()))[0]:
        packet = s.recv(2000)
        if s.family == socket.AF_INET:
            packet = packet[(packet[0] & 15) * 4 :]
        if is_it(packet):
            return True
    return False


def ack(address, port):
    s = socket.socket(family(address), socket.SOCK_RAW, socket.IPPROTO_TCP)
    s.connect((address, 0))
    mine = os.getpid() % 20000 + 40000
    ends = [socket.inet_pton(s.family, a) for a in (s.getsockname()[0], address)]
    fields = [mine, port, 1000, 2000, 0x50, 16, 1000, 0, 0]
    segment = struct.pack(">HHIIBBHHH", *fields)
    fields[7] = checksum(b"".join(ends) + struct.pack(">HH", 6, len(segment)) + segment)
    s.send(struct.pack(">HHIIBBHHH", *fields))
    return "reset" if hear(s, lambda p: p[:4] == struct.pack(">HH", port, mine) and p[13] & 4) else "nothing"


def ping(address, _):
    six = family(address) == socket.AF_INET6
    s = socket.socket(family(address), socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP)
    s.connect((address, 0))
    head = struct.pack(">BBHHH", 128 if six else 8, 0, 0, os.getpid() & 0xFFFF, 1)
    s.send(head if six else head[:2] + struct.pack(">H", checksum(head)) + head[4:])
    return "reply" if hear(s, lambda p: p[0] == (129 if six else 0) and p[4:6] == head[4:6]) else "nothing"


def proto(address, _):
    six = family(address) == socket.AF_INET6
    s = socket.socket(family(address), socket.SOCK_RAW, 253)
    hears = socket.socket(family(address), socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP)
    s.connect((address, 0))
    s.send(b"experiment")
    return "unreachable" if hear(hears, lambda p: p[0] == (4 if six else 3)) else "nothing"


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return struct.pack("<I", crc ^ 0xFFFFFFFF)


def sctp(address, port):
    six = family(address) == socket.AF_INET6
    s = socket.socket(family(address), socket.SOCK_RAW, socket.IPPROTO_SCTP)
    hears = socket.socket(family(address), socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP)
    s.connect((address, 0))
    ports = struct.pack(">HHI", os.getpid() % 20000 + 40000, port, 0)
    init = struct.pack(">BBHIIHHI", 1, 0, 20, 7, 65536, 1, 1, 7)
    try:
        s.send(ports + crc32c(ports + bytes(4) + init) + init)
    except PermissionError:
        return "refused"
    if hear(hears, lambda p: p[0] == (4 if six else 3)):
        return "unreachable"
    return "abort" if select.select([s], [], [], 0)[0] else "nothing"


def fragments(address, port):
    """A datagram in several of them."""
    return udp(address, port, 5000)


def main():
    address, port, questions = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        print(*pool.map(lambda q: globals()[q](address, port), questions))


if __name__ == "__main__":
    main()

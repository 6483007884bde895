# SPDX-License-Identifier: Apache-2.0
"""Packets that a pod gives to its own kernel as from somebody else, so that this answers; and some that leave past it.

Usage: mirrored.py give DEVICE MAC SOURCE TARGET KIND...	as if SOURCE had sent them, in frames for MAC (of lo: zeros)
       mirrored.py hear DEVICE SOURCE...	prints "PROTOCOL TYPE" for each packet from a SOURCE that holds the mark,
						"ready" first; the type is that of ICMP, else the source port, or "later"
       mirrored.py serve			answers datagrams to port 4712, whoever sent them, and all who connect there
       mirrored.py shake SOURCE TARGET [stay]	connects SOURCE to port 4712 of TARGET, over lo; what is answered leaves by eth0
       mirrored.py ping SOURCE TARGET SIZE	prints how many bytes are echoed, or what went wrong
       mirrored.py ask SOURCE TARGET PORT	the same for a datagram

KIND: echo (a request), closed (a datagram for a port that is closed), open (one for port 4712), solicit (a neighbour, with a
      long option), probe (the same, with a short one), parts (a datagram to port 4711 in two fragments, the mark in the second)
"""
import socket
import struct
import sys
import threading
import time

from spoofed import ACK, ICMP, ICMPV6, IPV4, IPV6, MARK, PORT, RST, SYN, TCP, UDP
from spoofed import coming, frames, icmp, ip, pack, split, summed, tap, udp


def solicitation(about, option):
    def make(source, target):
        data = struct.pack(">BBHI", 135, 0, 0, 0) + (about or target) + option
        return ICMPV6, summed(source, target, ICMPV6, data, 2)

    return make


KINDS = {
    **{"echo": icmp, "closed": udp(9), "open": udp(4712)},
    **{"solicit": solicitation(None, b"\x0e\2" + MARK.ljust(14, b"\0"))},
    **{"probe": solicitation(MARK.ljust(16, b"\0"), b"\1\1" + b"\2" * 6)},
}


def made(source, target, kind):
    """Packets with their protocol."""
    if kind == "parts":
        for later in (False, True):
            data = MARK if later else struct.pack(">HHHH", PORT, PORT, 8 + len(MARK), 0)
            protocol, packet = ip(source, target, UDP, data, later)
            if not later:  # more fragments follow
                packet = packet[:6] + b"\x20" + packet[7:]
                packet = packet[:10] + struct.pack(">H", (struct.unpack(">H", packet[10:12])[0] - 0x2000) % 0xFFFF) + packet[12:]
            yield protocol, packet
        return
    protocol, packet = ip(source, target, *KINDS[kind](source, target), False)
    if kind in ("solicit", "probe"):
        packet = packet[:7] + b"\xff" + packet[8:]
    yield protocol, packet


def give(device, mac, source, target, *kinds):
    _, put = frames(device, mac)
    for kind in kinds:
        for protocol, packet in made(pack(source), pack(target), kind):
            put(protocol, packet)


def type_of(upper, data, is_later):
    if is_later:
        return "later"
    return data[0] if upper in (ICMP, ICMPV6) else struct.unpack(">H", data[:2])[0]


def hear(device, *sources):
    sources = [pack(source) for source in sources]
    for protocol, packet in coming(device, IPV4, IPV6):
        source, _, upper, data, is_later = split(protocol, packet)
        if source in sources and MARK in packet:
            print(upper, type_of(upper, data, is_later), flush=True)


def shake(source, target, stay=None):
    lo = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
    leaving = tap("eth0")
    leaving.settimeout(10)
    source, target = pack(source), pack(target)

    def segment(flags, seq, ack):
        head = struct.pack(">HHIIBBHHH", PORT, 4712, seq, ack, 0x50, flags, 60000, 0, 0)
        protocol, packet = ip(source, target, TCP, summed(source, target, TCP, head, 16), False)
        lo.sendto(packet, ("lo", protocol, 0, 0, b"\0" * 6))

    segment(SYN, 100, 0)
    while True:
        _, _, upper, data, _ = split(IPV4 if len(source) == 4 else IPV6, leaving.recv(2000))
        if upper == TCP and data[13] == SYN | ACK:
            segment(ACK, 101, struct.unpack(">I", data[4:8])[0] + 1)
            time.sleep(0.3)
            return stay or segment(RST, 101, 0)


def greet():
    listener = socket.create_server(("::", 4712), family=socket.AF_INET6, dualstack_ipv6=True)
    kept = []
    while True:
        kept.append(listener.accept()[0])
        kept[-1].send(MARK)


def serve():
    threading.Thread(target=greet).start()
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.bind(("::", 4712))
    print("ready", flush=True)
    while True:
        try:
            sock.sendto(*sock.recvfrom(2000))
        except PermissionError:
            pass


def ask(sock, source, target, port, data):
    sock.settimeout(10)
    sock.bind((source, 0))
    sock.connect((target, port))
    try:
        sock.send(data)
        print(len(sock.recv(65536)))
    except OSError as e:
        print(type(e).__name__)


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def ping(source, target, size):
    v6 = family(target) == socket.AF_INET6
    sock = socket.socket(family(target), socket.SOCK_DGRAM, ICMPV6 if v6 else ICMP)
    ask(sock, source, target, 0, struct.pack(">BBHHH", 128 if v6 else 8, 0, 0, 0, 1).ljust(int(size), b"x"))


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        ask(socket.socket(family(sys.argv[3]), socket.SOCK_DGRAM), sys.argv[2], sys.argv[3], int(sys.argv[4]), MARK)
    else:
        {"give": give, "hear": hear, "serve": serve, "shake": shake, "ping": ping}[sys.argv[1]](*sys.argv[2:])

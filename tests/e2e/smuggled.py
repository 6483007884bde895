# SPDX-License-Identifier: Apache-2.0
"""What a bridge or a node would carry for a pod past who judges by the addresses of packets.

Usage: smuggled.py send DEVICE MAC KIND SOURCE TARGET [EXTRA]	one frame for MAC
       smuggled.py hear DEVICE			prints what comes with the mark of such a frame, "ready" first: the ethertype, or of IP
						(first fragments, too) "SOURCE PORT"

KIND: raw	a frame of no protocol		llc	one of 802.2
      tags	a datagram behind the tag of VLAN 1 and one of no VLAN
      router	an advertisement of a router	redirect	SOURCE tells TARGET of a better way to 198.51.100.1, or 2001:db8::1
      vxlan	a datagram from SOURCE to TARGET, wrapped for EXTRA: OUTER-SOURCE,OUTER-TARGET,PORT,INNER-MAC
      ipip, gre	the same: OUTER-SOURCE,OUTER-TARGET
      sum	a datagram that asks for a checksum, which will be the source's last two bytes, and its value 2: SOURCE's becomes
		that of the pod with number 2. It is too large for a device of 1000 bytes, and passes one router.
      port	the same, the port of the target becoming 4712
      usual	the same where the checksum belongs
      sourced	a datagram that is sent on to EXTRA by TARGET (loose source route)
      routed	over IPv6, with a routing header, of which EXTRA segments are left
      stolen	what is broadcast (ARP) with MAC as the sender's, about SOURCE
"""
import socket
import struct
import sys

from segments import checksum
from spoofed import ICMP, ICMPV6, IPV4, IPV6, MARK, PORT, TAG, ALL, ARP, ip, pack, summed, udp

PACKET_VNET_HDR, NEEDS_SUM, SOL_PACKET = 15, 1, 263
LINK, VXLAN = 14, struct.pack(">II", 0x08000000, 7 << 8)


def datagram(source, target, payload=None):
    protocol, data = udp(PORT)(source, target)
    if payload is not None:
        data = struct.pack(">HHHH", PORT, PORT, 8 + len(payload), 0) + payload
    return ip(source, target, protocol, data, False)


def router(own):
    source, target = bytes.fromhex("fe80000000000000") + bytes([own[0] ^ 2]) + own[1:3] + b"\xff\xfe" + own[3:], pack("ff02::1")
    option = b"\1\1" + own + b"\xfd\2" + MARK + bytes(4)
    data = summed(source, target, ICMPV6, struct.pack(">BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + option, 2)
    return struct.pack(">IHBB", 0x60000000, len(data), ICMPV6, 255) + source + target + data


def redirect(source, target):
    if len(source) == 4:
        data = struct.pack(">BBH", 5, 1, 0) + source + datagram(target, pack("198.51.100.1"))[1]
        return ip(source, target, ICMP, data[:2] + struct.pack(">H", checksum(data)) + data[4:], False)
    data = struct.pack(">BBHI", 137, 0, 0, 0) + source + pack("2001:db8::1") + b"\xfd\2" + MARK + bytes(4)
    return ip(source, target, ICMPV6, summed(source, target, ICMPV6, data, 2), False)


def wrapped(kind, source, target, own, outer_source, outer_target, port=0, mac=""):
    inner, packet = datagram(source, target)
    outer_source, outer_target = pack(outer_source), pack(outer_target)
    if kind == "ipip":
        return ip(outer_source, outer_target, 4 if inner == IPV4 else 41, packet, False)
    if kind == "gre":
        return ip(outer_source, outer_target, 47, struct.pack(">HH", 0, inner) + packet, False)
    data = VXLAN + bytes.fromhex(mac.replace(":", "")) + own + struct.pack(">H", inner) + packet
    return ip(outer_source, outer_target, 17, struct.pack(">HHHH", PORT, int(port), 8 + len(data), 0) + data, False)


def late_sum(kind, frame):
    """FRAME, of IPv4, that asks for the checksum of what it has behind START to be written at AT."""
    start, at, value = {"sum": (20, LINK + 14, 2), "port": (LINK + 20, LINK + 22, 4712), "usual": (LINK + 20, LINK + 26, 1)}[kind]
    head = frame[LINK : LINK + 8] + bytes([frame[LINK + 8] - 1]) + frame[LINK + 9 : LINK + 10] + b"\0\0" + frame[LINK + 12 : LINK + 20]
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]  # as the router has it
    total = ~checksum((frame[:LINK] + head + frame[LINK + 20 :])[start:]) & 0xFFFF
    frame = frame[:-2] + struct.pack(">H", ((~value & 0xFFFF) - total) % 0xFFFF)
    return struct.pack("<BBHHHH", NEEDS_SUM, 0, 0, 0, start, at - start) + frame


def sourced(source, by, target):
    options, (_, data) = bytes([1, 131, 7, 4]) + target, udp(PORT)(source, target)
    head = struct.pack(">BBHHHBBH", 0x47, 0, 28 + len(data), PORT, 0, 64, 17, 0) + source + by + options
    return IPV4, head[:10] + struct.pack(">H", checksum(head)) + head[12:] + data


def routed(source, target, left):
    protocol, data = udp(PORT)(source, target)
    data = struct.pack(">BBBBI", protocol, 2, 4, left, 0) + target + data
    return IPV6, struct.pack(">IHBB", 0x60000000, len(data), 43, 64) + source + target + data


def send(device, mac, kind, source, target, extra=""):
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    link.bind((device, 0))
    mac, own, source, target = bytes.fromhex(mac.replace(":", "")), link.getsockname()[4], pack(source), pack(target)
    sender = own
    if kind == "raw":
        protocol, data = 0x88B5, MARK
    elif kind == "llc":
        protocol, data = 3 + len(MARK), b"\0\0\xe3" + MARK
    elif kind == "tags":
        protocol, data = datagram(source, target)
        protocol, data = TAG, struct.pack(">HHHH", 1, TAG, 0, protocol) + data
    elif kind == "router":
        mac, protocol, data = bytes.fromhex("333300000001"), IPV6, router(own)
    elif kind == "redirect":
        protocol, data = redirect(source, target)
    elif kind in ("vxlan", "ipip", "gre"):
        protocol, data = wrapped(kind, source, target, own, *extra.split(","))
    elif kind == "sourced":
        protocol, data = sourced(source, target, pack(extra))
    elif kind == "routed":
        protocol, data = routed(source, target, int(extra))
    elif kind == "stolen":
        data = struct.pack(">HHBBH", 1, IPV4, 6, 4, 1) + own + source + bytes(6) + source
        mac, sender, protocol = b"\xff" * 6, mac, ARP
    else:
        protocol, data = datagram(source, target, MARK + bytes(1200))
    frame = mac + sender + struct.pack(">H", protocol) + data
    if kind in ("sum", "port", "usual"):
        link.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        frame = late_sum(kind, frame)
    link.send(frame)


def hear(device):
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
    link.bind((device, ALL))
    print("ready", flush=True)
    while True:
        frame, (_, _, way, *_) = link.recvfrom(65536)
        if way == socket.PACKET_OUTGOING or MARK not in frame:
            continue
        protocol = struct.unpack(">H", frame[12:LINK])[0]
        if protocol not in (IPV4, IPV6):
            print(f"{protocol:04x}", flush=True)
            continue
        v4 = protocol == IPV4
        source = frame[LINK + 12 : LINK + 16] if v4 else frame[LINK + 8 : LINK + 24]
        at = LINK + (frame[LINK] & 15) * 4 if v4 else LINK + 40
        port = struct.unpack(">H", frame[at + 2 : at + 4])[0] if frame[LINK + (9 if v4 else 6)] == 17 else "-"
        print(socket.inet_ntop(socket.AF_INET if v4 else socket.AF_INET6, source), port, flush=True)


if __name__ == "__main__":
    {"send": send, "hear": hear}[sys.argv[1]](*sys.argv[2:])

# SPDX-License-Identifier: Apache-2.0
"""Packets from any source address, past every hook of the sender's own end.

Usage: spoofed.py send DEVICE MAC SOURCE,TARGET,KIND...	sends these, one after the other, in frames for MAC
       spoofed.py hear DEVICE TARGET...			prints "SOURCE KIND" for each that comes for a TARGET, "ready" first

KIND: udp, syn, data, rst, icmp (an echo request), sctp, fragment (a later one), cut (a TCP header that is not whole),
      both (SYN with ACK), igmp (what a host says of its groups),
      tagged (a datagram behind two tags of no VLAN), end (a segment without anything), claim (ARP, or an advertisement over IPv6: SOURCE is at this device's address)
"""
import socket
import struct
import sys

from segments import checksum

UDP, TCP, ICMP, IGMP, ICMPV6, SCTP, FRAGMENT = 17, 6, 1, 2, 58, 132, 44
ALL, ARP, IPV4, IPV6, TAG = 0x0003, 0x0806, 0x0800, 0x86DD, 0x8100
SYN, RST, PSH, ACK = 2, 4, 8, 16
PORT, MARK = 4711, b"from whom?"  # one that only this script uses


def pack(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def pseudo(source, target, protocol, size):
    if len(source) == 4:
        return source + target + struct.pack(">BBH", 0, protocol, size)
    return source + target + struct.pack(">IxxxB", size, protocol)


def summed(source, target, protocol, data, at):
    """DATA with its checksum, which covers the addresses, at AT."""
    value = checksum(pseudo(source, target, protocol, len(data)) + data)
    return data[:at] + struct.pack(">H", value) + data[at + 2 :]


def udp(port):
    def make(source, target):
        return UDP, summed(source, target, UDP, struct.pack(">HHHH", PORT, port, 8 + len(MARK), 0) + MARK, 6)

    return make


def tcp(flags, payload=b""):
    def make(source, target):
        head = struct.pack(">HHIIBBHHH", PORT, PORT, 1, 1, 0x50, flags, 999, 0, 0)
        return TCP, summed(source, target, TCP, head + payload, 16)

    return make


def icmp(source, target):
    if len(source) == 4:
        data = struct.pack(">BBHHH", 8, 0, 0, PORT, 1) + MARK
        return ICMP, data[:2] + struct.pack(">H", checksum(data)) + data[4:]
    return ICMPV6, summed(source, target, ICMPV6, struct.pack(">BBHHH", 128, 0, 0, PORT, 1) + MARK, 2)


def sctp(source, target):
    return SCTP, struct.pack(">HHII", PORT, PORT, 0, 0) + MARK


def cut(source, target):
    return TCP, struct.pack(">HHIIBBHHH", PORT, PORT, 1, 1, 0x20, ACK, 999, 0, 0)


KINDS = {
    **{"udp": udp(PORT), "icmp": icmp, "sctp": sctp, "cut": cut, "end": tcp(ACK)},
    **{"both": tcp(SYN | ACK), "igmp": lambda source, target: (IGMP, MARK)},
    **{"syn": tcp(SYN), "data": tcp(PSH | ACK, MARK), "rst": tcp(RST)},
}


def ip(source, target, protocol, data, later):
    if len(source) == 4:
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(data), PORT, 1 if later else 0, 64, protocol, 0) + source + target
        return IPV4, head[:10] + struct.pack(">H", checksum(head)) + head[12:] + data
    if later:
        data, protocol = struct.pack(">BxHI", protocol, 8, PORT) + data, FRAGMENT
    return IPV6, struct.pack(">IHBB", 0x60000000, len(data), protocol, 64) + source + target + data


def claim(source, target, mac):
    if len(source) == 4:
        return ARP, struct.pack(">HHBBH", 1, IPV4, 6, 4, 2) + mac + source + mac + target
    # From the device's own address: it is not what an advertisement is about.
    own = bytes.fromhex("fe80000000000000") + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]
    data = summed(own, target, ICMPV6, struct.pack(">BBHI", 136, 0, 0, 0x60000000) + source + b"\2\1" + mac, 2)
    return IPV6, struct.pack(">IHBB", 0x60000000, len(data), ICMPV6, 255) + own + target + data


def frames(device, mac):
    """The device's own address, and what sends (PROTOCOL, DATA) there, for MAC."""
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    link.bind((device, 0))
    own = link.getsockname()[4]
    return own, lambda protocol, data: link.send(bytes.fromhex(mac.replace(":", "")) + own + struct.pack(">H", protocol) + data)


def send(device, mac, *packets):
    own, put = frames(device, mac)
    for packet in packets:
        source, target, kind = packet.split(",")
        source, target = pack(source), pack(target)
        if kind == "claim":
            protocol, data = claim(source, target, own)
        else:
            upper, data = KINDS[kind if kind in KINDS else "udp"](source, target)
            protocol, data = ip(source, target, upper, data, kind == "fragment")
        if kind == "tagged":
            protocol, data = TAG, struct.pack(">HHHH", 0, TAG, 0, protocol) + data
        put(protocol, data)


def kind_of_tcp(data):
    if data[12] == 0x20:
        return "cut"
    return {SYN: "syn", RST: "rst", SYN | ACK: "both", PSH | ACK: "data", ACK: "end"}.get(data[13])


def kind_of(protocol, data):
    """None: nothing of this script's."""
    if protocol in (UDP, TCP, SCTP) and struct.unpack(">HH", data[:4]) != (PORT, PORT):
        return None
    if protocol == TCP:
        return kind_of_tcp(data)
    if protocol in (ICMP, ICMPV6):
        return "icmp" if data[0] in (8, 128) and struct.unpack(">H", data[4:6])[0] == PORT else None
    if protocol == IGMP and data != MARK:
        return None
    return {UDP: "udp", SCTP: "sctp", IGMP: "igmp"}.get(protocol)


def split(protocol, packet):
    """(source, target, what is in it, its bytes, whether it is a later fragment)"""
    if protocol == IPV4:
        return packet[12:16], packet[16:20], packet[9], packet[20:], packet[7] != 0
    return packet[8:24], packet[24:40], packet[6], packet[40:], packet[6] == FRAGMENT


def heard(protocol, packet):
    """(source, target, kind)"""
    if protocol != ARP and not packet[0] >> 4:  # the rest of a tag
        source, target, kind = heard(protocol, packet[4:])
        return source, target, "tagged" if kind == "udp" else None
    if protocol == ARP:
        return packet[14:18], packet[24:28], "claim" if packet[7] == 2 else None
    source, target, upper, data, is_later = split(protocol, packet)
    if upper == ICMPV6 and data[0] == 136:
        return data[8:24], target, "claim"
    return source, target, "fragment" if is_later else kind_of(upper, data)


def tap(device):
    link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL))
    link.bind((device, ALL))
    return link


def coming(device, *protocols):
    """(PROTOCOL, PACKET) of what comes there, for ever; says that it is ready first."""
    link = tap(device)
    print("ready", flush=True)
    while True:
        packet, (_, protocol, way, *_) = link.recvfrom(65536)
        if way != socket.PACKET_OUTGOING and protocol in protocols:
            yield protocol, packet


def hear(device, *targets):
    targets = [pack(target) for target in targets]
    for protocol, packet in coming(device, ARP, IPV4, IPV6):
        source, to, kind = heard(protocol, packet)
        if to in targets and kind:
            family = socket.AF_INET if len(source) == 4 else socket.AF_INET6
            print(socket.inet_ntop(family, source), kind, flush=True)


if __name__ == "__main__":
    {"send": send, "hear": hear}[sys.argv[1]](*sys.argv[2:])

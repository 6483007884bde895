# SPDX-License-Identifier: Apache-2.0
"""Ways to connect that are not those of an ordinary TCP socket.

Usage: raw.py beside ADDRESS PORT PATH	a raw socket sends a request for PATH in the name of an ordinary connection, by the
					numbers that it has overheard. Prints the ordinary request's status,
					and "sent" or "refused"
       raw.py inject DEVICE MAC ADDRESS PORT PATH
				a packet socket sends a request for PATH, in frames for MAC, as the first one of an ordinary
				connection that has sent nothing yet. Prints "sent"
       raw.py serve PORT		a multipath listener that answers 200 and closes
       raw.py multipath ADDRESS PORT	prints the status over multipath TCP, and "multipath" when it was that
"""
import socket
import struct
import sys

import spoofed
from segments import checksum

IPPROTO_MPTCP, SOL_MPTCP, MPTCP_INFO = 262, 284, 1
PSH, ACK = 8, 16


def request(path):
    return f"GET {path} HTTP/1.1\r\nHost: b\r\n\r\n".encode()


def overhear(raw, s):
    """The numbers with which the client would go on."""
    mine, theirs = s.getsockname()[1], s.getpeername()[1]
    while True:
        packet = raw.recv(65536)
        segment = packet[(packet[0] & 15) * 4 :]
        source, to, seq, ack, offset, _ = struct.unpack(">HHIIBB", segment[:14])
        size = len(segment) - (offset >> 4) * 4
        if (source, to) == (theirs, mine) and size:
            return ack, (seq + size) & 0xFFFFFFFF


def beside(address, port, path):
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    raw.settimeout(3)
    s = socket.create_connection((address, int(port)), 3)
    s.sendall(request("/api/beside"))
    status = s.recv(4096).split()[1].decode()
    seq, ack = overhear(raw, s)
    data = request(path)
    fields = [s.getsockname()[1], int(port), seq, ack, 0x50, PSH | ACK, 65000, 0, 0]
    pseudo = socket.inet_aton(s.getsockname()[0]) + socket.inet_aton(address) + struct.pack(">BBH", 0, 6, 20 + len(data))
    fields[7] = checksum(pseudo + struct.pack(">HHIIBBHHH", *fields) + data)
    try:
        raw.sendto(struct.pack(">HHIIBBHHH", *fields) + data, (address, 0))
    except PermissionError:
        print(status, "refused")
        return
    s.settimeout(1)
    try:
        s.recv(4096)
    except OSError:
        pass
    print(status, "sent")


def inject(device, mac, address, port, path):
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
    link.bind((device, 0x0003))
    link.settimeout(3)
    s = socket.create_connection((address, int(port)), 3)
    mine = s.getsockname()[1]
    while True:
        frame = link.recv(65536)
        protocol, packet = struct.unpack(">H", frame[12:14])[0], frame[14:]
        if protocol not in (spoofed.IPV4, spoofed.IPV6):
            continue
        segment = packet[20:] if protocol == spoofed.IPV4 else packet[40:]
        if segment[:4] == struct.pack(">HH", int(port), mine) and segment[13] == spoofed.SYN | ACK:
            break
    seq, ack = struct.unpack(">II", segment[4:12])
    source, target = spoofed.pack(s.getsockname()[0]), spoofed.pack(address)
    data = struct.pack(">HHIIBBHHH", mine, int(port), ack, seq + 1 & 0xFFFFFFFF, 0x50, PSH | ACK, 999, 0, 0) + request(path)
    protocol, packet = spoofed.ip(source, target, spoofed.TCP, spoofed.summed(source, target, spoofed.TCP, data, 16), False)
    own = link.getsockname()[4]
    link.send(bytes.fromhex(mac.replace(":", "")) + own + struct.pack(">H", protocol) + packet)
    s.settimeout(1)
    try:
        s.recv(4096)
    except OSError:
        pass
    print("sent")


def serve(port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", int(port)))
    listener.listen(8)
    print("ready", flush=True)
    while True:
        c = listener.accept()[0]
        c.settimeout(3)
        try:
            if c.recv(4096):
                c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except OSError:
            pass
        c.close()


def multipath(address, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP)
    s.settimeout(3)
    s.connect((address, int(port)))
    s.sendall(request("/api/x"))
    try:
        s.getsockopt(SOL_MPTCP, MPTCP_INFO, 64)
        how = "multipath"
    except OSError:
        how = "ordinary"
    try:
        data = s.recv(4096)
    except OSError:
        data = b""
    print(data.split()[1].decode() if data else "none", how)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])

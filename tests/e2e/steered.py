# SPDX-License-Identifier: Apache-2.0
"""Fills this network namespace with programs that steer connections, so that there is room for no other.

Prints how many it took, and holds them until the file that it is given exists.
"""

import ctypes
import os
import platform
import struct
import sys
import time

SYSCALL = {"x86_64": 321, "aarch64": 280}[platform.machine()]
PROG_LOAD, LINK_CREATE = 5, 28
SK_LOOKUP, ATTACH_SK_LOOKUP = 30, 36
PASS = bytes.fromhex("b700000001000000" "9500000000000000")  # r0 = 1; exit


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, 128)
    fd = ctypes.CDLL(None, use_errno=True).syscall(SYSCALL, command, buffer, len(buffer))
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return fd


def main():
    code = ctypes.create_string_buffer(PASS)
    text = ctypes.create_string_buffer(b"Apache-2.0")
    attributes = struct.pack("=IIQQIIQII16sII", SK_LOOKUP, len(PASS) // 8, ctypes.addressof(code),
                             ctypes.addressof(text), 0, 0, 0, 0, 0, b"full", 0, ATTACH_SK_LOOKUP)
    program = bpf(PROG_LOAD, attributes)
    netns = os.open("/proc/self/ns/net", os.O_RDONLY)
    links = []
    try:
        while True:
            links.append(bpf(LINK_CREATE, struct.pack("=IIII", program, netns, ATTACH_SK_LOOKUP, 0)))
    except OSError as e:
        print(len(links), e.strerror, flush=True)
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.05)


main()

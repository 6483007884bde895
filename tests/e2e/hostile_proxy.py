#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""In the place of postern-proxy (posternd --proxy): one that was taken over. Each start does something else.

Descriptors: 3 a socket on which the daemon speaks, 4 one to the helper, 5 a pipe to the daemon (enforcer/wire.h).
"""
import os
import signal
import socket
import struct
import sys
import time

PING, DONE = 8, 4
KIND = struct.Struct("=III")  # kind, id, error; what follows is of other messages


def nth_start():
    path = os.path.join(os.environ["HOSTILE"], "starts")
    with open(path, "a") as f:
        f.write("x")
    return os.stat(path).st_size


def say(text):
    os.write(2, text)


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    n = nth_start()
    control = socket.socket(fileno=3)
    message = control.recv(4096)
    size, policy = len(message), KIND.unpack_from(message)[1]

    def answer(kind, number=0):
        os.write(5, KIND.pack(kind, number, 0).ljust(size, b"\0"))

    say(b"posternd: generation 99 is in force\x1b[2J\n<0>forged\n" + b"x" * 5000 + b"\n")
    try:
        socket.send_fds(control, [message], [4])
        say(b"a descriptor was sent\n")
    except BrokenPipeError:
        say(b"nothing can be sent\n")
    if n == 1:  # never enough
        answer(DONE, policy)
        while True:
            answer(PING)
    if n == 2:  # half a message
        os.write(5, b"\1" * (size - 1))
    if n == 3:  # an older one's answer, the present one's, and then somebody else's
        answer(DONE, policy - 1)
        answer(DONE, policy)
        time.sleep(0.5)
        answer(DONE, policy)
    time.sleep(1000)  # neither reads nor answers


sys.exit(main())
